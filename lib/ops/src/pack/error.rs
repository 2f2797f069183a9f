//! Why a layout does not become an image.

use std::io;
use std::path::PathBuf;

use gantry_archive::write::WriteError;
use gantry_types::{Diagnostic, Kind, ManifestError};

use crate::room::is_full;
use crate::validate::LayoutError;

/// An image file could not be made of a layout. The words are those of the original tool.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file is not called what an image is called.
    #[error("Extension must be .aci (given {extension})")]
    Extension {
        /// What its name ends in.
        extension: String,
    },
    /// The directory is no valid layout.
    #[error("Layout failed validation")]
    Layout {
        /// Why.
        source: LayoutError,
    },
    /// The file exists, and nobody said that it may be replaced.
    #[error("Target file exists (try --overwrite)")]
    Exists,
    /// The file cannot be made.
    #[error("Unable to open target {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file would lie in the layout that it is made of.
    #[error("Unable to open target {}: it lies within {}", path.display(), directory.display())]
    Inside {
        /// The file.
        path: PathBuf,
        /// The layout.
        directory: PathBuf,
    },
    /// The manifest cannot be read.
    #[error("Unable to read Image Manifest")]
    ReadManifest {
        /// Why.
        source: io::Error,
    },
    /// The manifest is not valid any more.
    #[error("Unable to load Image Manifest")]
    LoadManifest {
        /// Why.
        source: ManifestError,
    },
    /// The root file system cannot be read.
    #[error("Error walking rootfs")]
    Walk {
        /// Why.
        source: WriteError,
    },
    /// The image cannot be written.
    #[error("Unable to write image {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The complete image cannot be brought to stable storage under its name.
    #[error("Unable to close image {}", path.display())]
    Close {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for PackError {
    fn kind(&self) -> Kind {
        match self {
            Self::Extension { .. } | Self::Exists | Self::Inside { .. } => Kind::Usage,
            Self::Layout { .. } | Self::LoadManifest { .. } => Kind::Refused,
            Self::Walk { source } => source.kind(),
            Self::Open { .. }
            | Self::ReadManifest { .. }
            | Self::Write { .. }
            | Self::Close { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Inside { .. } => {
                Some("write it elsewhere: it would become part of itself".into())
            }
            Self::Walk { source } => match source {
                WriteError::File { source, .. }
                    if source.kind() == io::ErrorKind::PermissionDenied =>
                {
                    Some("run the command as a user who may read every file".into())
                }
                WriteError::Changed { .. } => {
                    Some("try again when nothing writes to the directory".into())
                }
                source => source.hint(),
            },
            Self::Open { source, .. } | Self::Write { source, .. } | Self::Close { source, .. }
                if is_full(source) =>
            {
                Some("make room on its file system, or write elsewhere".into())
            }
            _ => None,
        }
    }
}
