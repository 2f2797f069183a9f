//! Copying a tree of files with everything that belongs to them.

mod content;
mod entry;
mod patterns;

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_sys::openat::open_beneath;
use gantry_sys::xattr::XattrTarget;
use gantry_types::{Diagnostic, Kind};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use entry::{CREATE, Source};
pub use patterns::{PatternError, Patterns};

use crate::extract::Ownership;
use crate::metadata::{Failed, Metadata, XattrPolicy, sorted_names, step};
use crate::owner_note;
use crate::room;

/// Largest number of directories below one another: each holds two descriptors during the copy.
const MAX_DEPTH: usize = 400;

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// Whose the copies are.
    pub ownership: Ownership,
    /// User and group of all of them, in place of those of the originals; as far as `ownership` keeps owners.
    pub owner: Option<(u32, u32)>,
    /// What lies in the tree and is left out.
    pub exclude: Patterns,
}

/// A tree could not be copied. What was copied before is left.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file could not be read or its copy not be made.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, such as "create the copy of".
        action: &'static str,
        /// Path of the source.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tree is too deep.
    #[error("{} lies more than {MAX_DEPTH} directories deep", path.display())]
    TooDeep {
        /// Path of the source.
        path: PathBuf,
    },
}

impl Diagnostic for CopyError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File {
                action: CREATE,
                source,
                ..
            } if source.kind() == io::ErrorKind::AlreadyExists => {
                Some("copy to a name that does not exist yet".to_owned())
            }
            Self::File { source, .. } => room::hint(source),
            Self::TooDeep { .. } => None,
        }
    }
}

/// Copies the file or tree `from.1`, seen from the directory `from.0`, to the new name `to.1` in `to.0`.
///
/// Mode, times, symbolic links, devices, FIFOs, holes, hard links within the tree, and extended
/// attributes where that is permitted stay as they are; owners stay with [`Ownership::Keep`]. Sockets are
/// left out. Data is shared with the source where the file system can (reflink).
///
/// Symbolic links are copied, never followed, `from.1` itself included; only the directories on the way
/// to it may be links, so a path that a stranger chose is resolved by the caller first. `to.1` is one
/// name, which must not exist.
///
/// # Errors
///
/// [`CopyError`]; `EEXIST` inside if `to.1` exists, `EINVAL` if it is no plain name.
pub fn copy_tree(
    from: (BorrowedFd<'_>, &Path),
    to: (BorrowedFd<'_>, &OsStr),
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let mut copier = Copier {
        options,
        target: to.0,
        links: HashMap::new(),
        source_path: from.1.to_owned(),
        target_path: Vec::new(),
        depth: 0,
    };
    let name = to.1.as_bytes();
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return Err(copier.failed(step(CREATE)(Errno::INVAL)));
    }
    copier.target_path.extend_from_slice(name);
    // A path that ends in `.`, `..` or `/` stands for the directory there.
    let (parent, name) = match (from.1.parent(), from.1.file_name()) {
        (Some(parent), Some(name)) => (parent, name),
        _ => (from.1, OsStr::new(".")),
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = rustix::fs::openat(from.0, parent, flags, Mode::empty())
        .map_err(|error| copier.failed(step("find")(error)))?;
    let name =
        CString::new(name.as_bytes()).map_err(|_| copier.failed(step("find")(Errno::INVAL)))?;
    copier.entry(source.as_fd(), &name, to.0, to.1.as_bytes())
}

struct Copier<'a> {
    options: &'a CopyOptions,
    target: BorrowedFd<'a>,
    /// Path beneath `target` of the copy of each file with several names, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    source_path: PathBuf,
    target_path: Vec<u8>,
    depth: usize,
}

/// Whether [`Ownership::Noted`] can note anything beneath `directory`: not every file system takes attributes.
#[must_use]
pub fn can_note_owners(directory: BorrowedFd<'_>) -> bool {
    owner_note::is_kept_in(directory)
}

impl CopyOptions {
    /// Gives what is known of a file to the owner that all copies are to have.
    fn give(&self, metadata: &mut Metadata) {
        if let Some((uid, gid)) = self.owner {
            (metadata.uid, metadata.gid) = (uid, gid);
        }
    }
}

impl Copier<'_> {
    /// Copies an entry of a directory, unless it is left out.
    fn wanted_entry(
        &mut self,
        from: BorrowedFd<'_>,
        name: &CStr,
        to: BorrowedFd<'_>,
    ) -> Result<(), CopyError> {
        let patterns = &self.options.exclude;
        // The name of the copy itself is no part of the paths that patterns are about.
        let slash = self.target_path.iter().position(|byte| *byte == b'/');
        let path = slash.map_or(&[][..], |slash| &self.target_path[slash + 1..]);
        if patterns.is_empty() || !patterns.exclude(path) {
            return self.entry(from, name, to, name.to_bytes());
        }
        let is_directory = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)
            .map(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
            .map_err(|error| self.failed(step("find")(error)))?;
        if !is_directory || !patterns.bring_back() {
            return Ok(());
        }
        // Something below may be wanted again; only for that the directory is there.
        self.entry(from, name, to, name.to_bytes())?;
        match rustix::fs::unlinkat(to, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed(step("leave out")(error))),
        }
    }

    fn entry(
        &mut self,
        from: BorrowedFd<'_>,
        from_name: &CStr,
        to: BorrowedFd<'_>,
        to_name: &[u8],
    ) -> Result<(), CopyError> {
        let stat = rustix::fs::statat(from, from_name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.failed(step("find")(error)))?;
        let file_type = FileType::from_raw_mode(stat.st_mode);
        if file_type == FileType::Directory {
            return self.directory(from, from_name, to, to_name);
        }
        if stat.st_nlink > 1 {
            let key = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.links.get(&key) {
                return self
                    .link(first, to, to_name)
                    .map_err(|failed| self.failed(failed));
            }
            self.links.insert(key, self.target_path.clone());
        }
        let source = Source {
            directory: from,
            name: from_name.to_bytes(),
            stat: &stat,
        };
        source
            .copy(to, to_name, self.options)
            .map_err(|failed| self.failed(failed))
    }

    fn directory(
        &mut self,
        from: BorrowedFd<'_>,
        from_name: &CStr,
        to: BorrowedFd<'_>,
        to_name: &[u8],
    ) -> Result<(), CopyError> {
        if self.depth > MAX_DEPTH {
            return Err(CopyError::TooDeep {
                path: self.source_path.clone(),
            });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |at, name: &[u8], action| {
            rustix::fs::openat(at, name, flags, Mode::empty()).map_err(step(action))
        };
        let prepare = || -> Result<_, Failed> {
            let source = open(from, from_name.to_bytes(), "open")?;
            let stat = rustix::fs::fstat(&source).map_err(step("inspect"))?;
            let mut metadata = Metadata::read(&stat, XattrTarget::Open(source.as_fd()))
                .map_err(step("read attributes of"))?;
            self.options.give(&mut metadata);
            // Listed before the copy is made, so that a tree copied into itself ends.
            let names = sorted_names(&source).map_err(step("list"))?;
            rustix::fs::mkdirat(to, to_name, Mode::RWXU).map_err(step(CREATE))?;
            let target: OwnedFd = open(to, to_name, "open the copy of")?;
            Ok((source, metadata, names, target))
        };
        let (source, metadata, names, target) = prepare().map_err(|failed| self.failed(failed))?;
        let length = self.target_path.len();
        self.depth += 1;
        for name in names {
            self.source_path.push(OsStr::from_bytes(name.to_bytes()));
            self.target_path.push(b'/');
            self.target_path.extend_from_slice(name.to_bytes());
            self.wanted_entry(source.as_fd(), &name, target.as_fd())?;
            self.target_path.truncate(length);
            self.source_path.pop();
        }
        self.depth -= 1;
        metadata
            .apply(
                target.as_fd(),
                self.options.ownership,
                XattrPolicy::BestEffort,
            )
            .map_err(|failed| self.failed(failed))
    }

    fn link(&self, first: &[u8], to: BorrowedFd<'_>, to_name: &[u8]) -> Result<(), Failed> {
        let slash = first.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match slash {
            Some(slash) => (&first[..slash], &first[slash + 1..]),
            None => (b"".as_slice(), first),
        };
        let parent = open_beneath(
            self.target,
            parent,
            OFlags::PATH | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .map_err(step("open the directory of the copy of"))?;
        rustix::fs::linkat(&parent, name, to, to_name, AtFlags::empty()).map_err(step(CREATE))
    }

    fn failed(&self, (action, source): Failed) -> CopyError {
        CopyError::File {
            action,
            path: self.source_path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests;
