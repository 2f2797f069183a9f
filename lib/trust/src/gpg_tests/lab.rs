//! Keys and signatures by the real gpg, in a folder that goes with them.

use std::path::{Path, PathBuf};

use gantry_testkit::gpg::{Gpg, KeySpec};

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

    pub(super) fn sign(&self, keys: &[&String], options: &[&str], data: &Path) -> Vec<u8> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        self.gpg.sign(&keys, options, data)
    }

    /// Lets an expired key live on.
    pub(super) fn extend(&self, key: &str) {
        self.run(&["--quick-set-expire", key, "0"], "");
    }

    /// Adds a signing subkey at another time.
    pub(super) fn add_subkey_at(&self, key: &str, time: &str, expires: &str) {
        let arguments = [time, "--quick-add-key", key, "ed25519", "sign", expires];
        self.run(&arguments, "");
    }

    /// Revokes the first subkey of a key.
    pub(super) fn revoke_subkey(&self, key: &str) {
        let typed = "key 1\nrevkey\ny\n0\n\ny\nsave\n";
        self.run(&["--command-fd=0", "--edit-key", key], typed);
    }

    /// Gives a key a second user ID and revokes it.
    pub(super) fn add_and_revoke_user_id(&self, key: &str) {
        let second = "Old name <old@example.com>";
        self.run(&["--quick-add-uid", key, second], "");
        self.run(&["--quick-revoke-uid", key, second], "");
    }

    /// Runs gpg with something typed into it.
    fn run(&self, arguments: &[&str], typed: &str) {
        let typed = std::fs::File::open(self.file("typed", typed.as_bytes())).unwrap();
        let mut command = self.gpg.command();
        let output = command.args(arguments).stdin(typed).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
    }
}
