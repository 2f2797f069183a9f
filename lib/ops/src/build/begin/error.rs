//! Why a build could not be started.

use std::io;
use std::path::PathBuf;

use gantry_archive::{copy, extract};
use gantry_types::{Diagnostic, Kind, ManifestError};

use super::{OciBuildError, OpenError};

/// A build could not be started. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// There is a build already; commands can just go on with it.
    #[error("build already in progress in this working dir")]
    InProgress,
    /// The file to start with does not exist.
    #[error("no such file or directory: {}", path.display())]
    NotFound {
        /// The file or directory.
        path: PathBuf,
    },
    /// What to start with is neither a file nor a directory.
    #[error("{} is neither a file nor a directory", path.display())]
    NotAFile {
        /// The file or directory.
        path: PathBuf,
    },
    /// What to start with could not be opened.
    #[error("cannot open {}", path.display())]
    Source {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory to start with holds the build, which would be copied into itself.
    #[error("{} holds the build itself", path.display())]
    HoldsBuild {
        /// The file or directory.
        path: PathBuf,
    },
    /// The file to start with could not be extracted.
    #[error("cannot extract {}", path.display())]
    Extract {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: extract::ExtractError,
    },
    /// The manifest of the image to start with is not valid.
    #[error("the manifest of {} is not valid", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// The directory to start with could not be copied.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: copy::CopyError,
    },
    /// The image depends on others, which an OCI image cannot.
    #[error("{} depends on other images, which an OCI image cannot", path.display())]
    Dependencies {
        /// The file.
        path: PathBuf,
    },
    /// The files of an OCI image could not be made.
    #[error(transparent)]
    Oci(#[from] OciBuildError),
    /// The working directory could not be used.
    #[error(transparent)]
    Build(#[from] OpenError),
}

impl Diagnostic for BeginError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Oci(error) => error.kind(),
            Self::Extract { source, .. } => source.kind(),
            Self::Copy { source, .. } => source.kind(),
            Self::Source { .. } => Kind::Environment,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::InProgress => Some("go on with it, or remove it with \"acbuild end\"".into()),
            Self::HoldsBuild { .. } => Some("put the build elsewhere with --work-path DIR".into()),
            Self::Build(error) => error.hint(),
            Self::Oci(error) => error.hint(),
            Self::Dependencies { .. } => {
                Some("render it first: \"rkt image render\" makes a directory to begin with".into())
            }
            Self::Extract { source, .. } => source.hint(),
            Self::Copy { source, .. } => source.hint(),
            _ => None,
        }
    }
}
