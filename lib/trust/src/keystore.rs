//! The files that say whom we trust.

mod add;
mod read;

use std::path::{Path, PathBuf};

use gantry_types::AcIdentifier;

use crate::{PublicKey, Scope};

pub use add::AddError;
pub use read::{KeyProblem, KeyProblemCause, KeySet};

/// The trusted keys of a machine.
#[derive(Clone, Debug)]
pub struct Keystore {
    system: Option<PathBuf>,
    local: PathBuf,
}

impl Keystore {
    /// The keystore beneath two configuration directories, such as `/usr/lib/rkt` and `/etc/rkt`.
    ///
    /// Neither needs to exist. Only the local one is ever written to.
    pub fn new(system: Option<PathBuf>, local: PathBuf) -> Self {
        let keys = |dir: PathBuf| dir.join("trustedkeys");
        Self {
            system: system.map(keys),
            local: keys(local),
        }
    }

    /// The keys that may sign images of this name, and the files that could not be used.
    ///
    /// Read in this order: system root, local root, system prefixes, local prefixes, each from the first
    /// part of the name to the whole of it. An empty file takes back what was trusted before it under
    /// the same fingerprint. Source: rkt 1.30, pkg/keystore/keystore.go.
    pub fn keys_for(&self, name: &AcIdentifier) -> KeySet {
        let mut set = self.root_keys();
        for store in self.stores() {
            for prefix in leading_parts(name) {
                let dir = store.join("prefix.d").join(prefix.as_str());
                set.read_dir(&dir, &Scope::Prefix(prefix));
            }
        }
        set
    }

    /// The keys that may sign every image, as far as the name of an image does not take them back.
    pub fn root_keys(&self) -> KeySet {
        let mut set = KeySet::default();
        for store in self.stores() {
            set.read_dir(&store.join("root.d"), &Scope::Root);
        }
        set
    }

    /// Every key that is trusted for any name, also where a narrower scope takes it back.
    ///
    /// For a file whose name is in the file: find out who signed it, read the name, and then see that
    /// [`keys_for`](Self::keys_for) that name has the signer.
    pub fn all_keys(&self) -> KeySet {
        let mut all = KeySet::default();
        for store in self.stores() {
            let mut add = |dir: &Path, scope: &Scope| {
                let mut set = KeySet::default();
                set.read_dir(dir, scope);
                all.keys.append(&mut set.keys);
                all.problems.append(&mut set.problems);
            };
            add(&store.join("root.d"), &Scope::Root);
            let top = store.join("prefix.d");
            for prefix in read::prefixes(&top) {
                add(&top.join(prefix.as_str()), &Scope::Prefix(prefix));
            }
        }
        all
    }

    /// Tells whether any usable key may sign images of this name; if so, keys are not looked for on the
    /// network.
    pub fn has_keys_for(&self, name: &AcIdentifier) -> bool {
        !self.keys_for(name).keys.is_empty()
    }

    /// Trusts `key` for images named `prefix` or beneath it. Gives the path of the new file.
    ///
    /// An older copy of the key in the same place is replaced.
    ///
    /// # Errors
    ///
    /// [`AddError`] if the prefix cannot be a path or the file cannot be written.
    pub fn add_prefix_key(
        &self,
        prefix: &AcIdentifier,
        key: &PublicKey,
    ) -> Result<PathBuf, AddError> {
        // Without this, `a/../../root.d` would be trust in everything.
        if !prefix.as_str().split('/').all(is_plain) {
            return Err(AddError::Prefix {
                prefix: prefix.clone(),
            });
        }
        add::add(&self.local.join("prefix.d").join(prefix.as_str()), key)
    }

    /// Trusts `key` for every image. Gives the path of the new file.
    ///
    /// # Errors
    ///
    /// [`AddError`] if the file cannot be written.
    pub fn add_root_key(&self, key: &PublicKey) -> Result<PathBuf, AddError> {
        add::add(&self.local.join("root.d"), key)
    }

    /// Trusts `key` for `scope`: [`Keystore::add_root_key`] or [`Keystore::add_prefix_key`].
    ///
    /// # Errors
    ///
    /// As these.
    pub fn add(&self, scope: &Scope, key: &PublicKey) -> Result<PathBuf, AddError> {
        match scope {
            Scope::Root => self.add_root_key(key),
            Scope::Prefix(prefix) => self.add_prefix_key(prefix, key),
        }
    }

    /// The directories of keys, the one that the other may overrule first.
    fn stores(&self) -> impl Iterator<Item = &PathBuf> {
        self.system.iter().chain([&self.local])
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`, as far as these can be directories of the keystore.
fn leading_parts(name: &AcIdentifier) -> Vec<AcIdentifier> {
    let text = name.as_str();
    let mut parts = Vec::new();
    let mut end = 0;
    for part in text.split('/') {
        end += part.len();
        if !is_plain(part) {
            break;
        }
        // A part may end in a separator, such as `a-` of `a-/b`, and is then no identifier itself.
        parts.extend(text[..end].parse());
        end += 1;
    }
    parts
}

/// Tells whether a part of a name stands for a directory beneath the one before.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
}

#[cfg(test)]
mod tests;
