//! Small files of a pod directory, read and written beneath its descriptor.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Largest file read from a pod directory, in bytes.
///
/// Everything in there is written by us or by a stage1; the largest is a pod manifest, and the image
/// manifests it is made of are limited to 4 MiB each by their readers.
pub(crate) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Opens a directory without following a symbolic link in its last component.
pub(crate) fn open_dir(at: BorrowedFd<'_>, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

/// Opens a directory that the administrator chose, who may have put a link there.
pub(crate) fn open_dir_following(at: BorrowedFd<'_>, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

/// Makes a directory with exactly this mode, whatever the process's umask is.
pub(crate) fn make_dir(at: BorrowedFd<'_>, name: &Path, mode: u32) -> io::Result<()> {
    rustix::fs::mkdirat(at, name, Mode::from_raw_mode(mode))?;
    // Beneath a directory that only we can write, so nobody can put a link here in between.
    Ok(rustix::fs::chmodat(
        at,
        name,
        Mode::from_raw_mode(mode),
        AtFlags::empty(),
    )?)
}

/// Makes a directory unless it is there already.
pub(crate) fn ensure_dir(at: BorrowedFd<'_>, name: &Path, mode: u32) -> io::Result<()> {
    match make_dir(at, name, mode) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Writes a new file with exactly this mode. It must not exist.
pub(crate) fn create(
    at: BorrowedFd<'_>,
    name: &Path,
    mode: u32,
    contents: &[u8],
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(at, name, flags, Mode::from_raw_mode(mode))?;
    rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode))?;
    if !contents.is_empty() {
        File::from(fd).write_all(contents)?;
    }
    Ok(())
}

/// Opens a regular file beneath `at` for reading; `None` if it is missing.
pub(crate) fn open(at: BorrowedFd<'_>, name: impl rustix::path::Arg) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let file = match rustix::fs::openat2(at, name, flags, Mode::empty(), resolve) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    if file.metadata()?.is_file() {
        Ok(Some(file))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not a regular file",
        ))
    }
}

/// Reads a regular file beneath `at`; `None` if it is missing.
///
/// A pod directory holds trees that apps could write, so no component may be a symbolic link and
/// nothing but a regular file is read: a FIFO would block for ever.
pub(crate) fn read(
    at: BorrowedFd<'_>,
    name: impl rustix::path::Arg,
) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(at, name)? else {
        return Ok(None);
    };
    let meta = file.metadata()?;
    if meta.len() >= MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "file is too large",
        ));
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut bytes = vec![0; size + 1];
    let read = (&file).read(&mut bytes)?;
    bytes.truncate(read);
    // A regular file of this size gives all of it in one go, unless somebody is writing to it.
    if read != size {
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(Some(bytes))
}

/// The modification time of an entry, in nanoseconds since 1970; `None` if it is missing.
pub(crate) fn mtime_ns(
    at: BorrowedFd<'_>,
    name: impl rustix::path::Arg,
) -> io::Result<Option<i64>> {
    match rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(st) => Ok(Some(nanoseconds(
            st.st_mtime,
            st.st_mtime_nsec.cast_signed(),
        ))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Seconds and nanoseconds as nanoseconds; what does not fit is cut to what does.
pub(crate) fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// The names in a directory, without `.` and `..`, unsorted.
pub(crate) fn names(dir: impl AsFd) -> io::Result<Vec<std::ffi::CString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_get_their_exact_mode_and_only_plain_ones_are_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let dir = open_dir(rustix::fs::CWD, temp.path()).unwrap();
        create(dir.as_fd(), Path::new("f"), 0o640, b"hi").unwrap();
        let mode = std::fs::metadata(temp.path().join("f"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o640);
        assert_eq!(read(dir.as_fd(), "f").unwrap().as_deref(), Some(&b"hi"[..]));
        assert_eq!(read(dir.as_fd(), "missing").unwrap(), None);
        std::os::unix::fs::symlink("f", temp.path().join("link")).unwrap();
        assert!(read(dir.as_fd(), "link").is_err());
        assert!(read(dir.as_fd(), "../f").is_err());
        rustix::fs::mkfifoat(&dir, "fifo", Mode::from_raw_mode(0o600)).unwrap();
        assert!(read(dir.as_fd(), "fifo").is_err());
        assert!(create(dir.as_fd(), Path::new("f"), 0o640, b"").is_err());
    }
}
