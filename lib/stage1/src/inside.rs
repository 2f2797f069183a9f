//! Files of an image, looked up with the image's root as the process's root.
//!
//! The root of the process alone does not confine a look-up: a link of the image to
//! `/proc/self/fd/N` would lead to whatever this process has open, outside (CVE-2024-21626). Such
//! links are therefore never followed.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::path::Arg;

/// How often a look-up is repeated that raced with a rename.
const RACE_ATTEMPTS: u32 = 128;

/// Opens `path` within `root`: symbolic links are followed, as if `root` were `/`.
pub(crate) fn open_at(
    root: impl AsFd,
    path: impl Arg,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let root = root.as_fd();
    path.into_with_c_str(|path| {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..RACE_ATTEMPTS {
            match rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    })
}

/// Opens an absolute path within the root of this process.
pub(crate) fn open(path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let root = rustix::fs::openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    open_at(root, path, flags, Mode::empty())
}

/// Reads a whole file; `None` if it is not a regular file of at most `limit` bytes.
pub(crate) fn read_small(path: &str, limit: u64) -> Result<Option<Vec<u8>>, Errno> {
    // A FIFO must not block, nor a terminal become ours.
    let file = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
    let stat = rustix::fs::fstat(&file)?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let Some(size) = u64::try_from(stat.st_size)
        .ok()
        .filter(|size| regular && *size <= limit)
    else {
        return Ok(None);
    };
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::FBIG)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::read(&file, &mut bytes[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    bytes.truncate(filled);
    Ok(Some(bytes))
}
