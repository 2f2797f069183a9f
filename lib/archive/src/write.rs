//! Writing an image: the same tree gives the same bytes.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use gantry_types::{Diagnostic, ImageId, Kind};

use crate::compress::Compression;

/// Whose files the image says they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// As on disk.
    #[default]
    Keep,
    /// User and group 0, all of them.
    Root,
    /// The given user and group become 0, others stay: what a user without root owns, root owns in the
    /// image.
    MapUserToRoot {
        /// User that becomes 0.
        uid: u32,
        /// Group that becomes 0.
        gid: u32,
    },
}

/// How to write an image.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Compression of the file.
    pub compression: Compression,
    /// Whose the files are.
    pub owner: Owner,
    /// Seconds since 1970: later times are set back to it, and it is the manifest's own. Without it the
    /// manifest's time is the latest in the tree. Source: reproducible-builds.org, `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<i64>,
}

/// An image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file of the tree could not be read.
    #[error("cannot {action} rootfs/{}", path.display())]
    File {
        /// What was tried, such as "open".
        action: &'static str,
        /// Path beneath the root directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file's size differs from what it was a moment before.
    #[error("rootfs/{} changed while it was read", path.display())]
    Changed {
        /// Path beneath the root directory.
        path: PathBuf,
    },
    /// The image file could not be written.
    #[error("cannot write the image")]
    Output {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for WriteError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Writes an image of the tree beneath `rootfs` with the given manifest, and gives its ID.
///
/// # Errors
///
/// [`WriteError`].
pub fn write_aci(
    manifest_json: &[u8],
    rootfs: BorrowedFd<'_>,
    out: impl Write,
    options: &WriteOptions,
) -> Result<ImageId, WriteError> {
    let _ = (manifest_json, rootfs, out, options);
    Err(WriteError::Output {
        source: io::ErrorKind::Unsupported.into(),
    })
}
