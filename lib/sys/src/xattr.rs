//! Extended attributes of files that may be symbolic links, devices or FIFOs.
//!
//! Regular files and directories are reached through their descriptor. Other kinds cannot be opened
//! without side effects, so they are reached by name in their directory; the directory is given by
//! descriptor, through `/proc/self/fd`, because no kernel before 6.13 has the calls relative to one.

use std::ffi::{CStr, CString, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::XattrFlags;
use rustix::io::{Errno, Result};

/// How often a list or value that grew between two calls is read again.
const GROWTH_ATTEMPTS: u32 = 8;

/// The file whose extended attributes are meant.
#[derive(Debug, Clone, Copy)]
pub enum XattrTarget<'a> {
    /// An open regular file or directory (not opened with `O_PATH`).
    Open(BorrowedFd<'a>),
    /// The entry of this name in this directory; a symbolic link stands for itself. Needs /proc.
    Named(BorrowedFd<'a>, &'a [u8]),
}

impl XattrTarget<'_> {
    fn path(directory: BorrowedFd<'_>, name: &[u8]) -> PathBuf {
        let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        PathBuf::from(OsString::from_vec(path))
    }
}

/// Names of all extended attributes, sorted by byte; empty where the file system has none.
///
/// # Errors
///
/// Those of listxattr(2), except `EOPNOTSUPP`.
pub fn list(target: XattrTarget<'_>) -> Result<Vec<CString>> {
    let named = |directory, name| XattrTarget::path(directory, name);
    let query = || match target {
        XattrTarget::Open(fd) => rustix::fs::flistxattr_query(fd),
        XattrTarget::Named(directory, name) => rustix::fs::llistxattr_query(named(directory, name)),
    };
    let read = |buffer: &mut [u8]| match target {
        XattrTarget::Open(fd) => rustix::fs::flistxattr(fd, buffer),
        XattrTarget::Named(directory, name) => {
            rustix::fs::llistxattr(named(directory, name), buffer)
        }
    };
    let bytes = match read_growing(query, read) {
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        answer => answer?,
    };
    let mut names: Vec<CString> = bytes
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
        .filter(|name| !name.is_empty())
        .map(CStr::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

/// Value of one extended attribute.
///
/// # Errors
///
/// Those of getxattr(2); `ENODATA` if there is none of this name.
pub fn get(target: XattrTarget<'_>, attribute: &CStr) -> Result<Vec<u8>> {
    let named = |directory, name| XattrTarget::path(directory, name);
    let query = || match target {
        XattrTarget::Open(fd) => rustix::fs::fgetxattr_query(fd, attribute),
        XattrTarget::Named(directory, name) => {
            rustix::fs::lgetxattr_query(named(directory, name), attribute)
        }
    };
    let read = |buffer: &mut [u8]| match target {
        XattrTarget::Open(fd) => rustix::fs::fgetxattr(fd, attribute, buffer),
        XattrTarget::Named(directory, name) => {
            rustix::fs::lgetxattr(named(directory, name), attribute, buffer)
        }
    };
    read_growing(query, read)
}

/// Creates or replaces one extended attribute.
///
/// # Errors
///
/// Those of setxattr(2): `EOPNOTSUPP` where the file system has no such attributes, `EPERM` for `user.*`
/// on anything but files and directories or for `security.*` and `trusted.*` without the capability.
pub fn set(target: XattrTarget<'_>, attribute: &CStr, value: &[u8]) -> Result<()> {
    let flags = XattrFlags::empty();
    match target {
        XattrTarget::Open(fd) => rustix::fs::fsetxattr(fd, attribute, value, flags),
        XattrTarget::Named(directory, name) => {
            rustix::fs::lsetxattr(XattrTarget::path(directory, name), attribute, value, flags)
        }
    }
}

/// Asks for the length, then for the bytes, again if they grew in between.
///
/// Most files have no attributes: the first call alone answers for them.
/// Removes an extended attribute.
///
/// # Errors
///
/// `NODATA` if the file has no such attribute, and those of [`set`].
pub fn remove(target: XattrTarget<'_>, attribute: &CStr) -> Result<()> {
    match target {
        XattrTarget::Open(fd) => rustix::fs::fremovexattr(fd, attribute),
        XattrTarget::Named(directory, name) => {
            rustix::fs::lremovexattr(XattrTarget::path(directory, name), attribute)
        }
    }
}

fn read_growing(
    query: impl Fn() -> Result<usize>,
    read: impl Fn(&mut [u8]) -> Result<usize>,
) -> Result<Vec<u8>> {
    for _ in 0..GROWTH_ATTEMPTS {
        let length = query()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let mut buffer = vec![0; length];
        match read(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};

    #[test]
    fn attributes_of_a_file_are_set_listed_in_order_and_read() {
        let path = std::env::temp_dir().join(format!("gantry-xattr-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let file =
            rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let target = XattrTarget::Open(file.as_fd());
        match set(target, c"user.b", b"second") {
            Err(Errno::OPNOTSUPP) => {
                eprintln!(
                    "skipped: no user attributes on {}",
                    std::env::temp_dir().display()
                );
                return;
            }
            answer => answer.unwrap(),
        }
        set(target, c"user.a", b"").unwrap();
        let names: Vec<_> = list(target)
            .unwrap()
            .into_iter()
            .filter(|name| name.to_bytes().starts_with(b"user."))
            .collect();
        assert_eq!(names, [c"user.a".to_owned(), c"user.b".to_owned()]);
        assert_eq!(get(target, c"user.b").unwrap(), b"second");
        assert_eq!(get(target, c"user.a").unwrap(), b"");
        assert_eq!(get(target, c"user.c"), Err(Errno::NODATA));
        remove(target, c"user.a").unwrap();
        assert_eq!(remove(target, c"user.a"), Err(Errno::NODATA));
    }

    #[test]
    fn a_named_symbolic_link_stands_for_itself() {
        let directory = std::env::temp_dir().join(format!("gantry-xattr-l-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::os::unix::fs::symlink("/nonexistent", directory.join("link")).unwrap();
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&directory, flags, Mode::empty()).unwrap();
        assert!(list(XattrTarget::Named(fd.as_fd(), b"link")).is_ok());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
