//! Removing a directory tree of any depth, needing neither space nor more than a few descriptors.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, chmodat, fchmod, openat, renameat, unlinkat,
};
use rustix::io::Errno;

/// Directories deeper than this below the root of a removal are moved up to it first, so that an image
/// with thousands of nested directories exhausts neither descriptors nor the stack.
const MAX_DEPTH: usize = 64;

/// Removes `path` and everything beneath; missing is fine.
///
/// Symlinks are removed, never followed. Directories that their owner may not write (an image extracted
/// by a user without root has such) are made writable first.
///
/// # Errors
///
/// The first failure; what could be removed before it is gone.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let top = match open_dir(CWD, path) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::NOTDIR | Errno::LOOP) => return std::fs::remove_file(path),
        Err(errno) => return Err(errno.into()),
    };
    let mut moved = 0;
    // One round removes everything but what it moved up; each round shortens the deepest path.
    loop {
        let before = moved;
        empty(top.as_fd(), top.as_fd(), 0, &mut moved)?;
        if moved == before {
            break;
        }
    }
    std::fs::remove_dir(path)
}

fn open_dir(parent: BorrowedFd<'_>, name: impl rustix::path::Arg + Copy) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // fchmod refuses a descriptor opened for its path only, and chmod by name would follow a
            // symlink; the descriptor's own link in /proc leads to exactly the directory.
            let bare = openat(parent, name, flags | OFlags::PATH, Mode::empty())?;
            let link = format!("/proc/self/fd/{}", bare.as_raw_fd());
            chmodat(CWD, link.as_str(), Mode::RWXU, AtFlags::empty())?;
            openat(parent, name, flags, Mode::empty())
        }
        result => result,
    }
}

fn empty(
    dir: BorrowedFd<'_>,
    top: BorrowedFd<'_>,
    depth: usize,
    moved: &mut u64,
) -> Result<(), Errno> {
    // Names first: removing while reading may skip entries on some file systems.
    let mut names: Vec<(CString, bool)> = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            let directory = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
            names.push((name.to_owned(), directory));
        }
    }
    let mut writable = false;
    let mut retry = |result: Result<(), Errno>, again: &dyn Fn() -> Result<(), Errno>| match result
    {
        Err(Errno::ACCESS) if !writable => {
            writable = true;
            fchmod(dir, Mode::RWXU)?;
            again()
        }
        Err(Errno::NOENT) => Ok(()),
        result => result,
    };
    for (name, directory) in &names {
        let name = name.as_c_str();
        if *directory {
            match open_dir(dir, name) {
                Ok(child) if depth >= MAX_DEPTH => {
                    drop(child);
                    *moved += 1;
                    let up = format!(".deep-{moved}");
                    let lift = || renameat(dir, name, top, up.as_str());
                    retry(lift(), &lift)?;
                    continue;
                }
                Ok(child) => {
                    empty(child.as_fd(), top, depth + 1, moved)?;
                    let unlink = || unlinkat(dir, name, AtFlags::REMOVEDIR);
                    retry(unlink(), &unlink)?;
                    continue;
                }
                Err(Errno::NOTDIR | Errno::LOOP) => {}
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            }
        }
        let unlink = || unlinkat(dir, name, AtFlags::empty());
        retry(unlink(), &unlink)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn everything_beneath_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("t");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::write(dir.path().join("outside"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("a/out")).unwrap();
        std::fs::set_permissions(tree.join("a"), PermissionsExt::from_mode(0o555)).unwrap();
        std::fs::set_permissions(tree.join("a/b"), PermissionsExt::from_mode(0o000)).unwrap();
        remove_tree(&tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(dir.path().join("outside").exists());
    }

    #[test]
    fn a_tree_of_three_thousand_levels_goes() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("t");
        std::fs::create_dir(&tree).unwrap();
        let mut fd = open_dir(CWD, &tree).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&fd, "d", Mode::RWXU).unwrap();
            fd = open_dir(fd.as_fd(), "d").unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
    }
}
