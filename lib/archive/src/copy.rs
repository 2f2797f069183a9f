//! Copying a tree of files with everything that belongs to them.

use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, Kind};

use crate::extract::Ownership;

/// How to copy.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Whose the copies are.
    pub ownership: Ownership,
}

/// A tree could not be copied. What was copied before is left.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file could not be read or its copy not be made.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, such as "create".
        action: &'static str,
        /// Path of the source.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for CopyError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Copies the file or tree `from.1`, seen from the directory `from.0`, to the new name `to.1` in `to.0`.
///
/// # Errors
///
/// [`CopyError`].
pub fn copy_tree(
    from: (BorrowedFd<'_>, &Path),
    to: (BorrowedFd<'_>, &OsStr),
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let _ = (to, options);
    Err(CopyError::File {
        action: "copy",
        path: from.1.to_owned(),
        source: io::ErrorKind::Unsupported.into(),
    })
}
