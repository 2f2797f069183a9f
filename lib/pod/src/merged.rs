//! Several directories laid over each other, to be read as one.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;

use gantry_sys::user_namespace::has_all_ids;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

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
    let layers = layers.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    // Names by descriptor are short and have no characters that mean something in a list of layers.
    let names: Vec<String> = layers
        .iter()
        .map(|layer| format!("/proc/self/fd/{}", layer.as_raw_fd()))
        .collect();
    match overlay(&names, true) {
        // Layers one by one are known since Linux 6.5.
        Err(Errno::INVAL) => Ok(overlay(&names, false)?),
        other => Ok(other?),
    }
}

fn overlay(names: &[String], one_by_one: bool) -> Result<OwnedFd, Errno> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    if one_by_one {
        for name in names {
            fsconfig_set_string(context, "lowerdir+", name)?;
        }
    } else {
        fsconfig_set_string(context, "lowerdir", names.join(":"))?;
    }
    if !has_all_ids().unwrap_or(true) {
        // The marks of overlays that users made.
        fsconfig_set_flag(context, "userxattr")?;
    }
    fsconfig_create(context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
