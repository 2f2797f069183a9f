//! Bringing what was written to stable storage.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, fsync, open};

/// Writes everything that is cached of the file system holding `fd` to stable storage.
///
/// One call covers any number of files and directories, which is why an image of a hundred thousand
/// files is published with one of these instead of an fsync per file. Since Linux 5.8 the call reports
/// write errors of the file system. Source: syncfs(2).
///
/// # Errors
///
/// `EIO`, `ENOSPC` or `EDQUOT` if data could not be written.
pub fn syncfs(fd: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fd)?)
}

/// Has the system begin to write what is cached of a file to the disk, and does not wait for it.
///
/// It makes nothing durable: it only lets the disk work before somebody waits for it. Where that cannot
/// be done, nothing happens. Source: sync_file_range(2).
pub fn begin_writing(fd: impl AsFd) {
    // SAFETY: the descriptor is open for the duration of the call, which touches no memory of ours.
    let _ =
        unsafe { libc::sync_file_range(fd.as_fd().as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Makes the entries of a directory (creations, renames, removals) durable.
///
/// # Errors
///
/// Those of open(2) and fsync(2).
pub fn sync_dir(path: &Path) -> io::Result<()> {
    let fd = open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(fsync(fd)?)
}
