//! A source that keeps what is read from it.

use std::io::{self, BufRead, Read};

/// Most bytes kept at a time. One entry's own headers with the largest sparse map stay well below; only
/// global headers in a row could exceed it.
pub(super) const MAX_KEPT: usize = 16 << 20;

/// More headers in a row than are kept. Comes inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the headers before one entry exceed {MAX_KEPT} bytes")]
pub struct HeadersError;

/// Keeps what is read through it until it is taken, or lets it pass.
#[derive(Debug)]
pub(super) struct Tape<R> {
    source: R,
    kept: Vec<u8>,
    keeping: bool,
}

impl<R> Tape<R> {
    /// Keeps from the first byte.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            kept: Vec::new(),
            keeping: true,
        }
    }

    /// Whether what is read from now on is kept.
    pub(super) fn keep(&mut self, keeping: bool) {
        self.keeping = keeping;
    }

    /// What was kept since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }
}

impl<R: BufRead> Read for Tape<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Tape<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.kept.len() > MAX_KEPT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, HeadersError));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        // What is consumed has been filled in before, so that this reads nothing and cannot fail.
        if self.keeping
            && length > 0
            && let Ok(available) = self.source.fill_buf()
        {
            self.kept.extend_from_slice(&available[..length]);
        }
        self.source.consume(length);
    }
}
