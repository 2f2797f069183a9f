//! Removal of a directory tree beneath a descriptor.
//!
//! What lies in a pod was written by apps, so names mean nothing: no symbolic link is followed, no
//! mount point is entered (a volume bound into a root must never be emptied), and a tree of any depth
//! needs a fixed number of descriptors. What cannot be removed is reported and the rest goes on.

use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Directories kept open at a time; deeper ones are first moved up to the top.
const MAX_OPEN: usize = 48;
/// Entries read from a directory at a time.
const BATCH: usize = 4096;
/// Entries reported at most; a tree full of immutable files needs no longer list.
const MAX_REPORTED: usize = 16;

/// An entry that could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}", path.display())]
pub struct Leftover {
    /// The entry, relative to the directory that was to be removed.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

struct Level {
    dir: OwnedFd,
    name: CString,
    batch: Vec<(CString, bool)>,
    progress: bool,
    failed: HashSet<CString>,
}

/// Removes `name` in `parent` with all that is in it; that it is missing is fine.
///
/// Returns what is left: empty if all is gone.
pub(crate) fn remove_tree(parent: BorrowedFd<'_>, name: &CStr) -> Vec<Leftover> {
    let mut left = Vec::new();
    let mut stack: Vec<Level> = Vec::new();
    let mut deep = 0_u64;
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return left,
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(e) => {
            return vec![Leftover {
                path: path_of(&stack, name),
                source: e.into(),
            }];
        }
    }
    match open_level(parent, name) {
        Ok(level) => stack.push(level),
        Err(Errno::NOENT) => {}
        Err(e) => report(&mut left, &stack, name, e),
    }
    loop {
        let depth = stack.len();
        let Some(top) = stack.last_mut() else { break };
        let Some((entry, is_dir)) = top.batch.pop() else {
            if top.progress && refill(top).is_ok() && !top.batch.is_empty() {
                continue;
            }
            let Some(done) = stack.pop() else { break };
            let at = stack.last().map_or(parent, |level| level.dir.as_fd());
            let gone = match rustix::fs::unlinkat(at, &done.name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => true,
                // The entries that keep it were reported already.
                Err(Errno::NOTEMPTY) if !done.failed.is_empty() => false,
                Err(e) => {
                    report(&mut left, &stack, &done.name, e);
                    false
                }
            };
            if let Some(level) = stack.last_mut() {
                level.finish(done.name, gone);
            }
            continue;
        };
        let result = if is_dir {
            Err(Errno::ISDIR)
        } else {
            rustix::fs::unlinkat(&top.dir, &entry, AtFlags::empty())
        };
        match result {
            Ok(()) | Err(Errno::NOENT) => top.finish(entry, true),
            Err(Errno::ISDIR) if depth >= MAX_OPEN => {
                deep += 1;
                let moved = CString::new(format!(".gantry-deep-{deep}")).unwrap_or_default();
                let result = rustix::fs::renameat(
                    &stack[stack.len() - 1].dir,
                    &entry,
                    &stack[0].dir,
                    &moved,
                );
                if let Err(e) = result {
                    report(&mut left, &stack, &entry, e);
                } else {
                    stack[0].batch.push((moved, true));
                }
                if let Some(level) = stack.last_mut() {
                    level.finish(entry, result.is_ok());
                }
            }
            Err(Errno::ISDIR) => match open_level(top.dir.as_fd(), &entry) {
                Ok(level) => stack.push(level),
                Err(Errno::NOENT) => top.finish(entry, true),
                Err(e) => {
                    report(&mut left, &stack, &entry, e);
                    if let Some(level) = stack.last_mut() {
                        level.finish(entry, false);
                    }
                }
            },
            Err(e) => {
                report(&mut left, &stack, &entry, e);
                if let Some(level) = stack.last_mut() {
                    level.finish(entry, false);
                }
            }
        }
    }
    left
}

impl Level {
    fn finish(&mut self, name: CString, gone: bool) {
        if gone {
            self.progress = true;
        } else {
            self.failed.insert(name);
        }
    }
}

fn open_level(at: BorrowedFd<'_>, name: &CStr) -> Result<Level, Errno> {
    let open = || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // NO_XDEV also stops at bind mounts of the same file system.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        rustix::fs::openat2(at, name, flags, Mode::empty(), resolve)
    };
    let writable = Mode::RUSR | Mode::WUSR | Mode::XUSR;
    let dir = match open() {
        // A mount point; "device busy" says so, "cross-device link" does not.
        Err(Errno::XDEV) => return Err(Errno::BUSY),
        Err(Errno::ACCESS) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(at, name, flags, Mode::empty())?;
            rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_raw_fd()), writable)?;
            open()?
        }
        other => other?,
    };
    // Users without root cannot empty a directory they may not write, even if it is theirs.
    if !rustix::process::geteuid().is_root() {
        let _ = rustix::fs::fchmod(&dir, writable);
    }
    let mut level = Level {
        dir,
        name: name.to_owned(),
        batch: Vec::new(),
        progress: false,
        failed: HashSet::new(),
    };
    refill(&mut level)?;
    Ok(level)
}

fn refill(level: &mut Level) -> Result<(), Errno> {
    level.progress = false;
    for entry in Dir::read_from(&level.dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." || level.failed.contains(name) {
            continue;
        }
        level
            .batch
            .push((name.to_owned(), entry.file_type() == FileType::Directory));
        if level.batch.len() == BATCH {
            break;
        }
    }
    Ok(())
}

fn report(left: &mut Vec<Leftover>, stack: &[Level], name: &CStr, errno: Errno) {
    if left.len() < MAX_REPORTED {
        left.push(Leftover {
            path: path_of(stack, name),
            source: errno.into(),
        });
    }
}

fn path_of(stack: &[Level], name: &CStr) -> PathBuf {
    let names = stack
        .iter()
        .map(|level| level.name.as_c_str())
        .chain([name]);
    names.map(|n| OsStr::from_bytes(n.to_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::file::open_dir;

    #[test]
    fn links_are_removed_not_followed_and_read_only_directories_go() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("keep"), "x").unwrap();
        let tree = temp.path().join("tree");
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        symlink("/nowhere", tree.join("dangling")).unwrap();
        fs::write(tree.join("a/b/c/f"), "x").unwrap();
        fs::set_permissions(tree.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
        let at = open_dir(rustix::fs::CWD, temp.path()).unwrap();
        assert!(remove_tree(at.as_fd(), c"tree").is_empty());
        assert!(!tree.exists());
        assert!(outside.join("keep").exists());
        assert!(
            remove_tree(at.as_fd(), c"tree").is_empty(),
            "that it is missing is fine"
        );
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let at = open_dir(rustix::fs::CWD, temp.path()).unwrap();
        let mut dir = at.try_clone().unwrap();
        for _ in 0..2500 {
            rustix::fs::mkdirat(&dir, "directory", Mode::RWXU).unwrap();
            dir = open_dir(dir.as_fd(), "directory").unwrap();
        }
        drop(dir);
        assert!(remove_tree(at.as_fd(), c"directory").is_empty());
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }

    #[test]
    fn more_entries_than_one_batch_are_removed() {
        let temp = tempfile::tempdir().unwrap();
        let tree = temp.path().join("t");
        fs::create_dir(&tree).unwrap();
        for i in 0..BATCH + 10 {
            fs::write(tree.join(i.to_string()), "").unwrap();
        }
        let at = open_dir(rustix::fs::CWD, temp.path()).unwrap();
        assert!(remove_tree(at.as_fd(), c"t").is_empty());
        assert!(!tree.exists());
    }
}
