//! The files that say whom we trust.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, Kind};

use crate::{
    Fingerprint, FingerprintError, MAX_KEY_BYTES, PublicKey, PublicKeyError, Scope, TrustedKey,
    durable,
};

/// Most files looked at in one directory of keys.
const MAX_FILES: usize = 16 * 1024;

/// `O_NONBLOCK` on Linux: opening a FIFO that somebody put among the keys must not wait for a writer.
const O_NONBLOCK: i32 = 0o4000;

/// The trusted keys of a machine.
#[derive(Clone, Debug)]
pub struct Keystore {
    system: Option<PathBuf>,
    local: PathBuf,
}

/// What the keystore knows about one name.
#[derive(Debug, Default)]
pub struct KeySet {
    /// Keys that may sign the name, from the widest scope to the narrowest. A key trusted in two places
    /// is in it twice.
    pub keys: Vec<TrustedKey>,
    /// Files that could not be used. They never keep other keys from being used.
    pub problems: Vec<KeyProblem>,
}

/// A file in the keystore that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use trusted key {}", path.display())]
pub struct KeyProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub source: KeyProblemCause,
}

/// Why a file in the keystore cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblemCause {
    /// It could not be read.
    #[error(transparent)]
    Read(io::Error),
    /// It is a FIFO, a socket or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Its name is not a fingerprint.
    #[error("its name is wrong")]
    Name(#[source] FingerprintError),
    /// Its name is the fingerprint of another key.
    #[error("fingerprint mismatch: the key in it is {found}")]
    Mismatch {
        /// Fingerprint of the key in the file.
        found: Fingerprint,
    },
    /// It does not hold one public key.
    #[error(transparent)]
    Key(PublicKeyError),
    /// The directory has more files than are looked at.
    #[error("more than {MAX_FILES} files in one directory")]
    TooMany,
}

impl Diagnostic for KeyProblem {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match &self.source {
            KeyProblemCause::Mismatch { found } => Some(format!("rename it to {found}")),
            KeyProblemCause::Name(_) => {
                Some("name it by the key's fingerprint or move it elsewhere".to_owned())
            }
            KeyProblemCause::Key(error) => error.hint(),
            _ => None,
        }
    }
}

/// A key could not be added to the keystore.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The name is valid, but cannot be a path beneath the keystore: it holds `.`, `..` or nothing
    /// between two slashes.
    #[error("prefix \"{prefix}\" has an element that is empty, \".\" or \"..\"")]
    Prefix {
        /// The name.
        prefix: AcIdentifier,
    },
    /// A directory of the keystore could not be created.
    #[error("cannot create directory {}", path.display())]
    CreateDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key could not be written.
    #[error("cannot write trusted key {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for AddError {
    fn kind(&self) -> Kind {
        match self {
            Self::Prefix { .. } => Kind::Usage,
            Self::CreateDir { .. } | Self::Write { .. } => Kind::Environment,
        }
    }
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
    /// the same fingerprint. Source: rkt-ondisk contract 1.2.
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

    /// The directories of keys, the one that the other may overrule first.
    fn stores(&self) -> impl Iterator<Item = &PathBuf> {
        self.system.iter().chain([&self.local])
    }

    /// Every key that is trusted for any name, also where a narrower scope takes it back.
    ///
    /// For a file whose name is in the file: find out who signed it, read the name, and then see that
    /// [`keys_for`](Self::keys_for) that name has the signer.
    pub fn all_keys(&self) -> KeySet {
        let mut all = KeySet::default();
        for store in self.system.iter().chain([&self.local]) {
            let mut add = |dir: &Path, scope: &Scope| {
                let mut set = KeySet::default();
                set.read_dir(dir, scope);
                all.keys.append(&mut set.keys);
                all.problems.append(&mut set.problems);
            };
            add(&store.join("root.d"), &Scope::Root);
            let top = store.join("prefix.d");
            for prefix in prefixes(&top) {
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
        add(&self.local.join("prefix.d").join(prefix.as_str()), key)
    }

    /// Trusts `key` for every image. Gives the path of the new file.
    ///
    /// # Errors
    ///
    /// [`AddError`] if the file cannot be written.
    pub fn add_root_key(&self, key: &PublicKey) -> Result<PathBuf, AddError> {
        add(&self.local.join("root.d"), key)
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
}

fn add(dir: &Path, key: &PublicKey) -> Result<PathBuf, AddError> {
    durable::create_dirs(dir).map_err(|source| AddError::CreateDir {
        path: dir.to_owned(),
        source,
    })?;
    let name = key.fingerprint();
    let path = dir.join(name.as_str());
    durable::replace(dir, name.as_str(), key.armored()).map_err(|source| AddError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// The names of all directories beneath `top`, at most [`MAX_FILES`], in a fixed order.
fn prefixes(top: &Path) -> Vec<AcIdentifier> {
    let mut found = Vec::new();
    let mut queue = vec![PathBuf::new()];
    while let Some(parent) = queue.pop() {
        for entry in fs::read_dir(top.join(&parent))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = parent.join(entry.file_name());
            // Symbolic links may lead in circles; `keys_for` follows them by name, never endlessly.
            let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if directory && found.len() < MAX_FILES {
                found.extend(name.to_str().and_then(|name| name.parse().ok()));
                queue.push(name);
            }
        }
    }
    found.sort();
    found
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

impl KeySet {
    fn read_dir(&mut self, dir: &Path, scope: &Scope) {
        let mut names = Vec::new();
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return,
            Err(error) => return self.problem(dir, KeyProblemCause::Read(error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => return self.problem(dir, KeyProblemCause::Read(error)),
            }
            if names.len() > MAX_FILES {
                self.problem(dir, KeyProblemCause::TooMany);
                break;
            }
        }
        names.sort();
        for name in names {
            // Files of editors, of version control, and those we are about to rename.
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = dir.join(&name);
            if let Err(cause) = self.read_file(&path, &name.to_string_lossy(), scope) {
                self.problem(&path, cause);
            }
        }
    }

    fn read_file(&mut self, path: &Path, name: &str, scope: &Scope) -> Result<(), KeyProblemCause> {
        let Some(bytes) = read_key_file(path)? else {
            return Ok(());
        };
        let named: Fingerprint = name.parse().map_err(KeyProblemCause::Name)?;
        if bytes.is_empty() {
            self.keys
                .retain(|trusted| trusted.key().fingerprint() != named);
            return Ok(());
        }
        let key = PublicKey::parse(&bytes).map_err(KeyProblemCause::Key)?;
        let found = key.fingerprint();
        if found != named {
            return Err(KeyProblemCause::Mismatch { found });
        }
        self.keys
            .push(TrustedKey::new(key, scope.clone(), Some(path.to_owned())));
        Ok(())
    }

    fn problem(&mut self, path: &Path, source: KeyProblemCause) {
        self.problems.push(KeyProblem {
            path: path.to_owned(),
            source,
        });
    }
}

/// Reads a key file, one byte past the limit at most; `None` for a directory.
fn read_key_file(path: &Path) -> Result<Option<Vec<u8>>, KeyProblemCause> {
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)
        .map_err(KeyProblemCause::Read)?;
    let metadata = file.metadata().map_err(KeyProblemCause::Read)?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(KeyProblemCause::NotAFile);
    }
    let mut bytes = Vec::new();
    file.take(MAX_KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(KeyProblemCause::Read)?;
    Ok(Some(bytes))
}

/// Tells whether a directory is simply not there; a file in its place can be a key named like a part of
/// an image's name.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests;
