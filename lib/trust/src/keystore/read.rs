//! Reading the keys of a directory, and saying what is wrong with the others.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, Kind};

use super::layer::KeyDir;
use crate::{Fingerprint, FingerprintError, MAX_KEY_BYTES, PublicKey, PublicKeyError, TrustedKey};

/// Most files looked at in one directory of keys.
pub(super) const MAX_FILES: usize = 16 * 1024;

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
        self.source.hint()
    }
}

impl KeyProblemCause {
    /// How to mend it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mismatch { found } => Some(format!("rename it to {found}")),
            Self::Name(_) => {
                Some("name it by the key's fingerprint or move it elsewhere".to_owned())
            }
            Self::Key(error) => error.hint(),
            _ => None,
        }
    }
}

/// A file of the keystore, as it was found.
#[derive(Debug)]
pub struct KeyFile {
    /// Where it is.
    pub path: PathBuf,
    /// The directory that it lies in: whose word it is, and about what.
    pub dir: KeyDir,
    /// What it says.
    pub content: KeyContent,
    /// The key in it is marked as legacy.
    pub legacy: bool,
    /// Somebody other than its owner may write to it, or to its directory.
    pub exposed: bool,
}

/// What a file of the keystore says.
#[derive(Debug)]
pub enum KeyContent {
    /// This key is trusted.
    Key(Box<PublicKey>),
    /// The key of this fingerprint is not trusted, whatever was said before.
    Empty(Fingerprint),
    /// Nothing that could be understood.
    Problem(KeyProblemCause),
}

impl KeySet {
    /// What files say together that are read in this order.
    pub(super) fn of(files: Vec<KeyFile>) -> Self {
        let mut set = Self::default();
        for file in files {
            match file.content {
                KeyContent::Key(key) => {
                    let key = TrustedKey::new(*key, file.dir.scope, Some(file.path));
                    set.keys.push(key.with_legacy(file.legacy));
                }
                KeyContent::Empty(name) => {
                    set.keys
                        .retain(|trusted| trusted.key().fingerprint() != name);
                }
                KeyContent::Problem(source) => set.problems.push(KeyProblem {
                    path: file.path,
                    source,
                }),
            }
        }
        set
    }
}

/// The files of a directory of keys, in the order of their names; one that is not there has none.
///
/// What is wrong with the directory itself is told as a file with its path. Of the files only those are
/// read whose names are `wanted`.
pub(super) fn files(
    dir: &KeyDir,
    legacy: &BTreeSet<Fingerprint>,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<KeyFile> {
    let mut found = Vec::new();
    let exposed = fs::metadata(&dir.path).is_ok_and(|data| is_exposed(&data));
    let mut tell = |path: PathBuf, content, exposed| {
        let legacy = match &content {
            KeyContent::Key(key) => legacy.contains(&key.fingerprint()),
            _ => false,
        };
        found.push(KeyFile {
            path,
            dir: dir.clone(),
            content,
            legacy,
            exposed,
        });
    };
    match names(&dir.path) {
        Err(cause) => tell(dir.path.clone(), KeyContent::Problem(cause), exposed),
        Ok(names) => {
            if names.len() > MAX_FILES {
                let cause = KeyProblemCause::TooMany;
                tell(dir.path.clone(), KeyContent::Problem(cause), exposed);
            }
            for name in names.into_iter().take(MAX_FILES) {
                if !wanted(&name.to_string_lossy()) {
                    continue;
                }
                let path = dir.path.join(&name);
                let open = exposed || fs::metadata(&path).is_ok_and(|data| is_exposed(&data));
                match read_file(&path, &name.to_string_lossy()) {
                    Ok(None) => {}
                    Ok(Some(content)) => tell(path, content, open),
                    Err(cause) => tell(path, KeyContent::Problem(cause), open),
                }
            }
        }
    }
    found
}

/// Tells whether there is anything in a directory that could be a key, without reading it.
pub(super) fn has_files(dir: &KeyDir) -> bool {
    let entries = fs::read_dir(&dir.path).into_iter().flatten().flatten();
    entries
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .any(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()))
}

/// The names in a directory, sorted, one more than [`MAX_FILES`] at most.
fn names(dir: &Path) -> Result<Vec<std::ffi::OsString>, KeyProblemCause> {
    let mut names = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(names),
        Err(error) => return Err(KeyProblemCause::Read(error)),
    };
    for entry in entries {
        let name = entry.map_err(KeyProblemCause::Read)?.file_name();
        // Files of editors, of version control, and those we are about to rename.
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
        if names.len() > MAX_FILES {
            break;
        }
    }
    names.sort();
    Ok(names)
}

/// What a file says; `None` for a directory.
fn read_file(path: &Path, name: &str) -> Result<Option<KeyContent>, KeyProblemCause> {
    let Some(bytes) = read_key_file(path)? else {
        return Ok(None);
    };
    let named: Fingerprint = name.parse().map_err(KeyProblemCause::Name)?;
    if bytes.is_empty() {
        return Ok(Some(KeyContent::Empty(named)));
    }
    let key = PublicKey::parse(&bytes).map_err(KeyProblemCause::Key)?;
    let found = key.fingerprint();
    if found != named {
        return Err(KeyProblemCause::Mismatch { found });
    }
    Ok(Some(KeyContent::Key(Box::new(key))))
}

/// Reads a key file, one byte past the limit at most; `None` for a directory.
pub(super) fn read_key_file(path: &Path) -> Result<Option<Vec<u8>>, KeyProblemCause> {
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

/// Whether everybody may write. That the group may is how rkt's administrators share `/etc/rkt`.
fn is_exposed(metadata: &fs::Metadata) -> bool {
    metadata.mode() & 0o002 != 0
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
