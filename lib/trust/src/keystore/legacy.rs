//! Which keys may use the algorithms of old: `trustedkeys/legacy.d/FINGERPRINT`.
//!
//! The mark is a file of its own beside `root.d` and `prefix.d`, where rkt does not look, so that the key
//! files stay as rkt reads them, and a stranger's key file cannot mark itself. An empty file of a later
//! layer takes the mark of an earlier one back, as for keys.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::layer::Store;
use super::read::{MAX_FILES, read_key_file};
use super::{Keystore, WriteError};
use crate::{Fingerprint, durable};

/// What a mark holds. Anything else is no mark, so that a file that came there by accident widens
/// nothing.
const MARK: &[u8] = b"accept legacy algorithms\n";

const DIR: &str = "legacy.d";

/// The marked keys of some stores, in the order of their layers.
pub(super) fn marked<'a>(stores: impl Iterator<Item = &'a Store>) -> BTreeSet<Fingerprint> {
    let mut marked = BTreeSet::new();
    for store in stores {
        let dir = store.path.join(DIR);
        // No mark that cannot be read is one.
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        for entry in entries.take(MAX_FILES) {
            let name = entry.file_name();
            let Some(fingerprint) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            match read_key_file(&entry.path()) {
                Ok(Some(bytes)) if bytes == MARK => marked.insert(fingerprint),
                _ => marked.remove(&fingerprint),
            };
        }
    }
    marked
}

impl Keystore {
    /// The keys whose old algorithms are accepted.
    pub fn legacy_keys(&self) -> BTreeSet<Fingerprint> {
        marked(self.stores.iter())
    }

    /// Accepts the old algorithms of a key, wherever it is trusted. Gives the path of the mark.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the mark cannot be written.
    pub fn mark_legacy(&self, fingerprint: &Fingerprint) -> Result<PathBuf, WriteError> {
        let dir = self.target().path.join(DIR);
        super::write::write(&dir, fingerprint.as_str(), MARK)
    }

    /// Accepts the old algorithms of a key no more. Tells whether anything had to be done.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the mark can be neither removed nor taken back.
    pub fn unmark_legacy(&self, fingerprint: &Fingerprint) -> Result<bool, WriteError> {
        let dir = self.target().path.join(DIR);
        let path = dir.join(fingerprint.as_str());
        let removed = match durable::remove(&dir, fingerprint.as_str()) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(WriteError::Remove { path, source }),
        };
        if self.legacy_keys().contains(fingerprint) {
            super::write::write(&dir, fingerprint.as_str(), b"")?;
            return Ok(true);
        }
        Ok(removed)
    }
}
