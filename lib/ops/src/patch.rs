//! Copying an image with a changed manifest, to a new file or in place.

mod edits;
mod isolator;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use gantry_archive::aci::AciError;
use gantry_archive::compress::{Compression, DecodeError};
use gantry_archive::rewrite::{RewriteError, RewriteOptions, replace_manifest};
use gantry_types::{Diagnostic, ImageManifest, Kind, MAX_MANIFEST_BYTES, ManifestError};

pub use edits::{EditsError, ManifestEdits};
pub use isolator::{IsolatorTextError, SeccompTextError};

use crate::new_file::{NewFileError, Place};
use crate::room::is_full;

/// Output is written in pieces of this size, in bytes.
const WRITE_BUFFER: usize = 256 << 10;

/// What takes the place of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewManifest {
    /// The content of a file, as it is. It is not checked; the manifest that it replaces is.
    File(PathBuf),
    /// The manifest of the image, changed.
    Edited(Box<ManifestEdits>),
}

/// Where the copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To a file of its own.
    File {
        /// The file.
        path: PathBuf,
        /// Whether a file that exists already is replaced.
        overwrite: bool,
    },
    /// In place of the image.
    InPlace,
}

/// How the copy is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatchOptions {
    /// Not at all, instead of as the image is.
    pub uncompressed: bool,
    /// Most threads that compress; the bytes do not depend on it.
    pub threads: usize,
}

/// What was done.
#[derive(Debug)]
pub struct Patched {
    /// Why the manifest that a file brought is no valid one, if it is none.
    pub invalid: Option<ManifestError>,
}

/// An image could not be patched. The words are those of the original.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// A file is there already.
    #[error("Output file exists (try --overwrite)")]
    Exists,
    /// What is to be replaced is a device, a FIFO or a socket.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The device, FIFO or socket.
        path: PathBuf,
    },
    /// The copy cannot be made in its directory.
    #[error("Unable to open output {}", path.display())]
    Create {
        /// The file that was to be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image, or the file with the manifest, cannot be opened.
    #[error("Cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image is in no known form.
    #[error("Cannot extract {}", path.display())]
    Extract {
        /// The image.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// The file with the manifest cannot be read.
    #[error("Cannot read {}", path.display())]
    ManifestFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file with the manifest cannot be one.
    #[error("Cannot read {}: it is {problem}", path.display())]
    ManifestSize {
        /// The file.
        path: PathBuf,
        /// What it is.
        problem: &'static str,
    },
    /// The image cannot be read, or its manifest not be changed.
    #[error("Unable to read {}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// The copy cannot be written.
    #[error("Cannot write {}", path.display())]
    Write {
        /// The file that was to be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is wrong with an image that was to be patched.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It is none.
    #[error(transparent)]
    Archive(#[from] AciError),
    /// Its manifest is not valid, or cannot be changed so.
    #[error(transparent)]
    Edits(Box<EditsError>),
}

impl Diagnostic for PatchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists | Self::NotAFile { .. } | Self::ManifestSize { .. } => Kind::Usage,
            Self::Create { .. }
            | Self::Open { .. }
            | Self::ManifestFile { .. }
            | Self::Write { .. } => Kind::Environment,
            Self::Extract { source, .. } => source.kind(),
            Self::Image { source, .. } => match source {
                ImageError::Archive(error) => error.kind(),
                ImageError::Edits(error) => error.kind(),
            },
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Extract { source, .. } => source.hint(),
            Self::Image { source, .. } => match source {
                ImageError::Archive(error) => error.hint(),
                ImageError::Edits(error) => error.hint(),
            },
            Self::Create { source, .. } | Self::Write { source, .. } if is_full(source) => {
                Some("make room on its file system, or write elsewhere".to_owned())
            }
            _ => None,
        }
    }
}

/// Copies `image` to `output` with another manifest; everything else stays byte for byte.
///
/// The copy has the compression of the image, or none if `options` say so. It gets its name when it is complete
/// and on stable storage; on failure nothing is left and nothing changed. A file that is replaced keeps its
/// permissions; a symbolic link stays, and the file it leads to is replaced.
///
/// # Errors
///
/// [`PatchError`].
pub fn patch(
    image: &Path,
    output: &Output,
    manifest: &NewManifest,
    options: PatchOptions,
) -> Result<Patched, PatchError> {
    let (target, overwrite) = match output {
        Output::File { path, overwrite } => (path.as_path(), *overwrite),
        Output::InPlace => (image, true),
    };
    let refused = |error| refused(target, error);
    let replaced = std::fs::metadata(target).ok();
    let place = Place::new(target, overwrite).map_err(refused)?;
    let new = place
        .create(&prefix(image))
        .map_err(|error| refused(error.into()))?;
    let source = open(image)?;
    let brought = match manifest {
        NewManifest::File(path) => Some(read_manifest_file(path)?),
        NewManifest::Edited(_) => None,
    };
    let invalid = brought.as_deref().map(ImageManifest::from_json);
    let mut buffered = BufWriter::with_capacity(WRITE_BUFFER, new.file());
    let rewrite = RewriteOptions {
        compression: options.uncompressed.then_some(Compression::None),
        threads: options.threads,
    };
    let copied = replace_manifest(source, &mut buffered, rewrite, |stored| match manifest {
        NewManifest::Edited(edits) => edits.apply_to_json(stored),
        NewManifest::File(_) => {
            ImageManifest::from_json(stored)?;
            Ok(brought.unwrap_or_default())
        }
    });
    copied.map_err(|error| failed(image, target, error))?;
    buffered
        .flush()
        .map_err(|source| write_error(target, source))?;
    drop(buffered);
    if let Some(replaced) = replaced {
        new.keep_permissions(&replaced)
            .map_err(|source| write_error(target, source))?;
    }
    new.publish().map_err(refused)?;
    Ok(Patched {
        invalid: invalid.and_then(Result::err),
    })
}

/// What the file is called while it has no name of its own, where it has to be called something.
fn prefix(image: &Path) -> String {
    let name = image.file_name().unwrap_or_default();
    // Room for what makes it unique; a name has 255 bytes.
    let name: String = name.to_string_lossy().chars().take(50).collect();
    format!(".actool-tmp.{name}-")
}

fn open(path: &Path) -> Result<File, PatchError> {
    let opened = crate::open_input(path);
    opened.map_err(|source| PatchError::Open {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file that is to be the manifest, whatever it says.
fn read_manifest_file(path: &Path) -> Result<Vec<u8>, PatchError> {
    let mut text = Vec::new();
    let limited = open(path)?.take(MAX_MANIFEST_BYTES as u64 + 1);
    { limited }
        .read_to_end(&mut text)
        .map_err(|source| PatchError::ManifestFile {
            path: path.to_owned(),
            source,
        })?;
    let problem = match text.len() {
        0 => "empty",
        length if length > MAX_MANIFEST_BYTES => "larger than any manifest may be",
        _ => return Ok(text),
    };
    Err(PatchError::ManifestSize {
        path: path.to_owned(),
        problem,
    })
}

fn refused(target: &Path, error: NewFileError) -> PatchError {
    let path = target.to_owned();
    match error {
        NewFileError::Exists => PatchError::Exists,
        NewFileError::NotAFile => PatchError::NotAFile { path },
        NewFileError::Failed(source) => PatchError::Create { path, source },
    }
}

fn write_error(target: &Path, source: io::Error) -> PatchError {
    let path = target.to_owned();
    PatchError::Write { path, source }
}

fn failed(image: &Path, target: &Path, error: RewriteError<EditsError>) -> PatchError {
    let path = image.to_owned();
    match error {
        RewriteError::Image(AciError::Decode(source)) => PatchError::Extract { path, source },
        RewriteError::Image(error) => PatchError::Image {
            path,
            source: error.into(),
        },
        RewriteError::Manifest(error) => PatchError::Image {
            path,
            source: ImageError::Edits(Box::new(error)),
        },
        RewriteError::Output { source } => write_error(target, source),
    }
}

#[cfg(test)]
mod tests;
