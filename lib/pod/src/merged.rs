//! Several directories laid over each other, to be read as one.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use gantry_sys::overlay::{Listing, Overlay};
use gantry_sys::user_namespace::has_all_ids;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

/// Opens the directories as one, the topmost first; what a layer removed is missing.
///
/// More than one become a read-only overlay that is attached nowhere: no mount table shows it, and it goes
/// with the descriptor, however this process ends.
///
/// # Errors
///
/// What opening or mounting returns; `EPERM` without the right to mount, `EINVAL` without any directory.
pub(crate) fn open(layers: &[&Path]) -> io::Result<OwnedFd> {
    let directory = OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let [only] = layers {
        let flags = OFlags::RDONLY | directory;
        return Ok(rustix::fs::openat(CWD, *only, flags, Mode::empty())?);
    }
    let open =
        |path: &&Path| rustix::fs::openat(CWD, *path, OFlags::PATH | directory, Mode::empty());
    let lower = layers.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let overlay = Overlay {
        lower: &lower,
        upper: None,
        user_marks: !has_all_ids().unwrap_or(true),
        attributes: MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    };
    match overlay.mount(Listing::OneByOne) {
        Err(Errno::INVAL) => Ok(overlay.mount(Listing::Together)?),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn upper_files_hide_lower_ones_and_no_mount_is_left() {
        let scratch = tempfile::tempdir().unwrap();
        let layer = |name: &str, files: &[&str]| {
            let path = scratch.path().join(name);
            fs::create_dir(&path).unwrap();
            for file in files {
                fs::write(path.join(file), name).unwrap();
            }
            path
        };
        let (top, low) = (layer("top", &["both", "a"]), layer("low", &["both", "b"]));
        let read = |root: &OwnedFd, name: &str| {
            fs::read_to_string(format!("/proc/self/fd/{}/{name}", root.as_raw_fd())).unwrap()
        };
        let one = open(&[&top]).unwrap();
        assert_eq!(read(&one, "both"), "top");
        if !gantry_testkit::needs_root() {
            return;
        }
        let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
        let before = mounts();
        let all = open(&[&top, &low]).unwrap();
        let found = ["both", "a", "b"].map(|name| read(&all, name));
        assert_eq!(found, ["top", "top", "low"]);
        assert_eq!(mounts(), before);
        assert!(open(&[]).is_err());
        assert!(open(&[&scratch.path().join("absent")]).is_err());
    }
}
