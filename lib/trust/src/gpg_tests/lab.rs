//! Keys and signatures by the real gpg, in a folder that goes with them.

use std::path::{Path, PathBuf};

use gantry_testkit::gpg::{Gpg, KeySpec};

use crate::{PublicKey, Scope, TrustedKey};

/// Makes gpg believe in the first second of 2020.
pub(super) const THEN: &[&str] = &["--faked-system-time=20200101T000000"];

/// A home of gpg and a folder for files.
pub(super) struct Lab {
    pub(super) gpg: Gpg,
    dir: tempfile::TempDir,
}

impl Lab {
    /// `None`, and a line on stderr, where gpg is missing.
    pub(super) fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        Gpg::new().map(|gpg| Self { gpg, dir })
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Makes a key; with [`THEN`] one that has expired since.
    pub(super) fn key(&self, name: &str, algorithm: &str, usage: &str, options: &[&str]) -> String {
        let user_id = format!("{name} <{name}@example.com>");
        let expires = if options == THEN { "1d" } else { "never" };
        self.gpg.generate(&KeySpec {
            user_id: &user_id,
            algorithm,
            usage,
            expires,
            options,
        })
    }

    /// The public halves of keys, trusted for every name.
    pub(super) fn trusted(&self, keys: &[String]) -> Vec<TrustedKey> {
        let parse = |key: &String| PublicKey::parse(&self.gpg.export(key)).unwrap();
        keys.iter()
            .map(|key| TrustedKey::new(parse(key), Scope::Root, None))
            .collect()
    }

    pub(super) fn sign(&self, keys: &[&String], options: &[&str], data: &Path) -> Vec<u8> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        self.gpg.sign(&keys, options, data)
    }
}
