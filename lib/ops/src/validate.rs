//! Checking images, image layouts and manifests, and reading the manifest of an image.

mod error;
mod input;
mod report;
mod rules;
#[cfg(test)]
mod table;

use std::io::Read;
use std::path::Path;

use gantry_archive::aci;
pub use gantry_archive::aci::AciError;
use gantry_types::{AcKind, ImageManifest, PodManifest, kind_of};

pub use crate::layout::LayoutError;
use crate::layout::LayoutParts;
pub use error::ValidateError;
use input::{Source, Target};
pub use report::{Report, ReportFinding, report};
pub use rules::RULES;

/// What a file or directory is, or is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An image file.
    Image,
    /// A directory with `manifest` and `rootfs`.
    Layout,
    /// A manifest by itself, of an image or a pod.
    Manifest,
}

/// A valid thing, and how `actool` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    /// An image file.
    Image,
    /// An image layout.
    Layout,
    /// A manifest of this kind.
    Manifest(AcKind),
}

impl Valid {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "app container image",
            Self::Layout => "image layout",
            Self::Manifest(AcKind::ImageManifest) => "ImageManifest",
            Self::Manifest(AcKind::PodManifest) => "PodManifest",
        }
    }
}

/// Checks a file or directory; without `subject` it is what it looks like.
///
/// That the manifest was written for an older major version of the specification is no finding: the
/// version that there is has the major number 0.
///
/// # Errors
///
/// [`ValidateError`].
pub fn validate(path: &Path, subject: Option<Subject>) -> Result<Valid, ValidateError> {
    match Target::find(path, subject)? {
        Target::Layout => layout(path),
        Target::Manifest(text) => manifest(path, &text),
        Target::Image(mut source) => image(path, &mut source),
    }
}

/// Gives the manifest of an image file, compressed or not, as it is stored; it is not checked.
///
/// # Errors
///
/// [`AciError`], with [`AciError::ManifestMissing`] for an archive without one.
pub fn image_manifest(image: impl Read) -> Result<Vec<u8>, AciError> {
    aci::read_manifest(image)
}

fn image(path: &Path, source: &mut Source) -> Result<Valid, ValidateError> {
    let path = path.to_owned();
    match source.check_header().map(|()| aci::validate(source)) {
        Ok(Ok(_)) => Ok(Valid::Image),
        Err(source) | Ok(Err(AciError::Decode(source))) => {
            Err(ValidateError::Decompress { path, source })
        }
        Ok(Err(source)) => Err(ValidateError::Image { path, source }),
    }
}

fn manifest(path: &Path, text: &[u8]) -> Result<Valid, ValidateError> {
    let path = path.to_owned();
    let kind = match kind_of(text) {
        Ok(kind) => kind,
        Err(source) => return Err(ValidateError::Unmarshal { path, source }),
    };
    let checked = match kind {
        AcKind::ImageManifest => ImageManifest::from_json(text).map(drop),
        AcKind::PodManifest => PodManifest::from_json(text).map(drop),
    };
    match checked {
        Ok(()) => Ok(Valid::Manifest(kind)),
        Err(source) => Err(ValidateError::Manifest { path, kind, source }),
    }
}

fn layout(path: &Path) -> Result<Valid, ValidateError> {
    match check_layout(path) {
        Ok(()) => Ok(Valid::Layout),
        Err(source) => Err(ValidateError::Layout {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The checks in the order of the original: manifest, rootfs, the manifest's content, stray files.
fn check_layout(path: &Path) -> Result<(), LayoutError> {
    let parts = LayoutParts::read(path)?;
    ImageManifest::from_json(&parts.manifest).map_err(|source| LayoutError::Manifest { source })?;
    parts.without_stray().map(drop)
}

#[cfg(test)]
mod tests;
