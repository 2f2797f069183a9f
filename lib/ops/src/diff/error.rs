//! Why two images cannot be compared.

use std::io;
use std::path::PathBuf;

use gantry_archive::list::ListTreeError;
use gantry_types::{Diagnostic, Kind, ManifestError};

use crate::validate::{AciError, LayoutError};

/// Two images cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The image.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One is no valid image, or cannot be read.
    #[error("cannot read image {}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Why.
        source: AciError,
    },
    /// One is no valid image layout.
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
    /// The manifest of one is no JSON.
    #[error("the manifest of {} cannot be compared", path.display())]
    Manifest {
        /// The image.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
}

impl Diagnostic for DiffError {
    fn kind(&self) -> Kind {
        match self {
            Self::Open { .. } => Kind::Environment,
            Self::Image { source, .. } => source.kind(),
            Self::Layout { .. } => Kind::Refused,
            Self::Tree { source, .. } => source.kind(),
            Self::Manifest { source, .. } => source.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Open { .. } => None,
            Self::Image { source, .. } => source
                .hint()
                .or_else(|| Some("`actool inspect` tells all that is wrong with it".to_owned())),
            Self::Layout { .. } => {
                Some("a layout is a directory with `manifest` and `rootfs`".to_owned())
            }
            Self::Tree { source, .. } => source.hint(),
            Self::Manifest { source, .. } => source
                .hint()
                .or_else(|| Some("compare the files alone with --files-only".to_owned())),
        }
    }
}
