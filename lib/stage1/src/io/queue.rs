//! Bytes that wait for whoever reads them.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

/// Most bytes that wait for one reader; whoever writes more waits too.
const MAX_QUEUED_BYTES: usize = 64 * 1024;

/// A descriptor that does not block, and the bytes that wait to be written to it.
#[derive(Debug)]
pub(crate) struct Queue {
    fd: OwnedFd,
    bytes: VecDeque<u8>,
    /// Nobody reads any more.
    closed: bool,
}

impl Queue {
    /// A queue for `fd`, which must not block.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            bytes: VecDeque::new(),
            closed: false,
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Takes bytes and writes what can be written now.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.bytes.extend(bytes);
            self.flush();
        }
    }

    /// Writes what can be written now.
    pub(crate) fn flush(&mut self) {
        while !self.bytes.is_empty() {
            let (front, _) = self.bytes.as_slices();
            match rustix::io::write(&self.fd, front) {
                Ok(count) => drop(self.bytes.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.close(),
            }
        }
        self.bytes.shrink_to(0);
    }

    /// Drops what waits, and all that comes.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.bytes = VecDeque::new();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether more may come.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes.len() < MAX_QUEUED_BYTES
    }

    /// Whether something waits for the reader.
    pub(crate) fn waits(&self) -> bool {
        !self.bytes.is_empty()
    }
}
