//! Checks an image of the store again, with the keys that are trusted today.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::PathBuf;
use std::time::SystemTime;

use gantry_archive::aci::{self, AciError};
use gantry_archive::compress::{DecodeError, Decoder};
use gantry_archive::digest::Sha512Reader;
use gantry_archive::limits::Limits;
use gantry_store::{Digest, ImageKind, ImageRecord, Store, StoreError};
use gantry_trust::{
    DetachedSignature, KeyProblem, Keystore, MAX_SIGNATURE_BYTES, SignatureError, Verdict,
    VerifyError,
};
use gantry_types::{AcIdentifier, Diagnostic, ImageId, ImageManifest, Kind, ManifestError};

use super::decision::{Decision, in_scope};
use super::verify::take_in;
use crate::image::{self, ImageError};

/// What came out.
#[derive(Debug)]
pub struct StoredReport {
    /// The image.
    pub id: ImageId,
    /// Its name, from the manifest in the image.
    pub name: AcIdentifier,
    /// What its record says about the check when it was fetched.
    pub recorded: gantry_store::Verdict,
    /// Whether it would be accepted today.
    pub decision: Decision,
    /// Files of the keystore that could not be used.
    pub problems: Vec<KeyProblem>,
}

/// An image of the store could not be checked, or is not what its record says.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// There is no such image.
    #[error(transparent)]
    Find(#[from] ImageError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Such images carry no detached signature.
    #[error("image {} is no App Container Image; signatures of others are not kept", id.short())]
    Kind {
        /// The image.
        id: ImageId,
    },
    /// A file of the store could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image's file is not the one that was fetched.
    #[error("the blob of image {} is damaged: {what}", id.short())]
    Damaged {
        /// The image.
        id: ImageId,
        /// What does not fit.
        what: &'static str,
    },
    /// The kept signature is damaged.
    #[error("the kept signature of image {} is damaged", id.short())]
    Signature {
        /// The image.
        id: ImageId,
        /// Why.
        source: SignatureError,
    },
    /// The check broke off.
    #[error("cannot check image {}", id.short())]
    Verify {
        /// The image.
        id: ImageId,
        /// Why.
        source: VerifyError,
    },
    /// The image cannot be decompressed.
    #[error("cannot decompress image {}", id.short())]
    Decompress {
        /// The image.
        id: ImageId,
        /// Why.
        source: DecodeError,
    },
    /// The image has no manifest that can be read.
    #[error("cannot read the manifest of image {}", id.short())]
    Manifest {
        /// The image.
        id: ImageId,
        /// Why.
        source: Box<AciError>,
    },
    /// Its manifest is damaged.
    #[error("the manifest of image {} is damaged", id.short())]
    BadManifest {
        /// The image.
        id: ImageId,
        /// Why.
        source: Box<ManifestError>,
    },
}

impl Diagnostic for StoredError {
    fn kind(&self) -> Kind {
        match self {
            Self::Find(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Kind { .. } => Kind::Usage,
            Self::Read { .. } => Kind::Environment,
            Self::Verify { source, .. } => source.kind(),
            _ => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Find(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Kind { .. } => None,
            Self::Read { .. } | Self::Verify { .. } => None,
            Self::Damaged { id, .. }
            | Self::Signature { id, .. }
            | Self::Decompress { id, .. }
            | Self::Manifest { id, .. }
            | Self::BadManifest { id, .. } => Some(format!(
                "remove it with `rkt image rm {}` and fetch it again",
                id.short()
            )),
        }
    }
}

/// Checks an image of the store, named by the start of its ID or by its name.
///
/// The blob has to be the one that was fetched, its uncompressed bytes have to have the image's ID, and
/// the signature that was kept with it has to be by a key that may sign the image's name today.
///
/// # Errors
///
/// [`StoredError`]. That nobody trusted signed the image is no error but a [`Decision`].
pub fn verify_image(
    store: &Store,
    keystore: &Keystore,
    image: &str,
    now: SystemTime,
) -> Result<StoredReport, StoredError> {
    let id = image::find(store, image)?;
    let (_lease, record) = store.use_image(&id)?;
    let (ImageKind::Aci, [layer]) = (record.kind, record.layers.as_slice()) else {
        return Err(StoredError::Kind { id });
    };
    let path = store.blob_path(&layer.digest);
    let read = |source| StoredError::Read {
        path: path.clone(),
        source,
    };
    let mut blob = File::open(&path).map_err(read)?;
    let name = content(&mut blob, &record, &layer.digest).map_err(|error| match error {
        ContentError::Read(source) => read(source),
        ContentError::Stored(error) => *error,
    })?;
    let mut report = StoredReport {
        id,
        recorded: record.verdict.clone(),
        decision: Decision::Unsigned {
            option: match &record.verdict {
                gantry_store::Verdict::Waived { option } => option.clone(),
                gantry_store::Verdict::Signed { .. } => String::new(),
            },
        },
        name,
        problems: Vec::new(),
    };
    let Some(digest) = &record.signature else {
        return Ok(report);
    };
    let signature = kept_signature(store, &id, digest)?;
    let keys = keystore.keys_for(&report.name);
    report.problems = keys.problems;
    blob.rewind().map_err(read)?;
    let checked = take_in(&signature, &blob).and_then(|(content, _)| {
        let verdict = signature.judge(&content, &keys.keys, now)?;
        Ok((verdict, content.sha512()))
    });
    let (verdict, sum) = checked.map_err(|source| StoredError::Verify { id, source })?;
    if Digest::sha512(sum) != layer.digest {
        return Err(StoredError::Damaged {
            id,
            what: "it changed while it was read",
        });
    }
    report.decision = match verdict {
        Verdict::Good { signers } => in_scope(signers, &report.name, keystore),
        verdict => Decision::Rejected { verdict },
    };
    Ok(report)
}

enum ContentError {
    Read(io::Error),
    Stored(Box<StoredError>),
}

impl From<StoredError> for ContentError {
    fn from(error: StoredError) -> Self {
        Self::Stored(Box::new(error))
    }
}

/// Reads a blob to its end, compares digest and ID with the record, and gives the name in its manifest.
fn content(
    blob: &mut File,
    record: &ImageRecord,
    digest: &Digest,
) -> Result<AcIdentifier, ContentError> {
    let id = record.id;
    let damaged = |what| StoredError::Damaged { id, what };
    // The digest first: what is not the blob that was fetched is not decompressed.
    let mut raw = Sha512Reader::new(&mut *blob);
    io::copy(&mut raw, &mut io::sink()).map_err(ContentError::Read)?;
    if Digest::sha512(raw.finish().1) != *digest {
        return Err(damaged("its digest differs from the record").into());
    }
    blob.rewind().map_err(ContentError::Read)?;
    let decoder = Decoder::new(io::BufReader::new(&mut *blob), &Limits::default())
        .map_err(|source| StoredError::Decompress { id, source })?;
    let mut tar = Sha512Reader::new(decoder);
    let manifest = aci::read_manifest(&mut tar).map_err(|source| StoredError::Manifest {
        id,
        source: Box::new(source),
    })?;
    io::copy(&mut tar, &mut io::sink()).map_err(ContentError::Read)?;
    if tar.finish().1 != *id.digest() {
        return Err(damaged("its content has another image ID").into());
    }
    let manifest =
        ImageManifest::from_json(&manifest).map_err(|source| StoredError::BadManifest {
            id,
            source: Box::new(source),
        })?;
    match manifest.name == record.name {
        true => Ok(manifest.name),
        false => Err(damaged("its name differs from the record").into()),
    }
}

fn kept_signature(
    store: &Store,
    id: &ImageId,
    digest: &Digest,
) -> Result<DetachedSignature, StoredError> {
    let path = store.blob_path(digest);
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| {
            file.take(MAX_SIGNATURE_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|source| StoredError::Read {
            path: path.clone(),
            source,
        })?;
    DetachedSignature::parse(&bytes).map_err(|source| StoredError::Signature { id: *id, source })
}
