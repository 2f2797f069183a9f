//! Advisory locks on files and directories that other processes may unlink or rename.
//!
//! A lock of flock(2) belongs to an open file description: it goes when the last descriptor of it is
//! closed, so a killed process never leaves one behind. It excludes threads of one process as well, as
//! long as each opens the file for itself, which the functions here do.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, fstat, open, statat};
use rustix::io::Errno;

/// Who else may hold a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Any number of holders, none of them exclusive.
    Shared,
    /// This holder alone.
    Exclusive,
}

/// What to do while somebody else holds a lock that excludes ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Wait, however long it takes.
    Block,
    /// Give up at once.
    Try,
}

/// Takes, or changes to, a lock on an open file; false if [`Wait::Try`] found it taken.
///
/// # Errors
///
/// Those of flock(2) apart from `EINTR`, after which the call is repeated, and `EWOULDBLOCK`.
pub fn flock(fd: impl AsFd, share: Share, wait: Wait) -> io::Result<bool> {
    let operation = match (share, wait) {
        (Share::Shared, Wait::Block) => FlockOperation::LockShared,
        (Share::Shared, Wait::Try) => FlockOperation::NonBlockingLockShared,
        (Share::Exclusive, Wait::Block) => FlockOperation::LockExclusive,
        (Share::Exclusive, Wait::Try) => FlockOperation::NonBlockingLockExclusive,
    };
    loop {
        match rustix::fs::flock(&fd, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A locked file or directory that was still at its path when the lock was granted.
#[derive(Debug)]
pub struct PathLock {
    fd: OwnedFd,
    path: PathBuf,
}

impl PathLock {
    /// Locks the file at `path`, which is created (mode 0640, empty) if it is missing.
    ///
    /// `None` if [`Wait::Try`] found it taken. A holder may [`remove`](Self::remove) the file; whoever
    /// waited for it then starts again with a new one, so two holders never hold different files.
    ///
    /// # Errors
    ///
    /// Those of open(2) and flock(2).
    pub fn file(path: &Path, share: Share, wait: Wait) -> io::Result<Option<Self>> {
        Self::acquire(
            path,
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW,
            share,
            wait,
        )
    }

    /// Locks the file or directory at `path`, which must exist.
    ///
    /// `None` if [`Wait::Try`] found it taken.
    ///
    /// # Errors
    ///
    /// Those of open(2) and flock(2); `NotFound` also if it was removed or replaced by nothing while
    /// the call waited.
    pub fn existing(path: &Path, share: Share, wait: Wait) -> io::Result<Option<Self>> {
        Self::acquire(path, OFlags::RDONLY | OFlags::NOFOLLOW, share, wait)
    }

    fn acquire(path: &Path, flags: OFlags, share: Share, wait: Wait) -> io::Result<Option<Self>> {
        loop {
            let fd = open(
                path,
                flags | OFlags::CLOEXEC | OFlags::NONBLOCK,
                Mode::from_raw_mode(0o640),
            )?;
            if !flock(&fd, share, wait)? {
                return Ok(None);
            }
            // Between open and flock the last holder may have unlinked or renamed the file: a lock on
            // a file that nobody can find any more would exclude nobody.
            if is_at(fd.as_fd(), path)? {
                return Ok(Some(Self {
                    fd,
                    path: path.to_owned(),
                }));
            }
        }
    }

    /// Unlinks the locked file, then releases the lock. Hold it exclusively.
    ///
    /// # Errors
    ///
    /// Those of unlink(2).
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Path that was locked.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A second holder of the same lock, which lives until both are dropped.
    ///
    /// # Errors
    ///
    /// Those of dup(2).
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            path: self.path.clone(),
        })
    }
}

impl AsFd for PathLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether `path` still names the open file `fd`.
///
/// # Errors
///
/// Those of stat(2) apart from `ENOENT`.
pub fn is_at(fd: BorrowedFd<'_>, path: &Path) -> io::Result<bool> {
    let open = fstat(fd)?;
    match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) => Ok(open.st_dev == named.st_dev && open.st_ino == named.st_ino),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("gantry-lock-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn shared_locks_admit_each_other_and_exclude_an_exclusive_one() {
        let dir = scratch("shared");
        let path = dir.join("l");
        let one = PathLock::file(&path, Share::Shared, Wait::Try)
            .unwrap()
            .unwrap();
        let two = PathLock::file(&path, Share::Shared, Wait::Try)
            .unwrap()
            .unwrap();
        assert!(
            PathLock::file(&path, Share::Exclusive, Wait::Try)
                .unwrap()
                .is_none()
        );
        drop((one, two));
        assert!(
            PathLock::file(&path, Share::Exclusive, Wait::Try)
                .unwrap()
                .is_some()
        );
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn holders_that_remove_the_file_still_exclude_each_other() {
        let dir = scratch("remove");
        let path = dir.join("l");
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let lock = PathLock::file(&path, Share::Exclusive, Wait::Block).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        lock.unwrap().remove().unwrap();
                    }
                });
            }
        });
        assert!(!path.exists());
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_directory_keeps_its_lock_through_a_rename() {
        let dir = scratch("dir");
        std::fs::create_dir(dir.join("a")).unwrap();
        let held = PathLock::existing(&dir.join("a"), Share::Exclusive, Wait::Try).unwrap();
        std::fs::rename(dir.join("a"), dir.join("b")).unwrap();
        assert!(
            PathLock::existing(&dir.join("b"), Share::Shared, Wait::Try)
                .unwrap()
                .is_none()
        );
        drop(held);
        assert!(
            PathLock::existing(&dir.join("b"), Share::Shared, Wait::Try)
                .unwrap()
                .is_some()
        );
        let gone = PathLock::existing(&dir.join("a"), Share::Shared, Wait::Try).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_symlink_in_the_place_of_a_lock_is_not_followed() {
        let dir = scratch("symlink");
        std::os::unix::fs::symlink(dir.join("target"), dir.join("l")).unwrap();
        assert!(PathLock::file(&dir.join("l"), Share::Shared, Wait::Try).is_err());
        assert!(!dir.join("target").exists());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
