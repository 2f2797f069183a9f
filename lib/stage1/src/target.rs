//! Places in an app's root where something is to be mounted: found or made by descriptor.
//!
//! An image chooses what lies at such a path, a link out of the root included, and a running app may
//! change a shared volume meanwhile. So each look-up is confined by the kernel, and what is made is
//! made in a directory that is held open.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, mkdirat};
use rustix::io::Errno;

use gantry_sys::openat::open_beneath;

use crate::inside;
use crate::volume::is_directory;

const LOOK: OFlags = OFlags::PATH;

/// What a mount needs to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Directory,
    File,
}

/// Opens the place `path` within `root`, whose missing directories are made with mode 0755.
///
/// Links are followed as if `root` were `/`. `ENOTDIR` and `EISDIR` tell that something else is
/// there; `EEXIST` that a link leads nowhere; `EXDEV` that something would have to be made where `may_make`
/// forbids it.
pub(crate) fn find_or_make(
    root: BorrowedFd<'_>,
    path: &str,
    wanted: Wanted,
    may_make: &dyn Fn(BorrowedFd<'_>) -> Result<bool, Errno>,
) -> Result<OwnedFd, Errno> {
    let found = match inside::open_at(root, path, LOOK, Mode::empty()) {
        Err(Errno::NOENT) => make(root, path, wanted, may_make)?,
        answer => answer?,
    };
    match (wanted, is_directory(&found)?) {
        (Wanted::Directory, false) => Err(Errno::NOTDIR),
        (Wanted::File, true) => Err(Errno::ISDIR),
        _ => Ok(found),
    }
}

fn make(
    root: BorrowedFd<'_>,
    path: &str,
    wanted: Wanted,
    may_make: &dyn Fn(BorrowedFd<'_>) -> Result<bool, Errno>,
) -> Result<OwnedFd, Errno> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut parent: Option<OwnedFd> = None;
    let mut so_far = String::new();
    for (index, part) in parts.iter().enumerate() {
        so_far.push('/');
        so_far.push_str(part);
        let next = match inside::open_at(root, so_far.as_str(), LOOK, Mode::empty()) {
            Err(Errno::NOENT) => {
                let directory = parent.as_ref().map_or(root, AsFd::as_fd);
                if !may_make(directory)? {
                    return Err(Errno::XDEV);
                }
                let last = index + 1 == parts.len();
                make_one(
                    directory,
                    part,
                    if last { wanted } else { Wanted::Directory },
                )?
            }
            answer => answer?,
        };
        parent = Some(next);
    }
    parent.ok_or(Errno::INVAL)
}

/// Makes one entry and opens it.
fn make_one(directory: BorrowedFd<'_>, name: &str, wanted: Wanted) -> Result<OwnedFd, Errno> {
    match wanted {
        Wanted::Directory => mkdirat(directory, name, Mode::from_raw_mode(0o755))?,
        Wanted::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o644))?;
        }
    }
    open_beneath(directory, name, LOOK | OFlags::NOFOLLOW, Mode::empty())
}

/// Opens or makes the directory `name` right below `root`; a link in its place is not followed.
///
/// For the mounts that isolation rests on, which must be where the app will look for them.
pub(crate) fn plain_directory(root: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    match open_beneath(root, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => make_one(root, name, Wanted::Directory),
        answer => answer,
    }
}

/// Whether a place lies in procfs, where a link of the image may lead.
pub(crate) fn is_in_proc(place: impl AsFd) -> Result<bool, Errno> {
    Ok(rustix::fs::fstatfs(place)?.f_type == PROC_SUPER_MAGIC)
}

/// Opens the directory `path` within `root` if it lies on the mount of `root` itself; `None` if it is
/// missing, no directory, or on another mount such as a volume.
pub(crate) fn own_directory(root: BorrowedFd<'_>, path: &str) -> Result<Option<OwnedFd>, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = LOOK | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the empty file `name` in `directory` in the place of a link that leads nowhere.
pub(crate) fn replace_link(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::unlinkat(directory, name, AtFlags::empty())?;
    make_one(directory, name, Wanted::File)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_is_found_or_made_outside_the_root() {
        let scratch = tempfile::tempdir().unwrap();
        let outside = scratch.path().join("outside");
        let root = scratch.path().join("root");
        std::fs::create_dir(&outside).unwrap();
        std::fs::create_dir_all(root.join("dir")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        symlink("/dir", root.join("absolute")).unwrap();
        symlink(&outside, root.join("out")).unwrap();
        symlink("../../outside", root.join("dir/up")).unwrap();
        symlink("/proc/self/cwd", root.join("magic")).unwrap();
        let fd = rustix::fs::openat(CWD, &root, LOOK, Mode::empty()).unwrap();
        let at = |path, wanted| find_or_make(fd.as_fd(), path, wanted, &|_| Ok(true)).map(drop);

        assert_eq!(at("/dir", Wanted::Directory), Ok(()));
        assert_eq!(at("/new/deep/er", Wanted::Directory), Ok(()));
        assert!(root.join("new/deep/er").is_dir());
        assert_eq!(at("/absolute/made", Wanted::File), Ok(()));
        assert!(root.join("dir/made").is_file());
        assert_eq!(at("/file", Wanted::Directory), Err(Errno::NOTDIR));
        assert_eq!(at("/dir", Wanted::File), Err(Errno::ISDIR));
        // These links lead to nothing inside, and nothing is made in their place.
        assert_eq!(at("/out/x", Wanted::Directory), Err(Errno::EXIST));
        assert_eq!(at("/dir/up", Wanted::Directory), Err(Errno::EXIST));
        assert_eq!(at("/magic/x", Wanted::File), Err(Errno::EXIST));
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        let refused = |path| find_or_make(fd.as_fd(), path, Wanted::Directory, &|_| Ok(false));
        assert_eq!(refused("/dir/none").map(drop), Err(Errno::XDEV));
        assert!(refused("/dir").is_ok());
    }

    #[test]
    fn a_plain_directory_is_no_link() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("etc", scratch.path().join("proc")).unwrap();
        let fd = rustix::fs::openat(CWD, scratch.path(), LOOK, Mode::empty()).unwrap();
        let error = plain_directory(fd.as_fd(), "proc").unwrap_err();
        assert!(matches!(error, Errno::LOOP | Errno::NOTDIR), "{error}");
        plain_directory(fd.as_fd(), "dev").unwrap();
        assert!(scratch.path().join("dev").is_dir());
    }
}
