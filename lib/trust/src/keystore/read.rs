//! Reading the keys of a directory, and saying what is wrong with the others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, Kind};

use crate::{
    Fingerprint, FingerprintError, MAX_KEY_BYTES, PublicKey, PublicKeyError, Scope, TrustedKey,
};

/// Most files looked at in one directory of keys.
const MAX_FILES: usize = 16 * 1024;

/// `O_NONBLOCK` on Linux: opening a FIFO that somebody put among the keys must not wait for a writer.
const O_NONBLOCK: i32 = 0o4000;

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

impl KeySet {
    /// Adds the keys of a directory of the keystore; one that is not there has none.
    pub(super) fn read_dir(&mut self, dir: &Path, scope: &Scope) {
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

/// The names of all directories beneath `top`, at most [`MAX_FILES`], in a fixed order.
pub(super) fn prefixes(top: &Path) -> Vec<AcIdentifier> {
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
