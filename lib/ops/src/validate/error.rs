//! Why something is not valid, or cannot be looked at.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use gantry_archive::aci::AciError;
use gantry_archive::compress::DecodeError;
use gantry_types::{AcKind, Diagnostic, Kind, ManifestError};

use super::LayoutError;

/// Something is not valid, or cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// It cannot be opened.
    #[error("unable to access {}", path.display())]
    Access {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is there and cannot be read.
    #[error("{}: unable to open", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory was taken for something else.
    #[error("{} is a directory (wrong --type?)", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// It is neither an image nor text.
    #[error("{}: unable to detect filetype (try --type)", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be decompressed.
    #[error("{}: error decompressing file", path.display())]
    Decompress {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// It is no valid image.
    #[error("{}: error validating", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AciError,
    },
    /// It is no valid layout.
    #[error("{}: invalid image layout", path.display())]
    Layout {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: LayoutError,
    },
    /// It is no manifest at all.
    #[error("{}: error unmarshaling manifest", path.display())]
    Unmarshal {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// It is no valid manifest of its kind.
    #[error("{}: invalid {kind}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        kind: AcKind,
        /// Why.
        source: ManifestError,
    },
}

impl ValidateError {
    /// Whether later files are not looked at any more.
    ///
    /// What was looked at and found wanting never stops. Source: actool, validate.go.
    pub fn stops(&self) -> bool {
        !matches!(
            self,
            Self::Image { .. } | Self::Layout { .. } | Self::Manifest { .. }
        )
    }

    /// The message with every cause, outermost first.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl Diagnostic for ValidateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Access { .. } | Self::Open { .. } => Kind::Environment,
            Self::Directory { .. } | Self::Unknown { .. } => Kind::Usage,
            _ => Kind::Refused,
        }
    }
}
