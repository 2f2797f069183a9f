//! The files that say whom we trust.

mod layer;
mod legacy;
mod read;
mod write;

use std::path::PathBuf;

use gantry_types::AcIdentifier;

use crate::{DetachedSignature, Issuer, Scope};
use layer::Store;

pub use layer::{KeyDir, Layer};
pub use read::{KeyContent, KeyFile, KeyProblem, KeyProblemCause, KeySet};
pub use write::{Change, WriteError};

/// The trusted keys of a machine.
#[derive(Clone, Debug)]
pub struct Keystore {
    /// The one that the others may overrule first; never empty.
    stores: Vec<Store>,
    target: Layer,
}

impl Keystore {
    /// The keystore beneath two configuration directories, such as `/usr/lib/rkt` and `/etc/rkt`.
    ///
    /// Neither needs to exist. Only the local one is ever written to.
    pub fn new(system: Option<PathBuf>, local: PathBuf) -> Self {
        let system = system.map(|dir| Store::new(Layer::System, &dir));
        let local = Store::new(Layer::Local, &local);
        Self {
            stores: system.into_iter().chain([local]).collect(),
            target: Layer::Local,
        }
    }

    /// The same with the configuration directory of a user, which has the last word.
    #[must_use]
    pub fn with_user(mut self, user: Option<PathBuf>) -> Self {
        let user = user.map(|dir| Store::new(Layer::User, &dir));
        self.stores.extend(user);
        self
    }

    /// The same, but the user's directory is written to instead of the machine's; `None` without one.
    #[must_use]
    pub fn writing_to_user(mut self) -> Option<Self> {
        self.target = Layer::User;
        let there = self.stores.iter().any(|store| store.layer == Layer::User);
        there.then_some(self)
    }

    /// The keys that may sign images of this name, and the files that could not be used.
    ///
    /// Read in this order: the root keys of system, machine and user, then the prefixes of system, machine
    /// and user, each from the first part of the name to the whole of it. An empty file takes back what was
    /// trusted before it under the same fingerprint. Source: rkt 1.30, pkg/keystore/keystore.go.
    pub fn keys_for(&self, name: &AcIdentifier) -> KeySet {
        KeySet::of(self.files_for(name))
    }

    /// The keys that may sign every image, as far as the name of an image does not take them back.
    pub fn root_keys(&self) -> KeySet {
        KeySet::of(self.read(self.root_dirs(), &|_| true))
    }

    /// Every key that is trusted for any name, also where a narrower scope takes it back.
    ///
    /// For a file whose name is in the file: find out who signed it, read the name, and then see that
    /// [`keys_for`](Self::keys_for) that name has the signer.
    pub fn all_keys(&self) -> KeySet {
        self.all_keys_in(&|_| true)
    }

    /// The keys that a signature says it is by, trusted for any name; see [`all_keys`](Self::all_keys).
    ///
    /// Files are named by fingerprints, so that of thousands only those are read that matter. Where a
    /// signer is not among them by its name, as when a subkey signed, all are.
    pub fn keys_of(&self, signature: &DetachedSignature) -> KeySet {
        let issuers = signature.issuers();
        let named = self.all_keys_in(&|name| issuers.iter().any(|issuer| issuer.names(name)));
        let known = |issuer: &Issuer| named.keys.iter().any(|key| key.key().answers_to(&issuer.0));
        match !issuers.is_empty() && issuers.iter().all(known) {
            true => named,
            false => self.all_keys(),
        }
    }

    /// Tells whether there is any file that could be a trusted key, without reading one.
    pub fn has_files(&self) -> bool {
        self.all_dirs().iter().any(read::has_files)
    }

    fn all_keys_in(&self, wanted: &dyn Fn(&str) -> bool) -> KeySet {
        let mut all = KeySet::default();
        let mut take = |files: Vec<KeyFile>| {
            let mut set = KeySet::of(files);
            all.keys.append(&mut set.keys);
            all.problems.append(&mut set.problems);
        };
        // One scope after the other, so that an empty file speaks for its own scope only.
        let mut same: Vec<KeyFile> = Vec::new();
        for file in self.read(self.all_dirs(), wanted) {
            let other = same
                .first()
                .is_some_and(|first| first.dir.scope != file.dir.scope);
            if other {
                take(std::mem::take(&mut same));
            }
            same.push(file);
        }
        take(same);
        all
    }

    /// Of the keys that may sign images of this name, those with these fingerprints.
    pub fn keys_for_among(&self, name: &AcIdentifier, fingerprints: &[&str]) -> KeySet {
        KeySet::of(self.read(self.dirs_for(name), &|file| fingerprints.contains(&file)))
    }

    /// Tells whether any usable key may sign images of this name; if so, keys are not looked for on the
    /// network.
    pub fn has_keys_for(&self, name: &AcIdentifier) -> bool {
        !self.keys_for(name).keys.is_empty()
    }

    /// The directories that [`keys_for`](Self::keys_for) reads for a name, in its order.
    pub fn dirs_for(&self, name: &AcIdentifier) -> Vec<KeyDir> {
        let mut dirs = self.root_dirs();
        for store in &self.stores {
            dirs.extend(store.prefix_dirs(name));
        }
        dirs
    }

    /// The files that [`keys_for`](Self::keys_for) reads for a name, in its order.
    pub fn files_for(&self, name: &AcIdentifier) -> Vec<KeyFile> {
        self.read(self.dirs_for(name), &|_| true)
    }

    /// Every file of the keystore: root keys first, then the prefixes in their order, in each scope the
    /// system's files before the machine's and the user's.
    pub fn files(&self) -> Vec<KeyFile> {
        self.read(self.all_dirs(), &|_| true)
    }

    /// The directories of [`files`](Self::files), in its order.
    fn all_dirs(&self) -> Vec<KeyDir> {
        let mut prefixes = Vec::new();
        for store in &self.stores {
            prefixes.extend(read::prefixes(&store.path.join("prefix.d")));
        }
        prefixes.sort();
        prefixes.dedup();
        let scopes = prefixes.into_iter().map(Scope::Prefix);
        let dirs = [Scope::Root].into_iter().chain(scopes).flat_map(|scope| {
            let dirs = self.stores.iter().map(move |store| store.dir(&scope));
            dirs.collect::<Vec<_>>()
        });
        dirs.collect()
    }

    /// The layer that is written to.
    pub fn target_layer(&self) -> Layer {
        self.target
    }

    fn root_dirs(&self) -> Vec<KeyDir> {
        let stores = self.stores.iter();
        stores.map(|store| store.dir(&Scope::Root)).collect()
    }

    fn read(&self, dirs: Vec<KeyDir>, wanted: &dyn Fn(&str) -> bool) -> Vec<KeyFile> {
        let legacy = self.legacy_keys();
        let files = dirs
            .iter()
            .flat_map(|dir| read::files(dir, &legacy, wanted));
        files.collect()
    }

    /// The store that is written to.
    fn target(&self) -> &Store {
        let mut stores = self.stores.iter();
        // There always is one for the machine, and one for the user where that was asked for.
        let found = stores.find(|store| store.layer == self.target);
        found.unwrap_or(&self.stores[self.stores.len() - 1])
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

/// Tells whether a name can be a path beneath the keystore: no part of it leads elsewhere.
pub(crate) fn is_path(name: &AcIdentifier) -> bool {
    name.as_str().split('/').all(is_plain)
}

/// Tells whether a part of a name stands for a directory beneath the one before.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
}

#[cfg(test)]
mod tests;
