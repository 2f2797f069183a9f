//! The real gpg, with a home of its own, to make keys and signatures and to compare verdicts with.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A GNUPGHOME that goes, together with the agent gpg started for it, when this value goes.
pub struct Gpg {
    home: TempDir,
}

/// What kind of key [`Gpg::generate`] makes.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec<'a> {
    /// User ID, such as `Builder <builder@example.com>`.
    pub user_id: &'a str,
    /// Algorithm as gpg's `--quick-generate-key` takes it, such as `ed25519` or `rsa3072`.
    pub algorithm: &'a str,
    /// Usage as gpg takes it, such as `sign` or `cert`.
    pub usage: &'a str,
    /// When it expires: `never`, or a time after its creation such as `1d`.
    pub expires: &'a str,
    /// Further options of gpg, such as `--faked-system-time=20200101T000000`.
    pub options: &'a [&'a str],
}

impl Default for KeySpec<'_> {
    fn default() -> Self {
        Self {
            user_id: "Test <test@example.com>",
            algorithm: "ed25519",
            usage: "sign",
            expires: "never",
            options: &[],
        }
    }
}

impl Gpg {
    /// Makes an empty home, or reports a skip on stderr where gpg is not installed.
    #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
    pub fn new() -> Option<Self> {
        if Command::new("gpg")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_err()
        {
            eprintln!("SKIP: this test needs gpg");
            return None;
        }
        // The agent's socket lies in the home, and a socket's path has 107 bytes at most.
        let home = tempfile::Builder::new()
            .prefix("gpg-")
            .tempdir_in("/tmp")
            .expect("temp dir");
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(home.path(), private).expect("mode of the home");
        Some(Self { home })
    }

    /// The home, for what the methods here do not cover.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A gpg that never asks anything.
    pub fn command(&self) -> Command {
        let mut command = Command::new("gpg");
        command
            .env_clear()
            .env("GNUPGHOME", self.home())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .args([
                "--batch",
                "--no-tty",
                "--quiet",
                "--yes",
                "--trust-model=always",
            ])
            .args(["--pinentry-mode=loopback", "--passphrase="])
            .stdin(Stdio::null());
        command
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Vec<u8> {
        let mut command = self.command();
        command.args(arguments);
        let output = command.output().expect("gpg");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{command:?}: {}\n{stderr}",
            output.status
        );
        output.stdout
    }

    /// Makes a key and returns its fingerprint in lower-case hex.
    pub fn generate(&self, spec: &KeySpec<'_>) -> String {
        let key = [spec.user_id, spec.algorithm, spec.usage, spec.expires];
        self.run(
            spec.options
                .iter()
                .chain(&["--quick-generate-key"])
                .chain(&key),
        );
        self.fingerprint(spec.user_id)
    }

    /// Adds a subkey to a key; algorithm, usage and expiry as in [`KeySpec`].
    pub fn add_subkey(&self, fingerprint: &str, algorithm: &str, usage: &str, expires: &str) {
        self.run(["--quick-add-key", fingerprint, algorithm, usage, expires]);
    }

    fn fingerprint(&self, user_id: &str) -> String {
        let exact = format!("={user_id}");
        let listing = self.run(["--with-colons", "--list-keys", &exact]);
        let listing = String::from_utf8(listing).expect("UTF-8");
        let line = listing
            .lines()
            .find(|line| line.starts_with("fpr:"))
            .expect("a fingerprint");
        line.split(':')
            .nth(9)
            .expect("field 10")
            .to_ascii_lowercase()
    }

    /// The public key, ASCII-armoured.
    pub fn export(&self, key: &str) -> Vec<u8> {
        self.run(["--armor", "--export", key])
    }

    /// Several public keys in one binary file, as [`Gpg::verify`] takes them.
    pub fn export_binary(&self, keys: &[&str]) -> Vec<u8> {
        // Without a name gpg would export every key.
        if keys.is_empty() {
            Vec::new()
        } else {
            self.run(["--export"].iter().chain(keys))
        }
    }

    /// The private key, ASCII-armoured.
    pub fn export_secret(&self, key: &str) -> Vec<u8> {
        self.run(["--armor", "--export-secret-keys", key])
    }

    /// Signs `data` by every key of `keys`; `options` say how, such as `--armor`, `--detach-sign`.
    pub fn sign(&self, keys: &[&str], options: &[&str], data: &Path) -> Vec<u8> {
        let mut arguments: Vec<&OsStr> = vec!["--output=-".as_ref()];
        for key in keys {
            arguments.extend(["--local-user".as_ref(), OsStr::new(*key)]);
        }
        arguments.extend(options.iter().map(OsStr::new));
        arguments.push(data.as_os_str());
        self.run(arguments)
    }

    /// An ASCII-armoured detached signature of `data`.
    pub fn detach_sign(&self, key: &str, data: &Path) -> Vec<u8> {
        self.sign(&[key], &["--armor", "--detach-sign"], data)
    }

    /// Revokes a key with the certificate that gpg kept when it made the key.
    pub fn revoke(&self, fingerprint: &str) {
        let name = format!("{}.rev", fingerprint.to_ascii_uppercase());
        let path = self.home().join("openpgp-revocs.d").join(name);
        let certificate = std::fs::read_to_string(path).expect("revocation certificate");
        // A colon before the armour guards against revoking by accident.
        let mended = self.home().join("revocation.asc");
        std::fs::write(&mended, certificate.replace("\n:-----", "\n-----")).expect("file");
        self.run(["--import".as_ref(), mended.as_os_str()]);
    }

    /// Runs `gpg --verify SIGNATURE DATA` with no keys but those of `keyring`, a file made by
    /// [`Gpg::export_binary`]. Status 0 is a good signature, 1 a bad one, 2 anything else.
    pub fn verify(&self, keyring: &Path, signature: &Path, data: &Path) -> Output {
        let mut keyring_option = std::ffi::OsString::from("--keyring=");
        keyring_option
            .push(std::path::absolute(keyring).unwrap_or_else(|_| PathBuf::from(keyring)));
        let mut command = self.command();
        command.arg("--no-default-keyring").arg(keyring_option);
        command.arg("--verify").args([signature, data]);
        command.output().expect("gpg")
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command
            .env("GNUPGHOME", self.home())
            .args(["--kill", "all"]);
        // An agent that outlives its home ends by itself once it notices.
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
