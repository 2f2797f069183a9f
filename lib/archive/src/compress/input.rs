//! A buffered source whose next bytes can be looked at, and that counts what was read from it.

use std::io::{self, BufRead, Read};

/// Size of the buffer: large enough that system calls cost nothing beside decompression.
const BUFFER_BYTES: usize = 128 << 10;

/// A buffered reader with look-ahead.
pub(super) struct Input<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    total: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self {
            source,
            buffer,
            start: 0,
            end: 0,
            total: 0,
        }
    }

    /// The next `length` bytes, which stay unread; fewer at the end of the source.
    pub(super) fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        debug_assert!(length <= self.buffer.len());
        if self.end - self.start < length {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < length && self.refill()? > 0 {}
        }
        let available = &self.buffer[self.start..self.end];
        Ok(&available[..length.min(available.len())])
    }

    /// Number of bytes that were read from here.
    pub(super) fn consumed(&self) -> u64 {
        self.total - (self.end - self.start) as u64
    }

    /// Reads the source to its end and drops what comes.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            self.start = 0;
            self.end = 0;
            if self.refill()? == 0 {
                return Ok(());
            }
        }
    }

    fn refill(&mut self) -> io::Result<usize> {
        let length = read(&mut self.source, &mut self.buffer[self.end..])?;
        self.end += length;
        self.total += length as u64;
        Ok(length)
    }
}

/// Reads once, however often signals interrupt it.
fn read(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && buffer.len() >= self.buffer.len() {
            // What is read in large pieces needs no copy of its own.
            let length = read(&mut self.source, buffer)?;
            self.total += length as u64;
            return Ok(length);
        }
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.refill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
        debug_assert!(self.start <= self.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte per call, as a slow pipe may.
    struct OneByOne<'a>(&'a [u8]);

    impl Read for OneByOne<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1).min(self.0.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn peeking_gathers_bytes_and_leaves_them_unread() {
        let mut input = Input::new(OneByOne(b"abcdefghijklm"));
        assert_eq!(input.peek(3).unwrap(), b"abc");
        assert_eq!(input.peek(2).unwrap(), b"ab");
        let mut two = [0; 2];
        input.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"ab");
        assert_eq!(input.peek(9).unwrap(), b"cdefghijk");
        let mut large = vec![0; BUFFER_BYTES];
        assert_eq!(
            input.read(&mut large).unwrap(),
            9,
            "what was peeked comes first"
        );
        assert_eq!(large[..9], *b"cdefghijk");
        assert_eq!((input.read(&mut large).unwrap(), input.consumed()), (1, 12));
        assert_eq!(large[0], b'l');
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).unwrap();
        assert_eq!((rest.as_slice(), input.consumed()), (&b"m"[..], 13));
        assert_eq!(input.peek(1).unwrap(), b"");
    }
}
