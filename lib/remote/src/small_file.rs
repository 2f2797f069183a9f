//! Files of configuration, which are small and regular, or not read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Most bytes read of a file, and one more, so that whoever parses it can tell.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// The first [`MAX_BYTES`] + 1 bytes of the regular file at `path`.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Looked at first: opening a pipe would wait for whoever writes to it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether an error of reading means that there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
