//! Where OCI and Docker images come from.

use std::error::Error;
use std::io::{self, Read};
use std::path::PathBuf;

use gantry_types::oci::{Descriptor, Digest, MediaType, OciError};
use gantry_types::{Diagnostic, Kind};

/// A place that holds one image, or several for different platforms: a registry with a reference, a directory, an
/// archive.
///
/// Nothing that it gives is trusted: whoever asks compares digests and sizes. Several threads read blobs at once.
pub trait ImageSource: Sync {
    /// What the reference leads to: a manifest or an index.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    fn root(&self) -> Result<Root, SourceError>;

    /// The bytes of a manifest or an index that another index names; not more than its size.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError>;

    /// Opens a blob at its byte `from`; the reader itself goes on after what can be mended, such as a connection
    /// that was cut.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    fn blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError>;

    /// Whether to keep what came of a blob that could not be read to its end, so that the next try goes on there.
    fn is_remote(&self) -> bool;

    /// In how many places a blob may be. When it is opened again, because its bytes were wrong, it is at the next one.
    fn places(&self) -> usize {
        1
    }
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// A manifest or an index.
    pub bytes: Vec<u8>,
    /// Of what type it came.
    pub media_type: Option<MediaType>,
    /// The digest that it must have, if the reference or the place says.
    pub digest: Option<Digest>,
}

/// A place does not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is no {format}: {reason}", path.display())]
    Format {
        /// The file or directory.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// A document in it is wrong.
    #[error("{} is no {format}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// Why it is not.
        source: Box<OciError>,
    },
    /// There is no such image.
    #[error("{place} has no image {wanted:?}")]
    NoImage {
        /// The place.
        place: String,
        /// The name that was asked for.
        wanted: String,
        /// The names that there are.
        offered: Vec<String>,
    },
    /// No name was given, and there are several images.
    #[error("{place} has several images")]
    Several {
        /// The place.
        place: String,
        /// Their names.
        offered: Vec<String>,
    },
    /// Something that a document names is not there.
    #[error("{place} does not have {digest}")]
    NoBlob {
        /// The place.
        place: String,
        /// The digest.
        digest: Digest,
    },
    /// A registry does not give it.
    #[error("cannot fetch from {place}")]
    Remote {
        /// The registry or the image.
        place: String,
        /// Who can mend it.
        kind: Kind,
        /// What to try next.
        hint: Option<String>,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Diagnostic for SourceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::Environment,
            Self::NoImage { .. } | Self::Several { .. } => Kind::Usage,
            Self::Format { .. } | Self::Document { .. } | Self::NoBlob { .. } => Kind::Refused,
            Self::Remote { kind, .. } => *kind,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoImage { offered, .. } | Self::Several { offered, .. }
                if !offered.is_empty() =>
            {
                Some(format!("it has: {}", offered.join(", ")))
            }
            Self::Document { source, .. } => source.hint(),
            Self::Remote { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}
