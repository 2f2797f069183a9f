//! Which mounts of an app are whose: where places for volumes may be made, and which are taken.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Mode, OFlags, StatxAttributes, StatxFlags, statx};
use rustix::io::Errno;

use crate::inside;

/// The mounts of an app so far, by the kernel's numbers of them.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Those that are the pod's own: the root, and volumes that are no directory of the host.
    own: Vec<u64>,
    /// Volumes.
    volumes: Vec<u64>,
}

impl Places {
    /// Those of an app whose root is `root`, which has its `/dev` already.
    pub(crate) fn of(root: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut places = Self::default();
        for path in [".", "dev", "dev/shm"] {
            let mount = inside::open_at(root, path, OFlags::PATH, Mode::empty())?;
            places.own.extend(number(&mount)?);
        }
        Ok(places)
    }

    /// Takes note of a volume that has been attached.
    pub(crate) fn attached(&mut self, mount: impl AsFd, is_own: bool) -> Result<(), Errno> {
        let number = number(mount)?;
        self.volumes.extend(number);
        self.own.extend(number.filter(|_| is_own));
        Ok(())
    }

    /// Whether something may be made in `directory`: nothing is in a directory of the host.
    ///
    /// Source: appc spec, ace.md, "Volume Setup".
    pub(crate) fn may_make_in(&self, directory: impl AsFd) -> Result<bool, Errno> {
        // A kernel that does not number mounts lets everything be made, as it always was.
        Ok(number(directory)?.is_none_or(|number| self.own.contains(&number)))
    }

    /// Whether `place` is where a volume is mounted already, by whatever path.
    pub(crate) fn is_taken(&self, place: impl AsFd) -> Result<bool, Errno> {
        let found = statx(place, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
        let is_root = found
            .stx_attributes_mask
            .contains(StatxAttributes::MOUNT_ROOT)
            && found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
        Ok(is_root && self.volumes.contains(&found.stx_mnt_id))
    }
}

/// The kernel's number of the mount that `file` is on. Source: statx(2), Linux 5.8.
fn number(file: impl AsFd) -> Result<Option<u64>, Errno> {
    let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    let known = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
    Ok(known.then_some(found.stx_mnt_id))
}
