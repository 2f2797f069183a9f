//! Adding keys to the keystore, taking them out, and taking trust back.

use std::io;
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, Kind};

use super::Keystore;
use super::layer::relative;
use super::read::read_key_file;
use crate::{Fingerprint, PublicKey, Scope, durable};

/// Where the bytes of a key wait while it is disabled: a directory beside `root.d` that rkt does not
/// look into.
const DISABLED: &str = "disabled.d";

/// The keystore could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
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
    /// The key could not be removed.
    #[error("cannot remove trusted key {}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for WriteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Prefix { .. } => Kind::Usage,
            Self::CreateDir { .. } | Self::Write { .. } | Self::Remove { .. } => Kind::Environment,
        }
    }
}

/// What became of a key that was to be removed or disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file is gone.
    Removed(PathBuf),
    /// An empty file takes the trust back.
    Disabled(PathBuf),
    /// Trust is given again by the file here, or, after an empty file of this name went, by another layer.
    Enabled(PathBuf),
    /// There was nothing to do.
    Nothing,
}

/// Writes a file into `dir`, which is created where it is missing.
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, WriteError> {
    durable::create_dirs(dir).map_err(|source| WriteError::CreateDir {
        path: dir.to_owned(),
        source,
    })?;
    let path = dir.join(name);
    durable::replace(dir, name, bytes).map_err(|source| WriteError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

impl Keystore {
    /// Trusts `key` for images named `prefix` or beneath it. Gives the path of the new file.
    ///
    /// What an older copy of the key in the same place knows and the new one does not, such as a
    /// revocation, is kept.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the prefix cannot be a path or the file cannot be written.
    pub fn add_prefix_key(
        &self,
        prefix: &AcIdentifier,
        key: &PublicKey,
    ) -> Result<PathBuf, WriteError> {
        self.add(&Scope::Prefix(prefix.clone()), key)
    }

    /// Trusts `key` for every image. Gives the path of the new file.
    ///
    /// # Errors
    ///
    /// As for [`Keystore::add_prefix_key`].
    pub fn add_root_key(&self, key: &PublicKey) -> Result<PathBuf, WriteError> {
        self.add(&Scope::Root, key)
    }

    /// Trusts `key` for `scope`: [`Keystore::add_root_key`] or [`Keystore::add_prefix_key`].
    ///
    /// # Errors
    ///
    /// As these.
    pub fn add(&self, scope: &Scope, key: &PublicKey) -> Result<PathBuf, WriteError> {
        let dir = self.write_dir(scope)?;
        let name = key.fingerprint();
        let older = saved(&dir.join(name.as_str())).or_else(|| saved(&self.kept(scope, &name)));
        let merged = older.and_then(|older| key.merged_with(&older));
        let bytes = merged.as_ref().unwrap_or(key).armored();
        let path = write(&dir, name.as_str(), bytes)?;
        // A copy that waited for the key to be enabled has had its turn.
        self.forget(scope, &name)?;
        Ok(path)
    }

    /// Removes a key from the layer that is written to.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if it is there and stays.
    pub fn remove(&self, scope: &Scope, name: &Fingerprint) -> Result<Change, WriteError> {
        let dir = self.write_dir(scope)?;
        let path = dir.join(name.as_str());
        let change = match durable::remove(&dir, name.as_str()) {
            Ok(()) => Change::Removed(path),
            Err(error) if is_absent(&error) => Change::Nothing,
            Err(source) => return Err(WriteError::Remove { path, source }),
        };
        self.forget(scope, name)?;
        Ok(change)
    }

    /// Takes back the trust in a key for a scope by an empty file, as rkt does for keys of the vendor.
    ///
    /// The bytes of a key that lies in the same place wait beside, for [`Keystore::enable`].
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a file cannot be written.
    pub fn disable(&self, scope: &Scope, name: &Fingerprint) -> Result<Change, WriteError> {
        let dir = self.write_dir(scope)?;
        let path = dir.join(name.as_str());
        match read_key_file(&path) {
            Ok(Some(bytes)) if bytes.is_empty() => return Ok(Change::Nothing),
            Ok(Some(bytes)) => {
                let kept = self.kept(scope, name);
                let dir = kept.parent().unwrap_or(&kept);
                write(dir, name.as_str(), &bytes)?;
            }
            // What cannot be read is no key that could be enabled again.
            Ok(None) | Err(_) => {}
        }
        write(&dir, name.as_str(), b"").map(Change::Disabled)
    }

    /// Undoes [`Keystore::disable`]: puts back the key that waits, or lets that of another layer count.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a file cannot be written or removed.
    pub fn enable(&self, scope: &Scope, name: &Fingerprint) -> Result<Change, WriteError> {
        let dir = self.write_dir(scope)?;
        let path = dir.join(name.as_str());
        if !matches!(read_key_file(&path), Ok(Some(bytes)) if bytes.is_empty()) {
            return Ok(Change::Nothing);
        }
        match saved(&self.kept(scope, name)) {
            Some(key) => {
                write(&dir, name.as_str(), key.armored())?;
            }
            None => {
                durable::remove(&dir, name.as_str()).map_err(|source| WriteError::Remove {
                    path: path.clone(),
                    source,
                })?;
            }
        }
        self.forget(scope, name)?;
        Ok(Change::Enabled(path))
    }

    /// The key that waits for [`Keystore::enable`], if one does.
    pub fn disabled_key(&self, scope: &Scope, name: &Fingerprint) -> Option<PublicKey> {
        saved(&self.kept(scope, name))
    }

    /// The directory for a scope in the layer that is written to.
    fn write_dir(&self, scope: &Scope) -> Result<PathBuf, WriteError> {
        // Without this, `a/../../root.d` would be trust in everything.
        if let Scope::Prefix(prefix) = scope
            && !scope.has_place()
        {
            return Err(WriteError::Prefix {
                prefix: prefix.clone(),
            });
        }
        Ok(self.target().dir(scope).path)
    }

    fn kept(&self, scope: &Scope, name: &Fingerprint) -> PathBuf {
        let beneath = self.target().path.join(DISABLED);
        beneath.join(relative(scope)).join(name.as_str())
    }

    fn forget(&self, scope: &Scope, name: &Fingerprint) -> Result<(), WriteError> {
        let path = self.kept(scope, name);
        match durable::remove(path.parent().unwrap_or(&path), name.as_str()) {
            Err(source) if !is_absent(&source) => Err(WriteError::Remove { path, source }),
            _ => Ok(()),
        }
    }
}

/// The key in a file, if there is one.
fn saved(path: &Path) -> Option<PublicKey> {
    let bytes = read_key_file(path).ok()??;
    PublicKey::parse(&bytes).ok()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
