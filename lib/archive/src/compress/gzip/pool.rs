//! Threads that deflate blocks.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::Block;
use super::deflate::{Piece, deflate};

/// Threads that wait for blocks; they end with the pool.
pub(super) struct Pool {
    /// `None` only while the pool is dropped.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

struct Job {
    block: Block,
    reply: SyncSender<io::Result<Piece>>,
}

/// The claim to one deflated block.
pub(super) struct Ticket(Receiver<io::Result<Piece>>);

impl Ticket {
    /// Waits for the block. A thread that ended before its time is an error, not a wait without end.
    pub(super) fn wait(self) -> io::Result<Piece> {
        let ended = |_| Err(io::Error::other("a compressing thread has ended"));
        self.0.recv().unwrap_or_else(ended)
    }
}

impl Pool {
    /// Starts as many of the threads as the system allows; `None` if that is none.
    pub(super) fn start(threads: usize) -> Option<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let start = |number| {
            let queue = Arc::clone(&queue);
            let thread = thread::Builder::new().name(format!("deflate-{number}"));
            thread.spawn(move || work(&queue)).ok()
        };
        let threads: Vec<_> = (0..threads).map_while(start).collect();
        (!threads.is_empty()).then_some(Self {
            jobs: Some(jobs),
            threads,
        })
    }

    /// Queues a block; how many are queued is bounded by whoever waits for the tickets.
    pub(super) fn submit(&self, block: Block) -> Ticket {
        // With room for the reply no thread waits for a ticket that was thrown away.
        let (reply, ticket) = mpsc::sync_channel(1);
        if let Some(jobs) = &self.jobs {
            // Where all threads are gone, the reply is dropped here, and the ticket says so.
            let _ = jobs.send(Job { block, reply });
        }
        Ticket(ticket)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // One that panicked was reported by its ticket.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let Ok(job) = queue.lock().map(|queue| queue.recv()) else {
            return;
        };
        let Ok(Job { block, reply }) = job else {
            return;
        };
        // Nobody waits any more after a failure elsewhere.
        let _ = reply.send(deflate(block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block {
            buffer: b"some data".to_vec(),
            window: 0,
            last: true,
            output: Vec::new(),
        }
    }

    #[test]
    fn threads_that_are_gone_are_an_error() {
        let (jobs, _) = mpsc::channel();
        let pool = Pool {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        let error = pool.submit(block()).wait().err().unwrap();
        assert_eq!(error.to_string(), "a compressing thread has ended");
    }

    #[test]
    fn tickets_may_be_thrown_away_and_come_in_any_order() {
        let pool = Pool::start(2).unwrap();
        let tickets: Vec<_> = (0..20).map(|_| pool.submit(block())).collect();
        for (number, ticket) in tickets.into_iter().enumerate().rev() {
            if number % 3 > 0 {
                assert!(!ticket.wait().unwrap().data.is_empty());
            }
        }
    }
}
