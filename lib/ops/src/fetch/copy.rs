//! Files of this machine, copied into the store's keeping before anything is made of them.
//!
//! What is verified must be what is extracted, whatever happens to the file meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gantry_store::{Ingest, StoreError};

use super::{FetchError, Fetcher};
use crate::room::is_full;

impl Fetcher<'_, '_> {
    /// Copies `file`, which is at `path`, under the key `key`. At most `most` bytes are taken of
    /// one that somebody else may be writing to. If it cannot be copied nothing is left.
    pub(super) fn copy_in(
        &self,
        file: &mut File,
        key: &str,
        path: &Path,
        image: &str,
        most: u64,
    ) -> Result<Ingest, FetchError> {
        let store = self.context.store;
        let mut ingest = store.ingest(key)?;
        ingest.restart()?;
        let size = file.metadata().map_or(0, |found| found.len());
        let copied = match store.check_room(&format!("a copy of {image}"), size) {
            Err(error) => Err(error.into()),
            Ok(()) => io::copy(&mut file.take(most), &mut ingest).map_err(|source| {
                match is_full(&source) {
                    true => FetchError::Store(StoreError::Io {
                        operation: "copy an image to",
                        path: store.root().to_owned(),
                        source,
                    }),
                    false => FetchError::OpenImage {
                        path: path.to_owned(),
                        source,
                    },
                }
            }),
        };
        match copied {
            Ok(_) => Ok(ingest),
            Err(error) => {
                ingest.discard()?;
                Err(error)
            }
        }
    }
}
