//! Removal of a directory tree beneath a descriptor.
//!
//! What lies in a pod or an image was written by strangers, so names mean nothing: no symbolic link is
//! followed, no mount point is entered (a volume bound into a root must never be emptied), and a tree of
//! any depth needs a fixed number of descriptors. What cannot be removed is reported and the rest goes on.

use std::collections::HashSet;
use std::error::Error;
use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Directories kept open at a time; deeper ones are first moved up to the top.
const MAX_OPEN: usize = 48;
/// Entries read from a directory at a time.
const BATCH: usize = 4096;
/// Entries reported at most; a tree full of immutable files needs no longer list.
const MAX_REPORTED: usize = 16;

/// How often a directory is read again that got new entries while it was emptied.
const MAX_LATE: u32 = 16;

/// An entry that could not be removed.
#[derive(Debug)]
pub struct Leftover {
    /// The entry, relative to the directory that was to be removed.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot remove {}", self.path.display())
    }
}

impl Error for Leftover {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// A directory that is being emptied.
struct Level {
    dir: OwnedFd,
    name: CString,
    /// Entries read and not yet removed, with whether they are directories.
    batch: Vec<(CString, bool)>,
    /// Whether anything was removed since the directory was last read.
    progress: bool,
    /// Entries that stay.
    failed: HashSet<CString>,
    /// How often the directory was read again after it should have been empty.
    late: u32,
}

/// Removes `name` in `parent` with all that is in it; that it is missing is fine.
///
/// Directories that their owner may not write are made writable first, as images extracted by users
/// without root have them. Needs no free space, unless a tree is deeper than any ordinary one.
///
/// Returns what is left, a few entries at most: nothing if all is gone.
#[must_use = "what is left is an error that nobody else reports"]
pub fn remove_tree(parent: BorrowedFd<'_>, name: &CStr) -> Vec<Leftover> {
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
            let Some(mut done) = stack.pop() else { break };
            let at = stack.last().map_or(parent, |level| level.dir.as_fd());
            let gone = match rustix::fs::unlinkat(at, &done.name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => true,
                // A process that dies just now may have made another entry.
                Err(Errno::NOTEMPTY)
                    if done.failed.is_empty()
                        && done.late < MAX_LATE
                        && refill(&mut done).is_ok()
                        && !done.batch.is_empty() =>
                {
                    done.late += 1;
                    stack.push(done);
                    continue;
                }
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
            Ok(()) => top.finish(entry, true),
            // Not our doing, so no reason to read again: entries that come and go would keep us here.
            Err(Errno::NOENT) => {}
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
                Err(Errno::NOENT) => {}
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

/// Removes `path` with all that is in it, as [`remove_tree`] does.
///
/// # Errors
///
/// The first entry that stays, as a [`Leftover`] of its kind; what could be removed is gone.
pub fn remove_path(path: &Path) -> io::Result<()> {
    let name = path
        .file_name()
        .and_then(|name| CString::new(name.as_bytes()).ok())
        .ok_or(io::ErrorKind::InvalidInput)?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = match rustix::fs::open(parent, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        parent => parent?,
    };
    match remove_tree(parent.as_fd(), &name).into_iter().next() {
        None => Ok(()),
        Some(left) => Err(io::Error::new(left.source.kind(), left)),
    }
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
        late: 0,
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

    /// A directory of its own under the system's temporary directory, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("gantry-remove-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn fd(&self) -> OwnedFd {
            open(&self.0)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(path: &Path) -> OwnedFd {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    }

    #[test]
    fn links_are_removed_not_followed_and_read_only_directories_go() {
        let temp = Scratch::new("links");
        let outside = temp.0.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("keep"), "x").unwrap();
        let tree = temp.0.join("tree");
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        symlink("/nowhere", tree.join("dangling")).unwrap();
        fs::write(tree.join("a/b/c/f"), "x").unwrap();
        for (path, mode) in [("a/b", 0o000), ("a", 0o555)] {
            fs::set_permissions(tree.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        let at = temp.fd();
        assert!(remove_tree(at.as_fd(), c"tree").is_empty());
        assert!(!tree.exists());
        assert!(
            remove_tree(at.as_fd(), c"tree").is_empty(),
            "that it is missing is fine"
        );
        symlink(&outside, &tree).unwrap();
        assert!(remove_tree(at.as_fd(), c"tree").is_empty());
        assert!(!tree.is_symlink() && outside.join("keep").exists());
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed() {
        let temp = Scratch::new("deep");
        let at = temp.fd();
        let mut dir = at.try_clone().unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&dir, "directory", Mode::RWXU).unwrap();
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            dir = rustix::fs::openat(&dir, "directory", flags, Mode::empty()).unwrap();
        }
        drop(dir);
        assert!(remove_tree(at.as_fd(), c"directory").is_empty());
        assert_eq!(fs::read_dir(&temp.0).unwrap().count(), 0);
    }

    #[test]
    fn a_path_is_removed_with_the_reason_for_what_stays() {
        let temp = Scratch::new("path");
        fs::create_dir_all(temp.0.join("t/below")).unwrap();
        remove_path(&temp.0.join("t")).unwrap();
        remove_path(&temp.0.join("t")).unwrap();
        remove_path(&temp.0.join("absent/t")).unwrap();
        assert!(!temp.0.join("t").exists());
        let error = remove_path(Path::new("/proc/sys/kernel/pty")).unwrap_err();
        assert!(error.to_string().starts_with("cannot remove pty"));
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(remove_path(Path::new("/")).is_err());
    }

    #[test]
    fn more_entries_than_one_batch_are_removed() {
        let temp = Scratch::new("batch");
        let tree = temp.0.join("t");
        fs::create_dir(&tree).unwrap();
        for i in 0..BATCH + 10 {
            fs::write(tree.join(i.to_string()), "").unwrap();
        }
        assert!(remove_tree(temp.fd().as_fd(), c"t").is_empty());
        assert!(!tree.exists());
    }

    #[test]
    fn entries_made_meanwhile_are_removed_too() {
        let temp = Scratch::new("late");
        let tree = temp.0.join("t");
        fs::create_dir(&tree).unwrap();
        for i in 0..500 {
            fs::write(tree.join(i.to_string()), "").unwrap();
        }
        std::thread::scope(|scope| {
            // Ends when the directory is gone.
            scope.spawn(|| {
                for i in 0..200 {
                    let _ = fs::write(tree.join(format!("late-{i}")), "");
                    std::thread::sleep(std::time::Duration::from_micros(20));
                }
            });
            while !remove_tree(temp.fd().as_fd(), c"t").is_empty() {}
        });
        assert!(!tree.exists());
    }
}
