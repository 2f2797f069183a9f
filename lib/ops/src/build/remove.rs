//! Removing trees of the image in the making.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use gantry_archive::remove_tree as archive;

/// Removes `name` in `dir` and everything below it; nothing there is fine, links are not followed, and
/// neither are mounts that an interrupted command has left.
///
/// # Errors
///
/// The first entry that stays; what could be removed is gone.
pub(super) fn remove_tree(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match archive::remove_tree(dir, name).into_iter().next() {
        None => Ok(()),
        Some(left) => Err(io::Error::new(left.source.kind(), left)),
    }
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
