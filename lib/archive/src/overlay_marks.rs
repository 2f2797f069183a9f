//! Taking out of the directory that an overlay wrote to what means something to overlays only.
//!
//! What is left is an ordinary tree: the files that were written. That something of the layers below was
//! removed is not in it any more, and is told to who asks for this.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gantry_sys::xattr::{self, XattrTarget};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::metadata::sorted_names;

/// Largest number of directories below one another: each holds a descriptor.
const MAX_DEPTH: usize = 400;

/// The attributes that overlays use. Source: Documentation/filesystems/overlayfs.rst.
const PREFIXES: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];

/// Marks could not be taken out of a tree.
#[derive(Debug, thiserror::Error)]
#[error("cannot take what an overlay left out of {}", path.display())]
pub struct MarksError {
    /// Path in the tree.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// What was done to the layers below, which the tree alone cannot say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// What was removed.
    pub removed: Vec<PathBuf>,
    /// Directories whose former content was removed with them.
    pub replaced: Vec<PathBuf>,
}

/// Removes the marks from the tree of `upper`, which no overlay uses any more.
///
/// # Errors
///
/// [`MarksError`]; what was passed by then has no marks any more.
pub fn take_out(upper: BorrowedFd<'_>) -> Result<Hidden, MarksError> {
    let mut walk = Walk {
        hidden: Hidden::default(),
        path: Vec::new(),
        depth: 0,
    };
    walk.directory(upper)?;
    Ok(walk.hidden)
}

struct Walk {
    hidden: Hidden,
    path: Vec<u8>,
    depth: usize,
}

impl Walk {
    fn directory(&mut self, directory: BorrowedFd<'_>) -> Result<(), MarksError> {
        if self.depth > MAX_DEPTH {
            return Err(self.failed(io::Error::other(format!(
                "it lies more than {MAX_DEPTH} directories deep"
            ))));
        }
        let names = sorted_names(directory).map_err(|error| self.failed(error.into()))?;
        for name in names {
            let length = self.path.len();
            self.path.push(b'/');
            self.path.extend_from_slice(name.to_bytes());
            self.entry(directory, &name)?;
            self.path.truncate(length);
        }
        let opaque = strip(XattrTarget::Open(directory)).map_err(|e| self.failed(e.into()))?;
        if opaque && self.depth > 0 {
            let path = self.shown();
            self.hidden.replaced.push(path);
        }
        Ok(())
    }

    fn entry(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), MarksError> {
        let failed = |walk: &Self, error: Errno| walk.failed(error.into());
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| failed(self, error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                rustix::fs::unlinkat(parent, name, AtFlags::empty())
                    .map_err(|error| failed(self, error))?;
                let path = self.shown();
                self.hidden.removed.push(path);
                Ok(())
            }
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let inner: OwnedFd = rustix::fs::openat(parent, name, flags, Mode::empty())
                    .map_err(|error| failed(self, error))?;
                self.depth += 1;
                self.directory(inner.as_fd())?;
                self.depth -= 1;
                Ok(())
            }
            _ => strip(XattrTarget::Named(parent, name.to_bytes()))
                .map(drop)
                .map_err(|error| failed(self, error)),
        }
    }

    /// Path of the entry at hand, from the root of the tree.
    fn shown(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.path))
    }

    fn failed(&self, source: io::Error) -> MarksError {
        MarksError {
            path: self.shown(),
            source,
        }
    }
}

/// Removes the attributes of overlays from a file; true if one said that nothing below a directory counts.
fn strip(target: XattrTarget<'_>) -> Result<bool, Errno> {
    let mut opaque = false;
    for name in xattr::list(target)? {
        let mark = PREFIXES
            .iter()
            .find_map(|prefix| name.to_bytes().strip_prefix(*prefix));
        let Some(mark) = mark else { continue };
        opaque |= mark == b"opaque" && xattr::get(target, &name)? == b"y";
        xattr::remove(target, &name)?;
    }
    Ok(opaque)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_tree_without_marks_stays_as_it_is() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("a/b")).unwrap();
        fs::write(tree.path().join("a/b/file"), "x").unwrap();
        let root = fs::File::open(tree.path()).unwrap();
        assert_eq!(take_out(root.as_fd()).unwrap(), Hidden::default());
        assert_eq!(
            fs::read_to_string(tree.path().join("a/b/file")).unwrap(),
            "x"
        );
    }

    #[test]
    fn whiteouts_go_and_are_told_and_so_are_replaced_directories() {
        if !gantry_testkit::needs_root() {
            return;
        }
        let tree = tempfile::tempdir().unwrap();
        let path = |name: &str| tree.path().join(name);
        fs::create_dir_all(path("etc/new")).unwrap();
        fs::write(path("etc/new/file"), "x").unwrap();
        let device = |name: &Path, number| {
            let mode = Mode::from_raw_mode(0o600);
            let cwd = rustix::fs::CWD;
            rustix::fs::mknodat(cwd, name, FileType::CharacterDevice, mode, number)
        };
        device(&path("etc/gone"), 0).unwrap();
        device(&path("null"), rustix::fs::makedev(1, 3)).unwrap();
        let new = fs::File::open(path("etc/new")).unwrap();
        for (name, value) in [
            (c"trusted.overlay.opaque", b"y".as_slice()),
            (c"trusted.overlay.impure", b"y"),
            (c"user.note", b"kept"),
        ] {
            match xattr::set(XattrTarget::Open(new.as_fd()), name, value) {
                Err(Errno::OPNOTSUPP | Errno::PERM) => return,
                set => set.unwrap(),
            }
        }
        let root = fs::File::open(tree.path()).unwrap();
        let hidden = take_out(root.as_fd()).unwrap();
        assert_eq!(hidden.removed, [PathBuf::from("/etc/gone")]);
        assert_eq!(hidden.replaced, [PathBuf::from("/etc/new")]);
        assert!(!path("etc/gone").exists() && path("etc/new/file").exists());
        assert!(fs::symlink_metadata(path("null")).is_ok());
        let names = xattr::list(XattrTarget::Open(new.as_fd())).unwrap();
        assert_eq!(names, [c"user.note".to_owned()]);
        assert_eq!(take_out(root.as_fd()).unwrap(), Hidden::default());
    }
}
