//! Files of this machine, copied into the store's keeping before anything is made of them.
//!
//! What is verified must be what is extracted, whatever happens to the file meanwhile. The copy is hashed for
//! its signature on the way.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use gantry_archive::pipeline::{Tap, read_ahead};
use gantry_store::{Ingest, StoreError};

use super::observer::Step;
use super::taken_in::TakenIn;
use super::{FetchError, Fetcher};
use crate::room::is_full;

/// After so many bytes the disk begins to write what was copied.
const BEGIN_WRITING: u64 = 16 << 20;

impl Fetcher<'_, '_> {
    /// Copies `file`, which is at `path`, under the key `key`. At most `most` bytes are taken of
    /// one that somebody else may be writing to; `content` takes in exactly those that are written. If it
    /// cannot be copied nothing is left.
    pub(super) fn copy_in(
        &mut self,
        file: &File,
        key: &str,
        path: &Path,
        image: &str,
        most: u64,
        content: Option<&mut TakenIn>,
    ) -> Result<Ingest, FetchError> {
        let store = self.context.store;
        let mut ingest = store.ingest(key)?;
        ingest.restart()?;
        let size = file.metadata().map_or(0, |found| found.len());
        let copied = match store.check_room(&format!("a copy of {image}"), size) {
            Err(error) => Err(error.into()),
            Ok(()) => self
                .copy_all(file.take(most), size.min(most), &mut ingest, content)
                .map_err(|source| match is_full(&source) {
                    true => FetchError::Store(StoreError::Io {
                        operation: "copy an image to",
                        path: store.root().to_owned(),
                        source,
                    }),
                    false => FetchError::OpenImage {
                        path: path.to_owned(),
                        source,
                    },
                }),
        };
        match copied {
            Ok(()) => Ok(ingest),
            Err(error) => {
                ingest.discard()?;
                Err(error)
            }
        }
    }

    /// Copies what is `from`, `size` bytes as far as is known, to its end: one thread reads, one hashes, and
    /// this one writes.
    pub(super) fn copy_all(
        &mut self,
        from: impl Read + Send,
        size: u64,
        ingest: &mut Ingest,
        content: Option<&mut TakenIn>,
    ) -> io::Result<()> {
        let observer = &mut *self.context.observer;
        let verifying = content.is_some();
        let mut take_in = content.map(|content| |bytes: &[u8]| content.update(bytes));
        let tap = take_in.as_mut().map(|take_in| take_in as Tap<'_>);
        let (_, copied) = read_ahead(from, tap, self.context.threads, |mut ahead| {
            let mut begun = 0;
            loop {
                let bytes = ahead.fill_buf()?;
                let length = bytes.len();
                if length == 0 {
                    return Ok(());
                }
                ingest.write_all(bytes)?;
                ahead.consume(length);
                if ingest.len() - begun >= BEGIN_WRITING {
                    begun = ingest.len();
                    ingest.begin_writing();
                    if verifying {
                        observer.working(Step::Verifying, begun, size.max(begun));
                    }
                }
            }
        });
        copied
    }
}
