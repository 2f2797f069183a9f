//! An image of the store as an image file elsewhere.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use gantry_archive::compress::{DecodeError, Decoder};
use gantry_archive::digest::Sha512Reader;
use gantry_archive::limits::Limits;
use gantry_store::{DigestReader, ImageKind, ImageRecord, Layer, Store, StoreError};
use gantry_types::{Diagnostic, ImageId, Kind};

use crate::new_file::{NewFileError, Place};
use crate::room::is_full;

/// Bytes copied at once.
const PIECE: usize = 256 << 10;

/// Where an image file goes, and what it holds.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The file.
    pub file: &'a Path,
    /// A file that is there gives way.
    pub overwrite: bool,
    /// The bytes that were received, compressed as they were: those that a signature covers. Otherwise
    /// the plain tar, whose SHA-512 is the image ID.
    pub as_received: bool,
}

/// An image could not be written to a file, which is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It is there.
    #[error("output ACI file exists (try --overwrite)")]
    Exists,
    /// A file there would be taken for one of the store.
    #[error("refusing to write {}: it is part of the image store", path.display())]
    InStore {
        /// The file.
        path: PathBuf,
    },
    /// The image is no archive but a set of layers.
    #[error("image {} is no App Container image", id.short())]
    NotAci {
        /// The image.
        id: ImageId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blob cannot be read.
    #[error("cannot read {}, the blob of image {}", path.display(), id.short())]
    Read {
        /// The image.
        id: ImageId,
        /// The blob.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The blob cannot be decompressed.
    #[error("cannot read {}, the blob of image {}", path.display(), id.short())]
    Decode {
        /// The image.
        id: ImageId,
        /// The blob.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// The blob holds other bytes than those that were verified.
    #[error("the blob of image {}, {}, is damaged", id.short(), path.display())]
    Damaged {
        /// The image.
        id: ImageId,
        /// The blob.
        path: PathBuf,
    },
    /// The file cannot be made or written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for ExportError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists | Self::InStore { .. } | Self::NotAci { .. } => Kind::Usage,
            Self::Store(error) => error.kind(),
            Self::Decode { .. } | Self::Damaged { .. } => Kind::Refused,
            Self::Read { .. } | Self::Write { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Read { id, .. } | Self::Decode { id, .. } | Self::Damaged { id, .. } => {
                Some(format!(
                    "`rkt image verify --repair {}` fetches the blob again",
                    id.short()
                ))
            }
            Self::Write { source, path } if is_full(source) => Some(format!(
                "make room on the file system of {}",
                path.display()
            )),
            _ => None,
        }
    }
}

/// Writes an image to a file, bit for bit; the file gets its name once it is whole and on stable storage.
///
/// What is written is compared with the image ID, or with the digest of the blob, before that.
///
/// # Errors
///
/// [`ExportError`]; what was there before is still there.
pub fn export(store: &Store, id: &ImageId, export: &Export<'_>) -> Result<(), ExportError> {
    let (_lease, record) = store.use_image(id)?;
    let layer = layer_of(&record).ok_or(ExportError::NotAci { id: *id })?;
    let failed = |source| ExportError::Write {
        path: export.file.to_owned(),
        source,
    };
    let refused = |error| match error {
        NewFileError::Exists => ExportError::Exists,
        NewFileError::NotAFile => failed(io::Error::other("it is not a regular file")),
        NewFileError::Failed(source) => failed(source),
    };
    let place = Place::new(export.file, export.overwrite).map_err(refused)?;
    let directory = fs::canonicalize(place.directory()).map_err(failed)?;
    let root = fs::canonicalize(store.root()).map_err(failed)?;
    if directory.starts_with(root) {
        return Err(ExportError::InStore {
            path: export.file.to_owned(),
        });
    }
    let path = store.blob_path(&layer.digest);
    let read = |source| ExportError::Read {
        id: *id,
        path: path.clone(),
        source,
    };
    let blob = File::open(&path).map_err(read)?;
    let new = place.create(".rkt-").map_err(failed)?;
    let whole = match export.as_received {
        true => {
            let mut blob = DigestReader::new(layer.digest.algorithm(), blob);
            copy(&mut blob, new.file(), read, failed)?;
            blob.finish().map_err(read)? == layer.digest
        }
        false => {
            let decoder = Decoder::new(blob, &Limits::default());
            let decoder = decoder.map_err(|source| ExportError::Decode {
                id: *id,
                path: path.clone(),
                source,
            })?;
            let mut stream = Sha512Reader::new(decoder);
            copy(&mut stream, new.file(), read, failed)?;
            stream.finish().1 == *id.digest()
        }
    };
    if !whole {
        return Err(ExportError::Damaged { id: *id, path });
    }
    new.publish().map_err(refused)
}

/// The one blob that an ACI is.
pub(super) fn layer_of(record: &ImageRecord) -> Option<&Layer> {
    match (record.kind, record.layers.as_slice()) {
        (ImageKind::Aci, [layer]) => Some(layer),
        _ => None,
    }
}

/// Copies to the end; tells apart which side failed.
fn copy(
    mut from: impl Read,
    mut to: impl Write,
    read: impl Fn(io::Error) -> ExportError,
    failed: impl Fn(io::Error) -> ExportError,
) -> Result<(), ExportError> {
    let mut buffer = vec![0; PIECE];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length]).map_err(&failed)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read(error)),
        }
    }
}
