//! All the errors of a document, for a reader that goes on after the first one.

use std::cell::{Cell, RefCell};

use super::Problem;

/// Most errors kept; later ones are counted.
const MAX_ENTRIES: usize = 1000;

/// One error and where it is.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) offset: usize,
    /// As JSONPath has it.
    pub(crate) path: String,
    pub(crate) problem: Problem,
}

/// What stands in the place of an error that is in the log.
#[derive(Debug, thiserror::Error)]
#[error("noted already")]
pub(super) struct Noted;

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: RefCell<Vec<Entry>>,
    beyond: Cell<usize>,
}

impl Log {
    /// Keeps an error, or counts it where there are too many already.
    pub(super) fn note(&self, entry: impl FnOnce() -> Entry) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() < MAX_ENTRIES {
            entries.push(entry());
        } else {
            self.beyond.set(self.beyond.get() + 1);
        }
    }

    /// The errors kept, and how many there were besides.
    pub(crate) fn into_entries(self) -> (Vec<Entry>, usize) {
        (self.entries.into_inner(), self.beyond.get())
    }
}
