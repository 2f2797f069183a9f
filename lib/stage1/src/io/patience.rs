//! Waiting for callers that do not read.

use std::time::{Duration, Instant};

/// How long a caller is waited for that does not read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) deadline: Option<Instant>,
    /// How long from the moment in which somebody asks for the end.
    pub(crate) when_asked: Duration,
}

impl Patience {
    /// Somebody asks for the end.
    pub(crate) fn end_soon(&mut self) {
        if self.deadline.is_none() {
            self.deadline = Instant::now().checked_add(self.when_asked);
        }
    }
}
