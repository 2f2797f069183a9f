//! Whether the roots of apps can be overlays here.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::sync::OnceLock;

use gantry_sys::mount::{Depth, set_id_mapping};
use gantry_sys::user_namespace::{IdMapping, has_all_ids};
use gantry_types::UserRange;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::mount::{
    FsOpenFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsopen,
    open_tree,
};

use crate::image::StoredImage;

const AUFS: i64 = 0x6175_6673;
const ZFS: i64 = 0x2fc1_2fc1;
const OVERLAY: i64 = 0x794c_7630;
const NFS: i64 = 0x6969;

/// Why the roots of apps in a data directory cannot be overlays; `None` if they can.
///
/// Source: rkt 1.30, common/common.go, `PathSupportsOverlay`.
pub(crate) fn why_not(data_dir: BorrowedFd<'_>) -> Option<&'static str> {
    if !kernel_has_overlay() {
        return Some("the kernel has no overlay file system");
    }
    #[allow(
        clippy::useless_conversion,
        reason = "the type of f_type differs by architecture"
    )]
    match rustix::fs::fstatfs(data_dir).map(|st| i64::from(st.f_type)) {
        Ok(AUFS) => Some("the data directory is on aufs"),
        Ok(ZFS) => Some("the data directory is on zfs"),
        Ok(OVERLAY) => Some("the data directory is on an overlay itself"),
        Ok(NFS) => Some("the data directory is on nfs"),
        _ if !has_types(data_dir) => Some(
            "the file system of the data directory does not tell the types of its entries (d_type)",
        ),
        _ if !has_all_ids().unwrap_or(true) && !user_can_overlay(data_dir) => {
            Some("the kernel lets only root make overlays here (others since Linux 5.11)")
        }
        _ => None,
    }
}

/// Whether listings of directories tell what each entry is, which an overlay needs to find what was removed.
///
/// The data directory has entries: that of the pods at least.
fn has_types(data_dir: BorrowedFd<'_>) -> bool {
    let Ok(entries) = rustix::fs::Dir::read_from(data_dir) else {
        return true;
    };
    let own = |name: &CStr| matches!(name.to_bytes(), b"." | b"..");
    entries_tell(
        entries
            .flatten()
            .filter(|entry| !own(entry.file_name()))
            .map(|entry| entry.file_type()),
    )
}

fn entries_tell(mut types: impl Iterator<Item = FileType>) -> bool {
    types.next().is_none_or(|first| first != FileType::Unknown)
}

/// Tries to show the directory `name` in `at` with the owners of `users`.
pub(crate) fn try_shift(at: BorrowedFd<'_>, name: &str, users: UserRange) -> io::Result<()> {
    let ids = [IdMapping {
        inside: 0,
        outside: users.first(),
        count: users.count(),
    }];
    let namespace = gantry_sys::user_namespace::create(&ids, &ids)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(at, name, flags)?;
    set_id_mapping(mount.as_fd(), Depth::One, namespace.as_fd())
}

/// Whether root of a user namespace can make an overlay, tried with directories that are there anyway.
fn user_can_overlay(data_dir: BorrowedFd<'_>) -> bool {
    let made = || -> Result<(), rustix::io::Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |name: &str| rustix::fs::openat(data_dir, name, flags, Mode::empty());
        let layers = [open("pods/embryo")?, open("pods/prepare")?];
        let layers = layers
            .each_ref()
            .map(|fd| format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(context.as_fd(), "lowerdir", layers.join(":"))?;
        fsconfig_set_flag(context.as_fd(), "userxattr")?;
        fsconfig_create(context.as_fd())
    };
    made().is_ok()
}

/// Why the trees of these images cannot be shown with the owners of `users`; `None` if they can.
pub(crate) fn why_not_shifted(images: &[StoredImage], users: UserRange) -> Option<&'static str> {
    // All trees of the store lie on one file system.
    let mut tops = images.iter().filter_map(|image| image.trees.first());
    let tried = tops
        .next()
        .map_or(Ok(()), |tree| try_shift(tree.dir.as_fd(), "rootfs", users));
    tried.err().map(|_| {
        "the file system of the store cannot show files with other owners (ID-mapped mounts, Linux 5.19)"
    })
}

fn kernel_has_overlay() -> bool {
    static PROBE: OnceLock<bool> = OnceLock::new();
    *PROBE.get_or_init(|| {
        // Loads the module where it is one, which /proc/filesystems alone would not.
        rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).is_ok()
            || std::fs::read_to_string("/proc/filesystems").is_ok_and(|list| {
                list.lines()
                    .any(|l| l.split_whitespace().last() == Some("overlay"))
            })
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_listing_without_types_is_told_from_one_with_them() {
        use FileType::{Directory, Unknown};
        assert!(entries_tell([Directory, Directory].into_iter()));
        assert!(!entries_tell([Unknown, Unknown].into_iter()));
        assert!(entries_tell(std::iter::empty()));
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("pods")).unwrap();
        let dir = std::fs::File::open(scratch.path()).unwrap();
        assert!(has_types(dir.as_fd()));
    }
}
