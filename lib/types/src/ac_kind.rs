//! What a manifest is of.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::text::text_type;

/// The kind of a manifest, its `acKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcKind {
    /// The manifest of one image.
    ImageManifest,
    /// The manifest of a pod.
    PodManifest,
}

/// A manifest has no kind, an unknown one or not the one wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcKindError {
    /// No kind is given.
    #[error("ACKind must be set")]
    Unset,
    /// The kind does not exist.
    #[error("bad ACKind: {0}")]
    Unknown(String),
    /// The document is of another kind.
    #[error("missing or bad ACKind (must be \"{wanted}\")")]
    Wrong {
        /// The kind that the reader expects.
        wanted: AcKind,
    },
}
usage_errors!(AcKindError);

impl AcKind {
    /// The kind as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageManifest => "ImageManifest",
            Self::PodManifest => "PodManifest",
        }
    }
}

impl FromStr for AcKind {
    type Err = AcKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ImageManifest" => Ok(Self::ImageManifest),
            "PodManifest" => Ok(Self::PodManifest),
            "" => Err(AcKindError::Unset),
            other => Err(AcKindError::Unknown(other.to_owned())),
        }
    }
}

impl fmt::Display for AcKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_type!(AcKind);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_kinds() {
        // Source: appc spec, schema/types/ackind.go.
        for kind in [AcKind::ImageManifest, AcKind::PodManifest] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let table = [
            ("", "ACKind must be set"),
            ("imageManifest", "bad ACKind: imageManifest"),
            ("ImageManifest ", "bad ACKind: ImageManifest "),
        ];
        for (text, message) in table {
            assert_eq!(text.parse::<AcKind>().unwrap_err().to_string(), message);
        }
        assert_eq!(
            AcKindError::Wrong {
                wanted: AcKind::ImageManifest
            }
            .to_string(),
            "missing or bad ACKind (must be \"ImageManifest\")"
        );
    }
}
