//! Removing trees that hold directories their owner may not enter.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

/// Removes `name` in `dir` and everything below it; nothing there is fine, links are not followed.
///
/// Images hold directories without write or search permission, which stop their owner unless he is
/// root, so permission is given on the way.
///
/// # Errors
///
/// The first error of opening, reading or unlinking.
pub(super) fn remove_tree(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    if rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR).is_ok() {
        return Ok(());
    }
    let below = open_writable(dir, name)?;
    let mut entries = Dir::read_from(&below)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            remove_tree(rustix::fd::AsFd::as_fd(&below), entry.file_name())?;
        }
    }
    Ok(rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}

fn open_writable(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<rustix::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let owner_all = Mode::RWXU;
    let opened = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // By name, for it cannot be opened. A link that took its place would be followed, but
            // only into what this user owns anyway, and only to give himself permission.
            rustix::fs::chmodat(dir, name, owner_all, AtFlags::empty())?;
            rustix::fs::openat(dir, name, flags, Mode::empty())?
        }
        opened => opened?,
    };
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode);
    if !mode.contains(owner_all) {
        rustix::fs::fchmod(&opened, mode | owner_all)?;
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn closed_directories_go_and_what_links_point_to_stays() {
        let work = tempfile::tempdir().unwrap();
        let kept = work.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "").unwrap();
        let tree = work.path().join("tree");
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        fs::write(tree.join("a/b/file"), "").unwrap();
        symlink(&kept, tree.join("a/link")).unwrap();
        fs::set_permissions(tree.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(tree.join("a"), fs::Permissions::from_mode(0o500)).unwrap();

        let dir = fs::File::open(work.path()).unwrap();
        remove_tree(dir.as_fd(), c"tree").unwrap();
        assert!(!tree.exists());
        assert!(kept.join("file").exists());
        remove_tree(dir.as_fd(), c"tree").unwrap();
    }
}
