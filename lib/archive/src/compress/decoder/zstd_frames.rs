//! Zstandard frames, one after the other, with a bound on memory.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::super::input::Input;
use super::super::{ZSTD, ZSTD_SKIPPABLE};
use super::{LARGE_WINDOW, LimitError};

/// Longest frame header up to the content size, with the magic number, in bytes.
const HEADER_BYTES: usize = 18;

/// Decodes frames to the end of the source; skippable ones are skipped.
pub(super) struct ZstdFrames<R> {
    input: Input<R>,
    decoder: Decoder<'static>,
    max_memory: u64,
    within_frame: bool,
    large: bool,
}

impl<R: Read> ZstdFrames<R> {
    pub(super) fn new(input: Input<R>, max_memory: u64) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        // The next power of two and what the library can do at most; the exact bound is checked here.
        let log = (max_memory.max(1).ilog2() + 1).clamp(10, 31);
        decoder.set_parameter(DParameter::WindowLogMax(log))?;
        Ok(Self {
            input,
            decoder,
            max_memory,
            within_frame: false,
            large: false,
        })
    }

    /// Whether a frame with a window of more than [`LARGE_WINDOW`] was met.
    pub(super) fn has_large_window(&self) -> bool {
        self.large
    }

    pub(super) fn get_ref(&self) -> &Input<R> {
        &self.input
    }

    pub(super) fn into_inner(self) -> Input<R> {
        self.input
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within_frame && !self.start_frame()? {
                return Ok(0);
            }
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let status = self.decoder.run_on_buffers(input, buffer)?;
            self.input.consume(status.bytes_read);
            self.within_frame = status.remaining != 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if self.within_frame && at_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Looks at the header of the next frame; false at the end of the source.
    fn start_frame(&mut self) -> io::Result<bool> {
        let head = self.input.peek(HEADER_BYTES)?;
        if head.is_empty() {
            return Ok(false);
        }
        let magic = &head[..head.len().min(ZSTD.len())];
        let skippable = magic[0] & 0xf0 == 0x50 && ZSTD_SKIPPABLE.starts_with(&magic[1..]);
        if !skippable && !ZSTD.starts_with(magic) {
            let message = "what follows the last frame is none";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let window = if skippable { 0 } else { window(head) };
        if window > self.max_memory {
            let limit = self.max_memory;
            return Err(LimitError::Memory { limit }.into_io());
        }
        self.large |= window > LARGE_WINDOW;
        self.within_frame = true;
        Ok(true)
    }
}

/// Window size of a frame by its header; 0 if the header is not complete.
///
/// Source: RFC 8878, 3.1.1.1.
fn window(head: &[u8]) -> u64 {
    let Some((descriptor, rest)) = head.get(ZSTD.len()..).and_then(<[u8]>::split_first) else {
        return 0;
    };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let Some(byte) = rest.first() else { return 0 };
        let base = 1 << (10 + (byte >> 3));
        return base + base / 8 * u64::from(byte & 7);
    }
    // The window is the content, whose size follows the number of the dictionary.
    let skipped = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let Some(field) = rest.get(skipped..skipped + length) else {
        return 0;
    };
    let size = field
        .iter()
        .rev()
        .fold(0, |size, byte| size << 8 | u64::from(*byte));
    // Two bytes count from 256 on.
    if length == 2 { size + 256 } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_as_the_format_says() {
        let head = |rest: &[u8]| [ZSTD, rest].concat();
        let cases: [(&[u8], u64); 11] = [
            (&[0x00, 0x00], 1 << 10),
            (&[0x04, 0x58], 2 << 20),
            (&[0x00, 0x81], (64 << 20) + (8 << 20)),
            (&[0x00, 0xff], (1 << 41) + (1 << 38) * 7),
            (&[0x20, 0x07], 7),
            (&[0x60, 0x00, 0x01], 512),
            (&[0xa0, 0, 0, 0, 8], 128 << 20),
            (&[0xe0, 1, 0, 0, 0, 0, 0, 0, 0x80], (1 << 63) + 1),
            (&[0x21, 0xaa, 0x07], 7),
            (&[0xe3, 1, 2, 3, 4, 0], 0),
            (&[], 0),
        ];
        for (rest, expected) in cases {
            assert_eq!(window(&head(rest)), expected, "{rest:?}");
        }
    }
}
