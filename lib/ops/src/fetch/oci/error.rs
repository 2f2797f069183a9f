//! Why an OCI image does not get into the store.

use std::io;

use gantry_archive::extract::ExtractError;
use gantry_archive::layer::LayerError;
use gantry_store::StoreError;
use gantry_types::oci::{Digest, OciError, ToAciError};
use gantry_types::{Diagnostic, Kind};

use super::SourceError;

/// An OCI or Docker image could not be fetched; the store holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum OciFetchError {
    /// It cannot be had from where it should be.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document of it is wrong.
    #[error("cannot use image {image}")]
    Document {
        /// The image.
        image: String,
        /// Why.
        source: Box<OciError>,
    },
    /// Nobody vouches for it.
    #[error("cannot verify image {image}: nobody has signed it")]
    Unverified {
        /// The image.
        image: String,
    },
    /// It is for other machines than those that were asked for.
    #[error("image {image} is for {found}, not for {wanted}")]
    Platform {
        /// The image.
        image: String,
        /// What it is for.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A part has other bytes than its digest says.
    #[error("{what} of image {image} has the digest {found}, not {wanted}")]
    Digest {
        /// The image.
        image: String,
        /// The part.
        what: &'static str,
        /// What it should have.
        wanted: Digest,
        /// What it has.
        found: Digest,
    },
    /// A part is longer or shorter than its descriptor says.
    #[error("{what} {digest} of image {image} has {found} bytes, not {wanted}")]
    Size {
        /// The image.
        image: String,
        /// The part.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// What it should have.
        wanted: u64,
        /// What it has; for one that is too long, no more than was read.
        found: u64,
    },
    /// One blob should be two different layers.
    #[error("image {image} has layer {digest} twice, with different contents")]
    TwoContents {
        /// The image.
        image: String,
        /// The layer.
        digest: Digest,
    },
    /// A blob cannot be read.
    #[error("cannot read {digest} of image {image}")]
    Read {
        /// The image.
        image: String,
        /// The blob.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// A layer cannot be extracted.
    #[error("cannot extract layer {digest} of image {image}")]
    Extract {
        /// The image.
        image: String,
        /// The layer.
        digest: Digest,
        /// Why.
        source: Box<ExtractError>,
    },
    /// A layer does not fit those below it.
    #[error("cannot put layer {digest} of image {image} over those below it")]
    Layer {
        /// The image.
        image: String,
        /// The layer.
        digest: Digest,
        /// Why.
        source: Box<LayerError>,
    },
    /// It says something that has no place in a pod.
    #[error("cannot use image {image}")]
    Convert {
        /// The image.
        image: String,
        /// Why.
        source: ToAciError,
    },
}

impl OciFetchError {
    /// Whether what came of a blob may still be good.
    pub(super) fn spares_data(&self) -> bool {
        match self {
            Self::Source(SourceError::Remote { .. }) | Self::Store(_) | Self::Read { .. } => true,
            Self::Extract { source, .. } => source.kind() == Kind::Environment,
            _ => false,
        }
    }
}

impl Diagnostic for OciFetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Source(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Document { source, .. } => source.kind(),
            Self::Extract { source, .. } => source.kind(),
            Self::Layer { source, .. } => source.kind(),
            Self::Read { .. } => Kind::Environment,
            Self::Platform { .. } => Kind::Usage,
            Self::Unverified { .. }
            | Self::Digest { .. }
            | Self::Size { .. }
            | Self::TwoContents { .. }
            | Self::Convert { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Document { source, .. } => source.hint(),
            Self::Extract { source, .. } => source.hint(),
            Self::Layer { source, .. } => source.hint(),
            Self::Unverified { .. } => {
                Some("if you trust where it comes from, waive the check: --insecure-options=image".to_owned())
            }
            Self::Platform { found, .. } => Some(format!("ask for it: --platform={found}")),
            Self::Digest { .. } | Self::Size { .. } => Some(
                "it was damaged or exchanged on the way or where it lies; fetch it from another place"
                    .to_owned(),
            ),
            Self::TwoContents { .. } | Self::Read { .. } | Self::Convert { .. } => None,
        }
    }
}
