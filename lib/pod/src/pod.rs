//! One pod: its directory by descriptor, its lock, its moves from phase to phase.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gantry_sys::rename::rename_new_at;
use gantry_types::Uuid;
use rustix::fs::{AtFlags, FlockOperation};

use crate::file;
use crate::phase::{Phase, State};
use crate::pods_dir::{PhaseDirs, PodsDir, is_locked};

/// An opened pod.
///
/// Pods are renamed from phase to phase, so everything goes through the descriptor of the directory;
/// phase and lock are those of the moment of opening or of the last [`Pod::refresh`].
#[derive(Debug)]
pub struct Pod {
    uuid: Uuid,
    phase: Phase,
    dir: OwnedFd,
    locked: bool,
    dirs: Arc<PhaseDirs>,
}

impl Pod {
    pub(crate) fn new(
        uuid: Uuid,
        phase: Phase,
        dir: OwnedFd,
        locked: bool,
        dirs: Arc<PhaseDirs>,
    ) -> Self {
        Self {
            uuid,
            phase,
            dir,
            locked,
            dirs,
        }
    }

    /// The pod's UUID.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The phase when it was last looked at.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The state when it was last looked at.
    #[must_use]
    pub fn state(&self) -> State {
        self.phase.state(self.locked)
    }

    /// Where the pod's directory was when last looked at. For messages and for what takes no
    /// descriptor: it is stale as soon as somebody renames the pod.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dirs
            .path
            .join(self.phase.dir_name())
            .join(self.uuid.to_string())
    }

    /// All pods of its data directory.
    pub(crate) fn siblings(&self) -> PodsDir {
        PodsDir::of(self.dirs.clone())
    }

    /// Looks at phase and lock again. Not for a pod that we have locked ourselves.
    ///
    /// # Errors
    ///
    /// `NotFound` if the pod is gone, else what looking returned.
    pub fn refresh(&mut self) -> io::Result<()> {
        for _ in 0..64 {
            for phase in Phase::ALL {
                self.phase = phase;
                if !self.is_in_place()? {
                    continue;
                }
                self.locked = is_locked(&self.dir)?;
                if self.is_in_place()? {
                    return Ok(());
                }
            }
            if rustix::fs::fstat(&self.dir)?.st_nlink == 0 {
                break;
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Waits until nobody holds the pod's lock, which for a running pod means until it has exited.
    ///
    /// With `timeout` it looks every 10 ms, without one it sleeps in the kernel. Returns whether the
    /// lock is free.
    ///
    /// # Errors
    ///
    /// What flock(2) returns.
    pub fn wait_unlocked(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let Some(timeout) = timeout else {
            rustix::io::retry_on_intr(|| rustix::fs::flock(&self.dir, FlockOperation::LockShared))?;
            rustix::fs::flock(&self.dir, FlockOperation::Unlock)?;
            return Ok(true);
        };
        let end = std::time::Instant::now() + timeout;
        while is_locked(&self.dir)? {
            let now = std::time::Instant::now();
            if now >= end {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(10).min(end - now));
        }
        Ok(true)
    }

    /// Whether the pod's phase directory still holds this very directory under the pod's name.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        let Ok(at) = self.dirs.get(self.phase) else {
            return Ok(false);
        };
        let here = rustix::fs::fstat(&self.dir)?;
        let name = self.uuid.to_string();
        match rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Takes the exclusive lock without waiting for its holder; `false` if somebody has it.
    ///
    /// Whoever lists pods takes the shared lock of each for an instant, so it is tried a few times.
    /// With the lock in hand the pod is made sure to be where we think it is: `false` if not.
    pub(crate) fn try_lock(&mut self) -> io::Result<bool> {
        for attempt in 0..20 {
            if attempt > 0 {
                std::thread::sleep(Duration::from_micros(500));
            }
            match rustix::fs::flock(&self.dir, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    self.locked = true;
                    if self.is_in_place()? {
                        return Ok(true);
                    }
                    self.unlock()?;
                    return Ok(false);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(false)
    }

    pub(crate) fn unlock(&mut self) -> io::Result<()> {
        rustix::fs::flock(&self.dir, FlockOperation::Unlock)?;
        self.locked = false;
        Ok(())
    }

    /// Renames the pod to another phase. The caller holds the lock, or knows that nobody does.
    ///
    /// Nothing is synced; see [`Pod::sync_phase`].
    pub(crate) fn move_to(&mut self, phase: Phase) -> io::Result<()> {
        let name = self.uuid.to_string();
        let (from, to) = (self.dirs.get(self.phase)?, self.dirs.get(phase)?);
        // A second pod of that name would be a foreign one; better an error than a lost pod.
        let name = Path::new(&name);
        if !rename_new_at((from, name), (to, name))? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.phase = phase;
        Ok(())
    }

    /// Brings the entry of this pod in its phase directory onto stable storage.
    pub(crate) fn sync_phase(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.dirs.get(self.phase)?)?)
    }

    /// The data directory that the pod is in.
    pub(crate) fn data_dir(&self) -> BorrowedFd<'_> {
        self.dirs.data_dir()
    }

    /// The phase directories, for removal.
    pub(crate) fn parent(&self) -> io::Result<BorrowedFd<'_>> {
        self.dirs.get(self.phase)
    }

    /// Reads a small file of the pod; `None` if it is missing.
    ///
    /// # Errors
    ///
    /// If it is not a regular file, is too large, or cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        file::read(self.as_fd(), name)
    }
}

impl AsFd for Pod {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}
