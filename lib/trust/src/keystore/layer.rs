//! The directories that say whom we trust, and which of them has the last word.

use std::fmt;
use std::path::{Path, PathBuf};

use gantry_types::AcIdentifier;

use super::leading_parts;
use crate::Scope;

/// Whose word a file of the keystore is. A later layer may take back what an earlier one says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The vendor's, such as `/usr/lib/rkt`. Never written to.
    System,
    /// The machine's, such as `/etc/rkt`.
    Local,
    /// The user's, where one is given.
    User,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Local => "local",
            Self::User => "user",
        })
    }
}

/// One directory of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDir {
    /// Whose it is.
    pub layer: Layer,
    /// What the keys in it may sign.
    pub scope: Scope,
    /// Where it is. It need not exist.
    pub path: PathBuf,
}

/// The `trustedkeys` directory of a layer.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) layer: Layer,
    pub(super) path: PathBuf,
}

impl Store {
    pub(super) fn new(layer: Layer, config: &Path) -> Self {
        Self {
            layer,
            path: config.join("trustedkeys"),
        }
    }

    /// The directory for a scope.
    pub(super) fn dir(&self, scope: &Scope) -> KeyDir {
        KeyDir {
            layer: self.layer,
            scope: scope.clone(),
            path: self.path.join(relative(scope)),
        }
    }

    /// Directories whose keys may sign images of this name, the widest scope first.
    pub(super) fn prefix_dirs(&self, name: &AcIdentifier) -> Vec<KeyDir> {
        let scopes = leading_parts(name).into_iter().map(Scope::Prefix);
        scopes.map(|scope| self.dir(&scope)).collect()
    }
}

/// Where the keys of a scope lie beneath `trustedkeys`.
pub(super) fn relative(scope: &Scope) -> PathBuf {
    match scope {
        Scope::Root => PathBuf::from("root.d"),
        Scope::Prefix(prefix) => Path::new("prefix.d").join(prefix.as_str()),
    }
}
