//! Reading files that others may have put there.

use std::fs::{OpenOptions, read_dir};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Reads a regular file, of which no more than `limit` bytes.
///
/// # Errors
///
/// Those of open(2) and read(2), and one for what is no regular file: a FIFO would block for ever.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file with what is in it, or why that cannot be read.
pub type NamedFile = (PathBuf, io::Result<Vec<u8>>);

/// Reads those regular files of a directory that are `wanted`, of each no more than `limit` bytes, in no order.
///
/// # Errors
///
/// Those of reading the directory. A file that cannot be read is no hindrance for others.
pub fn read_regular_files(
    directory: &Path,
    limit: u64,
    wanted: impl Fn(&Path) -> bool,
) -> io::Result<Vec<NamedFile>> {
    let mut files = Vec::new();
    for entry in read_dir(directory)? {
        let path = entry?.path();
        if wanted(&path) {
            let bytes = read_regular(&path, limit);
            files.push((path, bytes));
        }
    }
    Ok(files)
}
