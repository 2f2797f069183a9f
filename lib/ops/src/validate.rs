//! Checking images, image layouts and manifests, and reading the manifest of an image.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

pub use crate::layout::LayoutError;
use crate::layout::{LayoutParts, read_manifest};
use gantry_archive::aci;
pub use gantry_archive::aci::AciError;
use gantry_archive::compress::{self, DecodeError, SNIFF_BYTES};
use gantry_types::{AcKind, Diagnostic, ImageManifest, Kind, ManifestError, PodManifest, kind_of};

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
            Self::Access { .. } => Kind::Environment,
            Self::Directory { .. } | Self::Unknown { .. } => Kind::Usage,
            _ => Kind::Refused,
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
    let inaccessible = |source| ValidateError::Access {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(inaccessible)?;
    if metadata.is_dir() {
        return match subject {
            None | Some(Subject::Layout) => layout(path),
            Some(Subject::Image | Subject::Manifest) => Err(ValidateError::Directory {
                path: path.to_owned(),
            }),
        };
    }
    if subject == Some(Subject::Layout) {
        let source = LayoutError::NotADirectory {
            path: path.to_owned(),
        };
        return Err(ValidateError::Layout {
            path: path.to_owned(),
            source,
        });
    }
    if !metadata.is_file() {
        // Reading a device or a FIFO might never end.
        return Err(ValidateError::Unknown {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(inaccessible)?;
    let subject = match subject {
        Some(subject) => subject,
        None => sniff(&mut file)
            .map_err(inaccessible)?
            .ok_or_else(|| ValidateError::Unknown {
                path: path.to_owned(),
            })?,
    };
    match subject {
        Subject::Manifest => manifest(path, file),
        Subject::Image | Subject::Layout => image(path, file),
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

fn sniff(file: &mut File) -> io::Result<Option<Subject>> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    file.take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(if compress::sniff(&head).is_some() {
        Some(Subject::Image)
    } else if compress::looks_like_text(&head) {
        Some(Subject::Manifest)
    } else {
        None
    })
}

fn image(path: &Path, file: File) -> Result<Valid, ValidateError> {
    let path = path.to_owned();
    match aci::validate(file) {
        Ok(_) => Ok(Valid::Image),
        Err(AciError::Decode(source)) => Err(ValidateError::Decompress { path, source }),
        Err(source) => Err(ValidateError::Image { path, source }),
    }
}

fn manifest(path: &Path, file: File) -> Result<Valid, ValidateError> {
    let path = path.to_owned();
    let text = match read_manifest(file) {
        Ok(text) => text,
        Err(source) => return Err(ValidateError::Access { path, source }),
    };
    let kind = match kind_of(&text) {
        Ok(kind) => kind,
        Err(source) => return Err(ValidateError::Unmarshal { path, source }),
    };
    let checked = match kind {
        AcKind::ImageManifest => ImageManifest::from_json(&text).map(drop),
        AcKind::PodManifest => PodManifest::from_json(&text).map(drop),
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
mod tests {
    use super::*;
    use std::fs;

    const MANIFEST: &str =
        r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app"}"#;

    fn checked(path: &Path, subject: Option<Subject>) -> String {
        match validate(path, subject) {
            Ok(valid) => format!("valid {}", valid.name()),
            Err(error) => error.chain().replace(&path.display().to_string(), "P"),
        }
    }

    #[test]
    fn layouts_are_checked_in_the_order_of_the_original() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        assert_eq!(
            checked(path, None),
            "P: invalid image layout: no image manifest found in layout"
        );
        fs::write(path.join("manifest"), "{").unwrap();
        fs::write(path.join("stray"), "").unwrap();
        assert_eq!(
            checked(path, None),
            "P: invalid image layout: no rootfs found in layout"
        );
        fs::write(path.join("rootfs"), "").unwrap();
        assert_eq!(
            checked(path, None),
            "P: invalid image layout: rootfs is not a directory"
        );
        fs::remove_file(path.join("rootfs")).unwrap();
        fs::create_dir_all(path.join("rootfs/dir/rootfs")).unwrap();
        fs::write(path.join("rootfs/manifest"), "junk").unwrap();
        assert!(
            checked(path, None)
                .starts_with("P: invalid image layout: image manifest validation failed: ")
        );
        fs::write(path.join("manifest"), MANIFEST).unwrap();
        assert_eq!(
            checked(path, None),
            "P: invalid image layout: unrecognized file path in layout: \"stray\""
        );
        fs::remove_file(path.join("stray")).unwrap();
        assert_eq!(checked(path, None), "valid image layout");
        assert_eq!(
            checked(path, Some(Subject::Image)),
            "P is a directory (wrong --type?)"
        );
    }

    #[test]
    fn files_are_what_they_look_like() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for (content, verdict) in [
            (MANIFEST.as_bytes(), "valid ImageManifest"),
            (
                b"{\"acKind\":\"PodManifest\",\"acVersion\":\"0.8.11\"}",
                "valid PodManifest",
            ),
            (b"\x00\x01\x02", "P: unable to detect filetype (try --type)"),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(checked(&path, None), verdict);
        }
        for (content, verdict) in [
            ("", "P: error unmarshaling manifest: "),
            (r#"{"acKind":"Other"}"#, "P: error unmarshaling manifest: "),
            (
                r#"{"acKind":"ImageManifest"}"#,
                "P: invalid ImageManifest: acVersion must be set",
            ),
        ] {
            fs::write(&path, content).unwrap();
            assert!(
                checked(&path, None).starts_with(verdict),
                "{content}: {}",
                checked(&path, None)
            );
        }
        fs::write(&path, [0x1f, 0x8b, 0xff]).unwrap();
        assert!(checked(&path, None).starts_with("P: error"));
        assert_eq!(
            checked(&path, Some(Subject::Layout)),
            "P: invalid image layout: given path \"P\" is not a directory"
        );
    }

    #[test]
    fn what_does_not_exist_stops() {
        let error = validate(Path::new("/nonexistent/x"), None).unwrap_err();
        assert!(error.stops());
        assert!(
            error
                .to_string()
                .starts_with("unable to access /nonexistent/x")
        );
    }
}
