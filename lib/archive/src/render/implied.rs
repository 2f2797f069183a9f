//! The file `implied` of a tree: directories that no entry of the image named.
//!
//! A directory of that kind has no attributes of its own, so where images are laid over each other it has
//! those of the next image that does name it. In the tree it looks like any other. The file holds one path
//! beneath `rootfs` after the other, each with a NUL at its end, and is missing where there is none.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags};

use super::{ImageTree, RenderError};

const NAME: &str = "implied";

/// Largest file read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Notes the directories of an extracted image that no entry named, in its tree.
///
/// # Errors
///
/// Those of writing a new file.
pub fn write_implied(tree: BorrowedFd<'_>, directories: &[Vec<u8>]) -> io::Result<()> {
    if directories.is_empty() {
        return Ok(());
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(tree, NAME, flags, Mode::from_raw_mode(0o644))?;
    let mut text = directories.join(&b'\0');
    text.push(b'\0');
    File::from(file).write_all(&text)
}

/// The directories noted in a tree.
pub(super) fn read_implied(tree: &ImageTree) -> Result<HashSet<Vec<u8>>, RenderError> {
    let text = tree.read(NAME, MAX_BYTES)?.unwrap_or_default();
    let paths = text.split(|byte| *byte == b'\0');
    Ok(paths
        .filter(|path| !path.is_empty())
        .map(<[u8]>::to_owned)
        .collect())
}
