//! The lock of a build: one command at a time in one working directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::error::OpenError;

/// Name of the build's directory beneath the working directory.
pub(super) const CONTEXT: &str = ".acbuild";

const LOCK: &str = "lock";

/// How often opening starts over because another command removed the lock file under it.
const ATTEMPTS: usize = 1000;

/// The open and locked `.acbuild` directory.
///
/// The lock file is removed when the lock is given back: tools of this kind always did that, and a
/// script may take its presence for a running command.
#[derive(Debug)]
pub(super) struct LockedContext {
    dir: OwnedFd,
    /// Holds the `flock` as long as it is open.
    lock: OwnedFd,
}

/// What to do when the working directory has no `.acbuild`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IfAbsent {
    Create,
    Fail,
}

impl LockedContext {
    /// Opens and locks `WORK_PATH/.acbuild`.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoBuild`] if it does not exist and shall not be made, [`OpenError::Locked`] if
    /// another command holds the lock, [`OpenError::Permission`] and [`OpenError::Io`] otherwise.
    pub(super) fn acquire(work_path: &Path, if_absent: IfAbsent) -> Result<Self, OpenError> {
        let io_error = |errno: Errno| match errno {
            Errno::ACCESS | Errno::PERM => OpenError::Permission,
            errno => OpenError::Io {
                path: work_path.join(CONTEXT),
                source: io::Error::from(errno),
            },
        };
        for _ in 0..ATTEMPTS {
            if if_absent == IfAbsent::Create {
                create(work_path)?;
            }
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let dir = match rustix::fs::open(work_path.join(CONTEXT), flags, Mode::empty()) {
                Ok(dir) => dir,
                Err(Errno::NOENT) if if_absent == IfAbsent::Create => continue,
                Err(Errno::NOENT) => return Err(OpenError::NoBuild),
                Err(errno) => return Err(io_error(errno)),
            };
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let lock = match rustix::fs::openat(&dir, LOCK, flags, Mode::from(0o644)) {
                Ok(lock) => lock,
                // `end` has removed the directory since it was opened.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(io_error(errno)),
            };
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(OpenError::Locked),
                Err(errno) => return Err(io_error(errno)),
            }
            // The holder before us removed its lock file at the end. A lock on a file that has no
            // name any more excludes nobody.
            if is_named(&dir, &lock).map_err(io_error)? {
                return Ok(Self { dir, lock });
            }
        }
        Err(OpenError::Locked)
    }

    pub(super) fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Takes the lock file away while the lock is still held, so that the directory can be removed.
    pub(super) fn remove_lock_file(&self) {
        // Only if it is ours: after `end` the name may already belong to the next command. A lock
        // file left behind does no harm.
        if let Ok(true) = is_named(&self.dir, &self.lock) {
            let _ = rustix::fs::unlinkat(&self.dir, LOCK, AtFlags::empty());
        }
    }
}

impl Drop for LockedContext {
    fn drop(&mut self) {
        self.remove_lock_file();
    }
}

fn create(work_path: &Path) -> Result<(), OpenError> {
    let path = work_path.join(CONTEXT);
    std::fs::create_dir_all(&path).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => OpenError::Permission,
        _ => OpenError::Io { path, source },
    })
}

fn is_named(dir: &OwnedFd, lock: &OwnedFd) -> Result<bool, Errno> {
    let held = rustix::fs::fstat(lock)?;
    match rustix::fs::statat(dir, LOCK, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_refused_and_a_released_one_leaves_no_file() {
        let work = tempfile::tempdir().unwrap();
        let held = LockedContext::acquire(work.path(), IfAbsent::Create).unwrap();
        let second = LockedContext::acquire(work.path(), IfAbsent::Fail);
        assert!(matches!(second, Err(OpenError::Locked)));
        drop(held);
        assert!(!work.path().join(".acbuild/lock").exists());
        LockedContext::acquire(work.path(), IfAbsent::Fail).unwrap();
    }

    #[test]
    fn without_a_context_nothing_is_created() {
        let work = tempfile::tempdir().unwrap();
        let opened = LockedContext::acquire(work.path(), IfAbsent::Fail);
        assert!(matches!(opened, Err(OpenError::NoBuild)));
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_context_that_is_a_symbolic_link_is_not_followed() {
        let work = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), work.path().join(CONTEXT)).unwrap();
        let opened = LockedContext::acquire(work.path(), IfAbsent::Fail);
        assert!(matches!(opened, Err(OpenError::Io { .. })));
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
