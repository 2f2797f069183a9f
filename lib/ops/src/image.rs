//! What `rkt image` does with images in the store.

mod cas;
mod export;
#[cfg(test)]
mod export_tests;
mod output;
#[cfg(test)]
mod output_tests;
#[cfg(test)]
mod sample;
mod verify;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use gantry_store::{
    AskInUse, GcReport, ImageKind, ImageRecord, Neighbour, ResolveError, Store, StoreError, TreeId,
    Verdict,
};
use gantry_types::{
    Diagnostic, ImageId, ImageManifest, ImageName, Kind, MAX_MANIFEST_BYTES, ManifestError,
};

pub use cas::{CasError, CasImage, cas_images};
pub use export::{Export, ExportError, export};
pub use output::{Output, OutputError, extract, render};
pub use verify::{
    BlobFault, BlobReport, ImageReport, TreeError, TreeReport, TreeState, Verifier, VerifyContext,
};

use crate::fetch::{ReferenceError, with_version};

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// ID.
    pub id: ImageId,
    /// `name:version`, or the name alone; control characters are escaped.
    pub name: String,
    /// Format.
    pub kind: ImageKind,
    /// Uncompressed size in bytes.
    pub size: u64,
    /// First import, in nanoseconds since the epoch.
    pub import_time: u64,
    /// Last use, in nanoseconds since the epoch.
    pub last_used: u64,
    /// Why the image is believed.
    pub verdict: Verdict,
    /// The user who says so, if it is neither the caller nor root: in their store alone the image is.
    pub claimed_by: Option<u32>,
}

/// All images, in the order of their import, and what is wrong with single files of the store.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read at all.
pub fn list(store: &Store) -> Result<(Vec<Row>, Vec<StoreError>), StoreError> {
    let mut listing = store.list()?;
    let mut rows: Vec<Row> = listing.images.into_iter().map(Row::from).collect();
    let neighbours = store.neighbours();
    if neighbours.is_empty() {
        return Ok((rows, listing.problems));
    }
    let mut seen: HashSet<ImageId> = rows.iter().map(|row| row.id).collect();
    for neighbour in neighbours {
        // Members come and go, and hide what they like.
        let Ok(theirs) = neighbour.list() else {
            continue;
        };
        listing.problems.extend(theirs.problems);
        let new = theirs
            .images
            .into_iter()
            .filter(|record| seen.insert(record.id));
        let uid = Some(neighbour.uid()).filter(|uid| *uid != 0);
        rows.extend(new.map(|record| Row {
            claimed_by: uid,
            ..Row::from(record)
        }));
    }
    rows.sort_by_key(|row| row.import_time);
    Ok((rows, listing.problems))
}

impl From<ImageRecord> for Row {
    fn from(record: ImageRecord) -> Self {
        Self {
            id: record.id,
            name: with_version(&record.image_name()),
            kind: record.kind,
            size: record.size,
            import_time: record.import_time,
            last_used: record.last_used,
            verdict: record.verdict,
            claimed_by: None,
        }
    }
}

/// An image could not be found, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The text names no image.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The start of an ID names no single image.
    #[error("cannot resolve image ID {text:?}")]
    Resolve {
        /// The start of the ID.
        text: String,
        /// Why.
        source: ResolveError,
    },
    /// No image has this name and these labels.
    #[error("no image named {text:?} found in the store")]
    NotFound {
        /// The name.
        text: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The manifest cannot be read.
    #[error("cannot read the manifest of image {}", id.short())]
    ReadManifest {
        /// The image.
        id: ImageId,
        /// Why.
        source: io::Error,
    },
    /// The manifest is damaged.
    #[error("the manifest of image {} is damaged", id.short())]
    Manifest {
        /// The image.
        id: ImageId,
        /// Why.
        source: Box<ManifestError>,
    },
}

impl ImageError {
    /// The store was read, and does not have the image.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::NotFound { .. } => true,
            Self::Resolve { source, .. } => matches!(source, ResolveError::None),
            _ => false,
        }
    }
}

impl Diagnostic for ImageError {
    fn kind(&self) -> Kind {
        match self {
            Self::Reference(error) => error.kind(),
            Self::NotFound { .. } => Kind::Usage,
            Self::Resolve { source, .. } => source.kind(),
            Self::Store(error) => error.kind(),
            Self::ReadManifest { .. } | Self::Manifest { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve { source, .. } => source.hint(),
            Self::Store(error) => error.hint(),
            Self::ReadManifest { id, .. } | Self::Manifest { id, .. } => Some(format!(
                "remove it with `rkt image rm {}` and fetch it again",
                id.short()
            )),
            _ => None,
        }
    }
}

/// Finds an image of the store by the start of its ID or by name and labels.
///
/// # Errors
///
/// [`ImageError`].
pub fn find(store: &Store, text: &str) -> Result<ImageId, ImageError> {
    // Names stand as they are here: no label of this machine is added, as in the original.
    if text.starts_with(ImageId::PREFIX) {
        let resolved = store.resolve(text);
        return resolved.map_err(|source| ImageError::Resolve {
            text: text.to_owned(),
            source,
        });
    }
    let name: ImageName = text.parse().map_err(|source| ReferenceError::Name {
        text: text.to_owned(),
        source,
    })?;
    let record = store.find(&name)?;
    record
        .map(|record| record.id)
        .ok_or_else(|| ImageError::NotFound {
            text: text.to_owned(),
        })
}

/// The extracted tree of an App Container image itself, without what it depends on: a directory with `manifest`
/// and `rootfs`. Who holds a lease on the image can rely on it.
///
/// # Errors
///
/// [`StoreError`] for an image that is not in the store, or has no such tree.
pub fn own_tree(store: &Store, id: &ImageId) -> Result<PathBuf, StoreError> {
    let record = store.record(id)?;
    let tree = record
        .trees
        .first()
        .filter(|_| record.kind == ImageKind::Aci);
    let path = tree.map(|tree| store.tree_path(tree));
    path.ok_or(StoreError::Missing { id: *id })
}

/// The manifest of an image in the store; an OCI image has one as well, made of its configuration.
///
/// # Errors
///
/// [`ImageError`].
pub fn manifest(store: &Store, id: &ImageId) -> Result<ImageManifest, ImageError> {
    let (_lease, record) = store.use_image(id)?;
    if let Some(manifest) = store.derived_manifest(&record)? {
        return Ok(manifest);
    }
    let path = store
        .tree_path(&TreeId::of_images(&[record.id]))
        .join("manifest");
    let read = || {
        let mut text = Vec::new();
        File::open(path)?
            .take(MAX_MANIFEST_BYTES as u64 + 1)
            .read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|source| ImageError::ReadManifest { id: *id, source })?;
    ImageManifest::from_json(&text).map_err(|source| ImageError::Manifest {
        id: *id,
        source: Box::new(source),
    })
}

/// Removes an image; trees that pods use stay. Root removes it from the stores of members as well.
///
/// # Errors
///
/// [`StoreError::InUse`] while a fetch or prepare uses the image, and what removal itself runs into.
pub fn remove(store: &Store, id: &ImageId, in_use: &mut AskInUse<'_>) -> Result<(), StoreError> {
    let mut result = store.remove(id, in_use);
    for neighbour in members_of(store) {
        result = match (neighbour.remove(id), result) {
            (Ok(()), Err(StoreError::Missing { .. })) => Ok(()),
            (Ok(()) | Err(StoreError::Missing { .. }), result) => result,
            // Not the store of a member, or not any more.
            (Err(StoreError::Version { .. }), result) => result,
            (Err(error), Ok(()) | Err(StoreError::Missing { .. })) => Err(error),
            (Err(_), result) => result,
        };
    }
    result
}

/// Finds an image to remove: as [`find`] does, and for root also in the stores of members.
///
/// # Errors
///
/// As for [`find`].
pub fn find_to_remove(store: &Store, text: &str) -> Result<ImageId, ImageError> {
    let error = match find(store, text) {
        Err(error) if error.is_missing() => error,
        found => return found,
    };
    let name: Option<ImageName> = text.parse().ok();
    let is = |record: &ImageRecord| match text.starts_with(ImageId::PREFIX) {
        true => record.id.to_string().starts_with(text),
        false => name.as_ref().is_some_and(|name| record.answers(name)),
    };
    let mut found = HashSet::new();
    for neighbour in members_of(store) {
        let images = neighbour.list().map(|listing| listing.images);
        let images = images.into_iter().flatten();
        found.extend(images.filter(is).map(|record| record.id));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(ImageError::Resolve {
            text: text.to_owned(),
            source: ResolveError::Ambiguous {
                prefix: text.to_owned(),
            },
        }),
        _ => Err(error),
    }
}

/// The stores that root looks after besides its own.
fn members_of(store: &Store) -> Vec<Neighbour> {
    match store.is_members() {
        true => Vec::new(),
        false => store.neighbours(),
    }
}

/// Removes images until the store takes at most `most` bytes of the disk; adds to what a collection did.
///
/// # Errors
///
/// As for [`Store::shrink`].
pub fn shrink(
    store: &Store,
    most: u64,
    in_use: &mut AskInUse<'_>,
    done: &mut GcReport,
) -> Result<(), StoreError> {
    store.shrink(most, in_use, done)
}

/// Removes images unused for longer than `grace`, and everything that nothing refers to. Root does so in the stores of
/// members as well.
///
/// # Errors
///
/// As for [`Store::gc`]; what goes wrong in the store of a member is in the report.
pub fn gc(
    store: &Store,
    grace: Duration,
    now: SystemTime,
    in_use: &mut AskInUse<'_>,
) -> Result<GcReport, StoreError> {
    let mut report = store.gc(grace, now, in_use)?;
    for neighbour in members_of(store) {
        match neighbour.gc(grace, now) {
            Ok(theirs) => {
                report.images.extend(theirs.images);
                report.trees.extend(theirs.trees);
                report.leftovers += theirs.leftovers;
                report.problems.extend(theirs.problems);
            }
            // Not the store of a member, or not any more.
            Err(StoreError::Version { .. }) => {}
            Err(error) => report.problems.push(error),
        }
    }
    Ok(report)
}
