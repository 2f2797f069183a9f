//! Whether bytes that are read a second time are those of the first time.
//!
//! A digest would tell as well, at several times the cost and only at the end. Here each block has a code of
//! its own, under a key that never leaves this process, so that a changed block is never handed on. The code
//! is GMAC, which is AES-GCM without a text; the block's number is the nonce. Who changes bytes in between
//! knows neither key nor codes, and gets past with a chance of 2^-114 for each block. Source: NIST SP 800-38D.

use std::fmt;
use std::io::{self, Read};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};

/// Bytes that have one code: as many as the pipeline hands on at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// Takes in a content on its first reading.
///
/// Holds 64 KiB for each GiB of it.
pub struct Seal {
    key: LessSafeKey,
    /// `None` if the library made none: then no block is the same.
    codes: Vec<Option<Tag>>,
    /// The beginning of the next block, if the bytes came in other pieces.
    begun: Vec<u8>,
}

/// What is known of a content that was read to its end.
#[derive(Debug)]
pub struct Sealed(Seal);

impl Seal {
    /// Nothing of the content yet.
    ///
    /// # Errors
    ///
    /// Those of getrandom(2).
    pub fn new() -> io::Result<Self> {
        let mut key = [0; 16];
        rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())?;
        let key = UnboundKey::new(&AES_128_GCM, &key).map_err(io::Error::other)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            codes: Vec::new(),
            begun: Vec::new(),
        })
    }

    /// Appends bytes of the content.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let wanted = BLOCK_BYTES - self.begun.len();
            let (now, later) = bytes.split_at(wanted.min(bytes.len()));
            bytes = later;
            if now.len() == BLOCK_BYTES {
                self.codes.push(self.code(self.codes.len(), now));
                continue;
            }
            self.begun.extend_from_slice(now);
            if self.begun.len() == BLOCK_BYTES {
                self.end_block();
            }
        }
    }

    /// The content is complete.
    pub fn finish(mut self) -> Sealed {
        if !self.begun.is_empty() {
            self.end_block();
        }
        self.begun = Vec::new();
        Sealed(self)
    }

    fn end_block(&mut self) {
        self.codes.push(self.code(self.codes.len(), &self.begun));
        self.begun.clear();
    }

    /// The code of a block, which on the second reading is shown to nobody: the nonce may come again.
    fn code(&self, number: usize, block: &[u8]) -> Option<Tag> {
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let key = &self.key;
        key.seal_in_place_separate_tag(nonce, Aad::from(block), &mut [])
            .ok()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Seal")
            .field("blocks", &self.codes.len())
            .finish_non_exhaustive()
    }
}

/// Reads a content for the second time, and nothing that was not in it.
///
/// The first block that is another one is an error, and so is another length.
#[derive(Debug)]
pub struct SealedReader<'a, R> {
    source: R,
    sealed: &'a Sealed,
    /// Number of the next block.
    number: usize,
    /// A block of which a part was handed on.
    block: Box<[u8]>,
    start: usize,
    end: usize,
    changed: bool,
}

impl<'a, R: Read> SealedReader<'a, R> {
    /// Starts at the first byte of both.
    pub fn new(source: R, sealed: &'a Sealed) -> Self {
        Self {
            source,
            sealed,
            number: 0,
            block: Box::default(),
            start: 0,
            end: 0,
            changed: false,
        }
    }

    /// Whether there were other bytes than at the first time.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Fills `block` as far as the source goes, and compares.
    fn next(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < block.len() {
            match self.source.read(&mut block[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let Sealed(seal) = self.sealed;
        let same = match seal.codes.get(self.number) {
            None => length == 0,
            Some(known) => {
                let code = seal.code(self.number, &block[..length]);
                let code = code.as_ref().map(Tag::as_ref);
                length > 0 && code.is_some() && code == known.as_ref().map(Tag::as_ref)
            }
        };
        if !same {
            self.changed = true;
            let text = "it changed while it was read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.number += usize::from(length > 0);
        Ok(length)
    }
}

impl<R: Read> Read for SealedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            if let Some(block) = buffer.get_mut(..BLOCK_BYTES) {
                return self.next(block);
            }
            let mut block = std::mem::take(&mut self.block);
            if block.is_empty() {
                block = vec![0; BLOCK_BYTES].into_boxed_slice();
            }
            let length = self.next(&mut block);
            self.block = block;
            (self.start, self.end) = (0, length?);
        }
        let length = buffer.len().min(self.end - self.start);
        buffer[..length].copy_from_slice(&self.block[self.start..][..length]);
        self.start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every block of it is another one.
    fn content(length: usize) -> Vec<u8> {
        (0_u64..)
            .flat_map(|number| (number * number).to_le_bytes())
            .take(length)
            .collect()
    }

    fn sealed(content: &[u8], piece: usize) -> Sealed {
        let mut seal = Seal::new().unwrap();
        for piece in content.chunks(piece) {
            seal.update(piece);
        }
        seal.finish()
    }

    /// Number of bytes that passed, and whether there were no others.
    fn read(content: &[u8], sealed: &Sealed, piece: usize) -> Result<usize, usize> {
        let mut reader = SealedReader::new(content, sealed);
        let (mut buffer, mut all) = (vec![0; piece], Vec::new());
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(all.len()),
                Ok(length) => all.extend_from_slice(&buffer[..length]),
                Err(_) => {
                    assert!(reader.has_changed());
                    return Err(all.len());
                }
            }
            assert!(content.starts_with(&all));
        }
    }

    const LENGTHS: [usize; 6] = [
        0,
        1,
        BLOCK_BYTES - 1,
        BLOCK_BYTES,
        BLOCK_BYTES + 1,
        3 * BLOCK_BYTES,
    ];

    #[test]
    fn the_same_bytes_pass_in_whatever_pieces_they_come() {
        for length in LENGTHS {
            let content = content(length);
            for piece in [1000, BLOCK_BYTES, 3 * BLOCK_BYTES] {
                let sealed = sealed(&content, piece);
                for piece in [777, BLOCK_BYTES, 2 * BLOCK_BYTES] {
                    assert_eq!(read(&content, &sealed, piece), Ok(length));
                }
            }
        }
    }

    #[test]
    fn no_byte_of_a_changed_block_is_handed_on() {
        for length in LENGTHS {
            let content = content(length);
            let sealed = sealed(&content, 4096);
            let longer = [content.as_slice(), b"x"].concat();
            let whole_blocks = length / BLOCK_BYTES * BLOCK_BYTES;
            assert_eq!(read(&longer, &sealed, 777), Err(whole_blocks));
            if length == 0 {
                continue;
            }
            let before_last = (length - 1) / BLOCK_BYTES * BLOCK_BYTES;
            assert_eq!(read(&content[..length - 1], &sealed, 777), Err(before_last));
            let whole = &content[..before_last];
            assert_eq!(read(whole, &sealed, 777), Err(before_last));
            for position in [0, length / 2, length - 1] {
                let mut other = content.clone();
                other[position] ^= 4;
                let expected = position / BLOCK_BYTES * BLOCK_BYTES;
                assert_eq!(read(&other, &sealed, 777), Err(expected));
                assert_eq!(read(&other, &sealed, BLOCK_BYTES), Err(expected));
            }
        }
    }

    #[test]
    fn blocks_that_changed_places_do_not_pass() {
        let mut content = content(2 * BLOCK_BYTES);
        let sealed = sealed(&content, BLOCK_BYTES);
        content.rotate_left(BLOCK_BYTES);
        assert_eq!(read(&content, &sealed, BLOCK_BYTES), Err(0));
    }
}
