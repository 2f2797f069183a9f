//! Why nothing can be told of an image.

use std::io;
use std::path::PathBuf;

use gantry_archive::list::ListTreeError;
use gantry_trust::{PublicKeyError, SignatureError};
use gantry_types::{Diagnostic, Kind, ManifestError};

use crate::validate::{AciError, LayoutError};

/// Nothing can be told of an image, or what was given beside it is of no use.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// A file cannot be opened or read.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image is no archive at all, or a dependency no image.
    #[error("cannot read image {}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Why.
        source: AciError,
    },
    /// The manifest of a dependency is not valid.
    #[error("the manifest of {} is not valid", path.display())]
    Manifest {
        /// The image.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// A directory is no image layout.
    #[error("invalid image layout {}", path.display())]
    Layout {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: LayoutError,
    },
    /// The files of a layout cannot be read.
    #[error("cannot read image layout {}", path.display())]
    Tree {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: ListTreeError,
    },
    /// A signature file that was named is none.
    #[error("cannot read signature {}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SignatureError,
    },
    /// A key file is none.
    #[error("cannot read key {}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PublicKeyError,
    },
}

impl Diagnostic for InspectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Open { .. } => Kind::Environment,
            Self::Image { source, .. } => source.kind(),
            Self::Manifest { source, .. } => source.kind(),
            Self::Layout { .. } => Kind::Refused,
            Self::Tree { source, .. } => source.kind(),
            Self::Signature { source, .. } => source.kind(),
            Self::Key { source, .. } => source.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Open { .. } => None,
            Self::Image { source, .. } => source.hint(),
            Self::Manifest { source, .. } => source.hint(),
            Self::Layout { .. } => {
                Some("a layout is a directory with `manifest` and `rootfs`".to_owned())
            }
            Self::Tree { source, .. } => source.hint(),
            Self::Signature { source, .. } => source.hint(),
            Self::Key { source, .. } => source.hint(),
        }
    }
}
