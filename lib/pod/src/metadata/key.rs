//! The key that the service signs with.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use gantry_sys::rename::rename_new;
use gantry_sys::sync::sync_dir;
use gantry_types::show::hex;
use gantry_types::{Diagnostic, Kind, Uuid};
use rustix::fs::OFlags;

/// Length of the key, in bytes: that of a SHA-512, beyond which HMAC gains nothing. Source: RFC 2104, 3.
const LENGTH: usize = 64;

/// Where the key lies in the data directory.
const DIRECTORY: &str = "metadata-service";
const FILE: &str = "hmac-key";
/// How the name of a key begins that is not complete.
const HIDDEN: &str = ".new-";

/// The key; its bytes are never shown.
pub struct SigningKey(hmac::Key);

/// There is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It can be neither read nor made.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The step.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else lies in its place, or a part of it.
    #[error("{} is not the key of the metadata service: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others than its owner can read it.
    #[error("{} can be read by others (mode {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl Diagnostic for KeyError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => (source.kind() == io::ErrorKind::PermissionDenied)
                .then(|| "run the metadata service as root".to_owned()),
            Self::Damaged { path, .. } | Self::Exposed { path, .. } => Some(format!(
                "remove {} for a new key; what was signed with the old one is then not verified any more",
                path.display()
            )),
        }
    }
}

impl SigningKey {
    /// The key of this data directory, made at the first time, on stable storage before anything is signed.
    ///
    /// # Errors
    ///
    /// [`KeyError`]
    pub fn of(data_dir: &Path) -> Result<Self, KeyError> {
        let directory = data_dir.join(DIRECTORY);
        let path = directory.join(FILE);
        if let Some(key) = read(&path)? {
            sweep(&directory);
            return Ok(key);
        }
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::Io {
                action,
                path,
                source,
            }
        };
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory);
        made.map_err(failed("make", &directory))?;
        write_new(&directory, &path).map_err(failed("write", &path))?;
        // Whoever was first, it is one key.
        read(&path)?.ok_or_else(|| failed("read", &path)(io::ErrorKind::NotFound.into()))
    }

    /// A key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; LENGTH]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA512, bytes))
    }

    /// Signs `content` for a pod: the HMAC-SHA512 of the 16 bytes of its UUID and the content.
    ///
    /// Source: rkt 1.30, metadata_service.go.
    pub(super) fn sign(&self, pod: Uuid, content: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(pod.as_bytes());
        context.update(content);
        context.sign().as_ref().to_vec()
    }

    /// Whether a signature is that of a pod for `content`; takes as long for a wrong one as for the right one.
    pub(super) fn verify(&self, pod: Uuid, content: &[u8], signature: &[u8]) -> bool {
        let right = self.sign(pod, content);
        aws_lc_rs::constant_time::verify_slices_are_equal(&right, signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Reads the key; `None` if there is none.
fn read(path: &Path) -> Result<Option<SigningKey>, KeyError> {
    let failed = |source| KeyError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let damaged = |reason: &str| KeyError::Damaged {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    // Not through a link, and not waiting for whoever writes into a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let opened = File::options()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(damaged("it is not a regular file"));
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::with_capacity(LENGTH + 1);
    let limit = u64::try_from(LENGTH + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    let bytes = <[u8; LENGTH]>::try_from(bytes)
        .map_err(|_| damaged(&format!("it has another length than {LENGTH} bytes")))?;
    Ok(Some(SigningKey::from_bytes(&bytes)))
}

/// Makes a key under a hidden name and gives it its own, unless somebody else was faster.
fn write_new(directory: &Path, path: &Path) -> io::Result<()> {
    let mut random = [0; LENGTH + 8];
    let got = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    if got != random.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (key, name) = random.split_at(LENGTH);
    let staged = directory.join(format!("{HIDDEN}{}", hex(name)));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&staged)
        .and_then(|mut file| file.write_all(key).and_then(|()| file.sync_all()))
        .and_then(|()| rename_new(&staged, path));
    if !matches!(written, Ok(true)) {
        let _ = fs::remove_file(&staged);
    }
    written?;
    sync_dir(directory)?;
    match directory.parent() {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Removes what services left that were killed while they made a key: there is one, so nobody needs another.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(HIDDEN) {
            // What cannot be removed now can the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::sample::uuid;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let first = SigningKey::of(temp.path()).unwrap();
        let path = temp.path().join("metadata-service/hmac-key");
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(
            fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o7777,
            0o700
        );
        fs::write(path.with_file_name(".new-killed"), [1; 9]).unwrap();
        let again = SigningKey::of(temp.path()).unwrap();
        let signature = first.sign(uuid(1), b"text");
        assert!(again.verify(uuid(1), b"text", &signature));
        for (pod, content) in [(2, &b"text"[..]), (1, b"texT"), (1, b"")] {
            assert!(!again.verify(uuid(pod), content, &signature));
        }
        assert!(!again.verify(uuid(1), b"text", &signature[..63]));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_ne!(bytes, [0; 64]);
        let other = tempfile::tempdir().unwrap();
        assert!(
            !SigningKey::of(other.path())
                .unwrap()
                .verify(uuid(1), b"text", &signature)
        );
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // HMAC-SHA512, computed with Python's hmac over the bytes of the UUID and the content.
        let key: [u8; 64] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let pod: Uuid = "6733c088-a507-4694-aabf-edbe4fc5266f".parse().unwrap();
        let signature = SigningKey::from_bytes(&key).sign(pod, b"Old MacDonald Had A Farm");
        assert_eq!(hex(&signature), EXPECTED);
    }

    const EXPECTED: &str = concat!(
        "925a1967cf84e30ee077aebf6e462528c5facb480f9a01b6aa975165c0a20eba",
        "fffa1c2279e50ca33a8cad6b292e77538d49110412c018d675f3fb40da366051"
    );

    #[test]
    fn what_is_no_key_is_told_and_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("metadata-service/hmac-key");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let refused = || SigningKey::of(temp.path()).unwrap_err().to_string();
        for length in [0, 63, 65, 1000] {
            let _ = fs::remove_file(&path);
            fs::write(&path, vec![1; length]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                refused().ends_with("another length than 64 bytes"),
                "{}",
                refused()
            );
            assert_eq!(fs::read(&path).unwrap().len(), length);
        }
        fs::write(&path, [1; 64]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(
            refused().ends_with("can be read by others (mode 0640)"),
            "{}",
            refused()
        );
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(
            refused().ends_with("it is not a regular file"),
            "{}",
            refused()
        );
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(refused().starts_with("cannot read"), "{}", refused());
    }
}
