//! Reading ahead on a thread of its own: the stages of one image run side by side.
//!
//! A source is read in blocks that go round in a ring: from the thread that fills them to one that only
//! looks at them (a digest), to the reader, and back. The number of blocks bounds the memory and how far
//! the source is ahead. Bytes, errors and where they come are the same as without threads.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Size of a block: large enough that handing it on costs nothing, small enough to stay in a cache.
const BLOCK_BYTES: usize = 256 << 10;

/// How many blocks are in one ring: one in the hands of each stage, and one waiting for each.
const BLOCKS: usize = 6;

/// Memory that one ring takes at most, in bytes.
pub const RING_BYTES: usize = BLOCKS * BLOCK_BYTES;

/// What looks at all bytes on their way, on a thread of its own.
pub type Tap<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// Has `consume` read what `source` gives, and returns the source as it then is.
///
/// With two `threads` or more, the source is read on another thread, which is ahead by at most
/// [`RING_BYTES`], and `tap` sees the bytes on a third. With less, or where the system allows no more
/// threads, it all happens on the caller's. The threads have ended when this returns; they end early if
/// the consumer stops reading, though not before a read that the source is in comes back.
///
/// # Panics
///
/// If the source or the tap panics, after `consume` has got an error from its reader and returned.
pub fn read_ahead<S: Read + Send, T>(
    mut source: S,
    mut tap: Option<Tap<'_>>,
    threads: usize,
    consume: impl FnOnce(Ahead<'_>) -> T,
) -> (S, T) {
    let mut consume = Some(consume);
    if threads > 1 {
        let source_there = &mut source;
        let tap_there = tap.as_deref_mut();
        let consume = &mut consume;
        let done = thread::scope(move |scope| {
            let ring = Ring::start(scope, source_there, tap_there)?;
            let outcome = consume.take().map(|consume| consume(ring.ahead));
            for thread in ring.threads {
                if let Err(panic) = thread.join() {
                    resume_unwind(panic);
                }
            }
            outcome
        });
        if let Some(outcome) = done {
            return (source, outcome);
        }
    }
    let outcome = match consume.take() {
        Some(consume) => consume(Ahead::new(Feed::Here {
            source: &mut source,
            tap: tap.map(|tap| tap as Tap<'_>),
            spare: Some(new_buffer()),
        })),
        None => unreachable!("it is taken only where its outcome is returned"),
    };
    (source, outcome)
}

/// The reader of [`read_ahead`].
///
/// Once it has failed, it fails in the same way on every further read.
pub struct Ahead<'a> {
    block: Option<Block>,
    start: usize,
    /// Never locked: the mutex says that a channel may be given to another thread.
    feed: Mutex<Feed<'a>>,
}

/// Where blocks come from.
enum Feed<'a> {
    /// The caller's own thread.
    Here {
        source: &'a mut (dyn Read + Send),
        tap: Option<Tap<'a>>,
        spare: Option<Box<[u8]>>,
    },
    /// Another thread, which gets them back.
    Ring {
        ready: Receiver<Block>,
        free: Sender<Box<[u8]>>,
    },
}

/// Some bytes of the source, and whether they were the last ones.
struct Block {
    buffer: Box<[u8]>,
    length: usize,
    end: Option<io::Result<()>>,
}

fn new_buffer() -> Box<[u8]> {
    vec![0; BLOCK_BYTES].into_boxed_slice()
}

impl Block {
    /// Reads until the buffer is full or the source gives no more.
    fn fill(source: &mut (impl Read + ?Sized), mut buffer: Box<[u8]>) -> Self {
        let mut length = 0;
        let end = loop {
            match source.read(&mut buffer[length..]) {
                Ok(0) if length < buffer.len() => break Some(Ok(())),
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(Err(error)),
            }
            if length == buffer.len() {
                break None;
            }
        };
        Self {
            buffer,
            length,
            end,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// The threads, and the end of the ring that is read from.
struct Ring<'scope> {
    ahead: Ahead<'scope>,
    threads: Vec<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Ring<'scope> {
    /// Nothing was read from the source if the threads cannot be started.
    fn start(
        scope: &'scope Scope<'scope, '_>,
        source: &'scope mut (impl Read + Send),
        tap: Option<&'scope mut (impl FnMut(&[u8]) + Send + ?Sized)>,
    ) -> Option<Self> {
        let (free, spare) = mpsc::channel();
        for _ in 0..BLOCKS {
            free.send(new_buffer()).ok()?;
        }
        // The number of blocks is the bound; a channel with room for all of them makes nobody wait.
        let (filled, mut ready) = mpsc::sync_channel(BLOCKS);
        let mut threads = Vec::new();
        let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
        if let Some(tap) = tap {
            let (looked_at, next) = mpsc::sync_channel(BLOCKS);
            let blocks = std::mem::replace(&mut ready, next);
            let work = move || look_at(&blocks, tap, &looked_at);
            threads.push(spawn("digest").spawn_scoped(scope, work).ok()?);
        }
        let work = move || fill_blocks(source, &spare, &filled);
        threads.push(spawn("read-ahead").spawn_scoped(scope, work).ok()?);
        Some(Self {
            ahead: Ahead::new(Feed::Ring { ready, free }),
            threads,
        })
    }
}

/// The thread that reads. It ends when nobody wants more.
fn fill_blocks(source: &mut impl Read, spare: &Receiver<Box<[u8]>>, filled: &SyncSender<Block>) {
    while let Ok(buffer) = spare.recv() {
        let block = Block::fill(source, buffer);
        let last = block.end.is_some();
        if filled.send(block).is_err() || last {
            return;
        }
    }
}

/// The thread that only looks.
fn look_at(
    blocks: &Receiver<Block>,
    tap: &mut (impl FnMut(&[u8]) + ?Sized),
    looked_at: &SyncSender<Block>,
) {
    while let Ok(block) = blocks.recv() {
        tap(block.bytes());
        if looked_at.send(block).is_err() {
            return;
        }
    }
}

impl<'a> Ahead<'a> {
    fn new(feed: Feed<'a>) -> Self {
        Self {
            block: None,
            start: 0,
            feed: Mutex::new(feed),
        }
    }

    /// Gives the block back that is used up, and takes the next one.
    fn next_block(&mut self) -> io::Result<()> {
        let feed = self.feed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let used = self.block.take().map(|block| block.buffer);
        self.start = 0;
        let block = match feed {
            Feed::Here { source, tap, spare } => {
                let buffer = used.or_else(|| spare.take()).unwrap_or_else(new_buffer);
                let block = Block::fill(&mut **source, buffer);
                if let Some(tap) = tap {
                    tap(block.bytes());
                }
                block
            }
            Feed::Ring { ready, free } => {
                if let Some(buffer) = used {
                    // The other thread has ended when it has read everything.
                    let _ = free.send(buffer);
                }
                let ended = |_| io::Error::other("a thread that reads ahead has ended");
                ready.recv().map_err(ended)?
            }
        };
        self.block = Some(block);
        Ok(())
    }
}

impl BufRead for Ahead<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match &mut self.block {
                Some(block) if self.start < block.length => break,
                Some(Block { end: Some(end), .. }) => {
                    let Err(error) = end else {
                        break;
                    };
                    // The first time with its cause; after that there is only the kind of error left.
                    let kind = error.kind();
                    return Err(std::mem::replace(error, kind.into()));
                }
                _ => self.next_block()?,
            }
        }
        let block = self.block.as_ref();
        Ok(block.map_or(&[], |block| &block.bytes()[self.start..]))
    }

    fn consume(&mut self, length: usize) {
        let most = self.block.as_ref().map_or(0, |block| block.length);
        self.start = most.min(self.start + length);
    }
}

impl Read for Ahead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl fmt::Debug for Ahead<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ahead").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
