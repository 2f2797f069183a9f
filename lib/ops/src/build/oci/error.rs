//! What can go wrong with a build of an OCI image.

use std::io;
use std::path::PathBuf;

use gantry_archive::layer::LayerError;
use gantry_archive::snapshot::SnapshotError;
use gantry_archive::write as archive;
use gantry_types::oci::OciError;
use gantry_types::{Diagnostic, Kind};

use super::super::begin::BeginError;
use super::super::error::OpenError;
use crate::room::is_full;

/// An OCI image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum OciBuildError {
    /// The build could not be opened, read or saved.
    #[error(transparent)]
    Build(#[from] OpenError),
    /// The build makes an App Container image.
    #[error("this is a build of an App Container image")]
    WrongMode,
    /// OCI images do not have this.
    #[error("{what} only supported in appc builds")]
    AppcOnly {
        /// What it is.
        what: &'static str,
    },
    /// OCI images do not have this in that form.
    #[error("oci build mode does not support {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// What shall be removed is not there.
    #[error("no {what} {name:?} to remove")]
    Absent {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What shall be added is there already.
    #[error("{what} with name {name:?} already exists")]
    Exists {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A value cannot stand where it should.
    #[error("{what}")]
    Value {
        /// What is wrong.
        what: String,
    },
    /// A file of the build is missing or was changed by hand.
    #[error(".acbuild/currentaci/{what} is missing or damaged")]
    Damaged {
        /// The file.
        what: String,
    },
    /// A document of the image is not one.
    #[error("{what} is not valid")]
    Document {
        /// Which.
        what: String,
        /// Why.
        source: Box<OciError>,
    },
    /// What has changed in the image could not be found out.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The layers of an image could not be made one tree.
    #[error(transparent)]
    Flatten(Box<LayerError>),
    /// A layer could not be made.
    #[error(transparent)]
    Layer(#[from] archive::WriteError),
    /// It is no archive of one OCI image.
    #[error("{} is no archive of an OCI image: {why}", path.display())]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// An archive could not be taken apart.
    #[error(transparent)]
    Begin(Box<BeginError>),
    /// There is something under the name of what is to be written.
    #[error("image already exists: {}", path.display())]
    Occupied {
        /// The file or directory.
        path: PathBuf,
    },
    /// What is to be replaced is no such image.
    #[error("{} is not an OCI layout, and is not replaced", path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
    },
    /// The image could not be written.
    #[error("cannot write {}", path.display())]
    Target {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for OciBuildError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Layer(error) => error.kind(),
            Self::Begin(error) => error.kind(),
            Self::Flatten(error) => error.kind(),
            Self::Snapshot(_) | Self::Target { .. } | Self::Damaged { .. } => Kind::Environment,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Layer(error) => error.hint(),
            Self::Begin(error) => error.hint(),
            Self::Flatten(error) => error.hint(),
            Self::Occupied { .. } => Some("--overwrite replaces it".into()),
            Self::Damaged { .. } => Some("start over with \"acbuild end\"".into()),
            Self::Target { source, .. } if is_full(source) => {
                Some("make room on its file system, or write elsewhere".into())
            }
            _ => None,
        }
    }
}
