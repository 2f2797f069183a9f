//! Gzip on several threads, with bytes that do not depend on how many there are.
//!
//! The input is cut into blocks of a fixed size. Each is deflated by itself: the 32 KiB before it are its
//! dictionary, so that matches reach back over the cut, and a sync flush ends it on a byte boundary. One
//! after the other the pieces are one deflate stream in one member, as pigz(1) writes it.

mod deflate;
mod pool;

use std::collections::VecDeque;
use std::io::{self, Write};

use flate2::Crc;

use deflate::{Piece, deflate};
use pool::{Pool, Ticket};

/// Input bytes that one thread deflates at a time. The size of the cut is part of the output.
const BLOCK: usize = 256 << 10;

/// How far back a match reaches, in bytes. Source: RFC 1951, 2.
const WINDOW: usize = 32 << 10;

/// Threads beyond this number would wait for the one that reads and hashes.
const MAX_THREADS: usize = 16;

/// Magic, deflate, no flags, no time, no level, unknown system. Source: RFC 1952, 2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses to one gzip member.
///
/// The caller's thread writes to the target; with more threads than one, others deflate. They start with
/// the first full block, and up to half as many blocks again wait to be taken or written. [`Write::flush`]
/// passes on what is complete and cuts no block, so that the bytes depend on the input alone.
pub(super) struct GzipEncoder<W> {
    target: W,
    threads: usize,
    /// The window, then what the next block has so far.
    buffer: Vec<u8>,
    /// Length of the window in `buffer`.
    window: usize,
    pool: Option<Pool>,
    /// Blocks that are being deflated, in their order.
    pending: VecDeque<Ticket>,
    spare: Vec<Vec<u8>>,
    crc: Crc,
    failed: bool,
}

/// A block that is to be deflated.
struct Block {
    buffer: Vec<u8>,
    /// Length of the window before the data.
    window: usize,
    /// Whether the stream ends with it.
    last: bool,
    /// An empty vector, with room from earlier use.
    output: Vec<u8>,
}

impl<W: Write> GzipEncoder<W> {
    /// Starts a member. `threads` is how many may deflate at once; 0 and 1 are the caller's own.
    pub(super) fn new(mut target: W, threads: usize) -> io::Result<Self> {
        target.write_all(&HEADER)?;
        Ok(Self {
            target,
            threads: threads.min(MAX_THREADS),
            buffer: Vec::new(),
            window: 0,
            pool: None,
            pending: VecDeque::new(),
            spare: Vec::new(),
            crc: Crc::new(),
            failed: false,
        })
    }

    /// Writes the last block and the end of the member.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.check()?;
        self.dispatch(true)?;
        self.collect(0)?;
        self.target.write_all(&self.crc.sum().to_le_bytes())?;
        // Modulo 2^32, as the format has it, and so does `amount`.
        self.target.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.target)
    }

    /// After a failure pieces are missing, so nothing may follow.
    fn check(&self) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("compression has failed before"));
        }
        Ok(())
    }

    /// Hands the block on, and starts the next one with its end as the window.
    fn dispatch(&mut self, last: bool) -> io::Result<()> {
        let mut next = self.spare.pop().unwrap_or_default();
        next.reserve_exact(WINDOW + BLOCK);
        next.extend_from_slice(&self.buffer[self.buffer.len().saturating_sub(WINDOW)..]);
        let window = std::mem::replace(&mut self.window, next.len());
        let block = Block {
            buffer: std::mem::replace(&mut self.buffer, next),
            window,
            last,
            output: self.spare.pop().unwrap_or_default(),
        };
        if self.threads > 1 && !last && self.pool.is_none() {
            // The only block of a small stream is not worth a thread.
            self.pool = Pool::start(self.threads);
            if self.pool.is_none() {
                self.threads = 1;
            }
        }
        if let Some(pool) = &self.pool {
            self.pending.push_back(pool.submit(block));
            // Enough that no thread waits while the first piece is written.
            return self.collect(self.threads + self.threads / 2 + 1);
        }
        self.append(deflate(block))
    }

    /// Writes finished pieces until at most `left` are pending.
    fn collect(&mut self, left: usize) -> io::Result<()> {
        while self.pending.len() > left {
            let Some(ticket) = self.pending.pop_front() else {
                break;
            };
            self.append(ticket.wait())?;
        }
        Ok(())
    }

    fn append(&mut self, piece: io::Result<Piece>) -> io::Result<()> {
        let written = piece.and_then(|piece| {
            self.target.write_all(&piece.data)?;
            Ok(piece)
        });
        let piece = written.inspect_err(|_| self.failed = true)?;
        self.crc.combine(&piece.crc);
        for mut vector in [piece.data, piece.buffer] {
            vector.clear();
            self.spare.push(vector);
        }
        Ok(())
    }
}

impl<W: Write> Write for GzipEncoder<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.check()?;
        let room = self.window + BLOCK - self.buffer.len();
        let taken = &data[..data.len().min(room)];
        self.buffer.extend_from_slice(taken);
        if taken.len() == room {
            self.dispatch(false)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        self.collect(0)?;
        self.target.flush()
    }
}

#[cfg(test)]
mod tests;
