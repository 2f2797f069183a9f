//! Why a document of an OCI or Docker image cannot be taken.

use crate::diagnostic::{Diagnostic, Kind};
use crate::manifest_error::ManifestError;

/// A document of an image cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The text is no JSON, or a value in it is wrong.
    #[error(transparent)]
    Json(#[from] ManifestError),
    /// It is a manifest and an index at once, so that two readers see two images. Source: CVE-2021-41190.
    #[error("the document has both {first:?} and {second:?}, so it could be read as two things")]
    Ambiguous {
        /// A key of a manifest.
        first: &'static str,
        /// A key of an index.
        second: &'static str,
    },
    /// It is neither a manifest nor an index.
    #[error("the document is neither an image manifest nor an index")]
    Neither,
    /// It came as one thing and says to be another.
    #[error("the document came as {declared}, but is {found}")]
    MediaType {
        /// What the registry or the descriptor said.
        declared: String,
        /// What the document says or is.
        found: String,
    },
    /// A manifest of Docker's schema 1.
    #[error("the image has a manifest of Docker's schema 1, which nothing protects")]
    Schema1,
    /// A manifest of something else than an image that can be run.
    #[error("the manifest is that of {found}, not of an image")]
    Artifact {
        /// The type of the configuration or the artifact.
        found: String,
    },
    /// No image of an index is for the wanted platform.
    #[error("no image for {wanted} among: {}", offered.join(", "))]
    Platform {
        /// The platform.
        wanted: String,
        /// The platforms that there are images for.
        offered: Vec<String>,
    },
    /// Manifest and configuration do not count the same layers.
    #[error("the manifest has {layers} layers, but its configuration {diff_ids} digests of layers")]
    LayerCount {
        /// Layers of the manifest.
        layers: usize,
        /// Digests in the configuration.
        diff_ids: usize,
    },
}

impl Diagnostic for OciError {
    fn kind(&self) -> Kind {
        match self {
            Self::Platform { .. } => Kind::Usage,
            _ => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Json(error) => error.hint(),
            Self::Schema1 => Some(
                "push the image again with a current tool, or convert it: skopeo copy --format v2s2".to_owned(),
            ),
            Self::Platform { .. } => Some("choose one of them with --platform OS/ARCH[/VARIANT]".to_owned()),
            _ => None,
        }
    }
}
