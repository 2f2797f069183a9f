//! What a tree was at some moment, to tell later what has changed in it since.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use gantry_sys::xattr::XattrTarget;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

use crate::metadata::{Metadata, sorted_names};

/// Largest number of directories below one another: each holds a descriptor.
const MAX_DEPTH: usize = 500;

/// How long the clock that files are marked with may stand still.
const TICK: Duration = Duration::from_millis(10);

/// The files of a tree and marks that change with them: number and time of change of a file, mode, owner and
/// attributes of a directory.
///
/// What is written to a file changes its mark however it is written, as long as the clock of the machine goes on.
/// A tree that was copied elsewhere has changed as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// By directory, then by name. The root is the name "" of the directory "".
    directories: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Mark>>,
}

/// Changes whenever a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    directory: bool,
    value: u64,
}

/// A tree could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {} in the image", path.display())]
pub struct SnapshotError {
    /// Path in the tree.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Mark {
    /// That of the file that `stat` describes and `target` names.
    pub(crate) fn of(stat: &Stat, target: XattrTarget<'_>) -> rustix::io::Result<Self> {
        let mut hasher = DefaultHasher::new();
        let directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if directory {
            // Its times change with what lies in it.
            let metadata = Metadata::read(stat, target)?;
            (metadata.mode, metadata.uid, metadata.gid).hash(&mut hasher);
            for xattr in &metadata.xattrs {
                (&xattr.name, &xattr.value).hash(&mut hasher);
            }
        } else {
            (stat.st_dev, stat.st_ino, stat.st_ctime, stat.st_ctime_nsec).hash(&mut hasher);
        }
        Ok(Self {
            directory,
            value: hasher.finish(),
        })
    }
}

impl Snapshot {
    /// Looks at the tree of `root`. What is changed after this returns has other marks.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`].
    pub fn take(root: BorrowedFd<'_>) -> Result<Self, SnapshotError> {
        let mut snapshot = Self::default();
        snapshot.directory(root, &mut Vec::new(), 0)?;
        std::thread::sleep(TICK);
        Ok(snapshot)
    }

    fn directory(
        &mut self,
        fd: BorrowedFd<'_>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), SnapshotError> {
        use std::os::unix::ffi::OsStrExt as _;
        let failed = |path: &[u8], source: io::Error| SnapshotError {
            path: PathBuf::from(std::ffi::OsStr::from_bytes(path)),
            source,
        };
        if depth > MAX_DEPTH {
            let error = format!("it lies more than {MAX_DEPTH} directories deep");
            return Err(failed(path, io::Error::other(error)));
        }
        let stat = rustix::fs::fstat(fd).map_err(|error| failed(path, error.into()))?;
        let mark = Mark::of(&stat, XattrTarget::Open(fd));
        self.put(path, mark.map_err(|error| failed(path, error.into()))?);
        self.directories.entry(path.clone()).or_default();
        let names = sorted_names(fd).map_err(|error| failed(path, error.into()))?;
        for name in names {
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.to_bytes());
            self.entry(fd, &name, path, depth)
                .map_err(|error| match error {
                    EntryError::Here(error) => failed(path, error.into()),
                    EntryError::Below(error) => error,
                })?;
            path.truncate(length);
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EntryError> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = rustix::fs::openat(parent, name, flags, Mode::empty())?;
            return self
                .directory(inner.as_fd(), path, depth + 1)
                .map_err(EntryError::Below);
        }
        let target = XattrTarget::Named(parent, name.to_bytes());
        self.put(path, Mark::of(&stat, target)?);
        Ok(())
    }

    fn put(&mut self, path: &[u8], mark: Mark) {
        let (directory, name) = split(path);
        let names = self.directories.entry(directory.to_vec()).or_default();
        names.insert(name.to_vec(), mark);
    }

    /// The mark of the file at `path`, if there was one.
    pub(crate) fn mark(&self, path: &[u8]) -> Option<Mark> {
        let (directory, name) = split(path);
        self.directories.get(directory)?.get(name).copied()
    }

    /// The names of what was in a directory.
    pub(crate) fn names(&self, directory: &[u8]) -> impl Iterator<Item = &[u8]> {
        let names = self.directories.get(directory).into_iter().flatten();
        names
            .map(|(name, _)| name.as_slice())
            .filter(|name| !name.is_empty())
    }

    /// Writes it down.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (directory, names) in &self.directories {
            bytes.extend_from_slice(directory);
            bytes.push(0);
            for (name, mark) in names {
                let kind = if mark.directory { 'd' } else { 'f' };
                bytes.extend_from_slice(format!("{kind}{:016x}", mark.value).as_bytes());
                bytes.extend_from_slice(name);
                bytes.push(0);
            }
            bytes.push(0);
        }
        bytes
    }

    /// Reads what was written down; `None` for anything else.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut snapshot = Self::default();
        let next = |bytes: &mut &[u8]| -> Option<Vec<u8>> {
            let end = bytes.iter().position(|byte| *byte == 0)?;
            let text = bytes[..end].to_vec();
            *bytes = &bytes[end + 1..];
            Some(text)
        };
        while !bytes.is_empty() {
            let directory = next(&mut bytes)?;
            let mut names = BTreeMap::new();
            loop {
                let text = next(&mut bytes)?;
                let Some((kind, rest)) = text.split_first() else {
                    break;
                };
                let directory = match kind {
                    b'd' => true,
                    b'f' => false,
                    _ => return None,
                };
                let digits = std::str::from_utf8(rest.get(..16)?).ok()?;
                let value = u64::from_str_radix(digits, 16).ok()?;
                names.insert(rest[16..].to_vec(), Mark { directory, value });
            }
            snapshot.directories.insert(directory, names);
        }
        Some(snapshot)
    }
}

enum EntryError {
    Here(rustix::io::Errno),
    Below(SnapshotError),
}

impl From<rustix::io::Errno> for EntryError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Here(error)
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    fn take(path: &std::path::Path) -> Snapshot {
        Snapshot::take(fs::File::open(path).unwrap().as_fd()).unwrap()
    }

    #[test]
    fn marks_change_with_their_files_and_with_nothing_else() {
        let tree = tempfile::tempdir().unwrap();
        let path = |name: &str| tree.path().join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        for name in ["a/file", "a/b/kept", "gone"] {
            fs::write(path(name), "x").unwrap();
        }
        let before = take(tree.path());
        assert_eq!(take(tree.path()), before);
        fs::write(path("a/file"), "y").unwrap();
        fs::write(path("a/new"), "").unwrap();
        fs::remove_file(path("gone")).unwrap();
        let after = take(tree.path());
        for (name, same) in [
            ("", true),
            ("a", true),
            ("a/b", true),
            ("a/b/kept", true),
            ("a/file", false),
            ("a/new", false),
            ("gone", false),
        ] {
            let (old, new) = (before.mark(name.as_bytes()), after.mark(name.as_bytes()));
            assert_eq!(old == new, same, "{name}");
        }
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_ne!(take(tree.path()).mark(b"a"), before.mark(b"a"));
        assert_eq!(before.names(b"").collect::<Vec<_>>(), [&b"a"[..], b"gone"]);
        assert_eq!(Snapshot::from_bytes(&before.to_bytes()), Some(before));
    }

    #[test]
    fn what_is_no_snapshot_is_not_taken_for_one() {
        for text in [&b"a"[..], b"a\0", b"\0d12\0\0", b"\0x0000000000000000a\0\0"] {
            assert_eq!(Snapshot::from_bytes(text), None, "{text:?}");
        }
        assert_eq!(Snapshot::from_bytes(b""), Some(Snapshot::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes: Vec<u8>) {
            if let Some(snapshot) = Snapshot::from_bytes(&bytes) {
                prop_assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes()), Some(snapshot));
            }
        }
    }
}
