//! The digest of what is read.

use std::io::{self, Read};

use aws_lc_rs::digest::{Context, SHA256, SHA512};

use crate::digest::{Algorithm, Digest, from_sum};

/// Bytes read at once to get to the end.
const PIECE: usize = 128 * 1024;

/// Passes a reader's bytes on and keeps their digest.
pub struct DigestReader<R> {
    source: R,
    algorithm: Algorithm,
    sum: Context,
}

impl<R: Read> DigestReader<R> {
    /// Starts at the reader's position.
    pub fn new(algorithm: Algorithm, source: R) -> Self {
        let sum = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Self {
            source,
            algorithm,
            sum,
        }
    }

    /// The reader.
    pub fn get_ref(&self) -> &R {
        &self.source
    }

    /// Reads what is left and gives the digest of everything.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn finish(mut self) -> io::Result<Digest> {
        let mut buffer = vec![0; PIECE];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(from_sum(self.algorithm, &self.sum.finish()))
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.sum.update(&buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha512_of;

    #[test]
    fn the_digest_covers_what_was_read_and_what_was_not() {
        for read in [0, 2, 6] {
            let mut reader = DigestReader::new(Algorithm::Sha512, &b"abcdef"[..]);
            let mut head = vec![0; read];
            reader.read_exact(&mut head).unwrap();
            assert_eq!(reader.finish().unwrap(), sha512_of(b"abcdef"));
        }
        let reader = DigestReader::new(Algorithm::Sha256, &b""[..]);
        let empty = reader.finish().unwrap();
        assert!(empty.to_string().starts_with("sha256:e3b0c442"), "{empty}");
    }
}
