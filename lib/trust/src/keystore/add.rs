//! Writing a key into the keystore.

use std::io;
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, Kind};

use crate::{PublicKey, durable};

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

/// Writes `key` into `dir`, which is created where it is missing.
pub(super) fn add(dir: &Path, key: &PublicKey) -> Result<PathBuf, AddError> {
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
