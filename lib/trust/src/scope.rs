//! What a trusted key may sign.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_types::AcIdentifier;

use crate::keystore::is_path;
use crate::{PublicKey, Unfit};

/// The images a key may sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every image.
    Root,
    /// Images with this name or one beneath it, by whole path components.
    Prefix(AcIdentifier),
}

impl Scope {
    /// Tells whether the keystore has a place for it: a prefix with an element that is empty, `.` or `..`
    /// would lead out of its directory.
    pub fn has_place(&self) -> bool {
        match self {
            Self::Root => true,
            Self::Prefix(prefix) => is_path(prefix),
        }
    }

    /// Tells whether an image of this name lies within the scope.
    pub fn covers(&self, name: &AcIdentifier) -> bool {
        match self {
            Self::Root => true,
            Self::Prefix(prefix) => prefix.covers(name),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("every name"),
            Self::Prefix(prefix) => write!(f, "prefix \"{prefix}\""),
        }
    }
}

/// A key together with what it is trusted for and where that is written.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    key: PublicKey,
    scope: Scope,
    path: Option<PathBuf>,
    legacy: bool,
}

impl TrustedKey {
    /// Declares `key` trusted for `scope`; `path` is the file that says so, if a file does.
    pub fn new(key: PublicKey, scope: Scope, path: Option<PathBuf>) -> Self {
        Self {
            key,
            scope,
            path,
            legacy: false,
        }
    }

    /// The same key, its old algorithms accepted if `legacy`: SHA-1, DSA, RSA from 1024 bits.
    #[must_use]
    pub fn with_legacy(self, legacy: bool) -> Self {
        Self { legacy, ..self }
    }

    /// Whether somebody said that the old algorithms of this key are accepted.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// Why no signature of this key counts at `now`, if that is so; its mark as legacy is considered.
    pub fn unfit(&self, now: SystemTime) -> Option<Unfit> {
        match self.legacy {
            true => self.key.unfit_as_legacy(now),
            false => self.key.unfit(now),
        }
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What it may sign.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The file that makes it trusted.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_ends_at_a_whole_component() {
        let prefix = Scope::Prefix("example.com/app".parse().unwrap());
        for (name, covered) in [
            ("example.com/app", true),
            ("example.com/app/worker", true),
            ("example.com/application", false),
            ("example.com/app-2", false),
            ("example.com", false),
            ("other.com/app", false),
        ] {
            let name: AcIdentifier = name.parse().unwrap();
            assert_eq!(prefix.covers(&name), covered, "{name}");
            assert!(Scope::Root.covers(&name));
        }
    }
}
