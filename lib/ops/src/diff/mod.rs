//! What differs between two images.

mod attribute;
mod error;
pub(crate) mod files;
pub(crate) mod links;
mod side;

use std::collections::BTreeSet;
use std::path::Path;

use gantry_archive::compress::Compression;
use gantry_archive::list::Listing;
use gantry_types::{ImageId, ManifestChange, manifest_changes};

pub use attribute::{Attribute, AttributeError};
pub use error::DiffError;
use files::FileDifferences;
pub use files::{AttributeChange, FileChange, FileDifference, Value};
pub use gantry_archive::tar::Timestamp;
use side::Opened;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Manifest and files.
    #[default]
    All,
    /// The manifest alone; an image is read no further than that.
    Manifest,
    /// Files alone.
    Files,
}

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// What is compared.
    pub scope: Scope,
    /// What files may differ in.
    pub ignore: BTreeSet<Attribute>,
    /// Takes another order of the entries for a difference.
    pub order: bool,
}

/// What differs between two images.
#[derive(Debug)]
pub struct Differences {
    /// The first image and the second.
    pub sides: [Side; 2],
    /// Values of the manifest, sorted by path.
    pub manifest: Vec<ManifestChange>,
    /// Attributes of the entry `manifest` itself, between two image files.
    pub manifest_entry: Vec<AttributeChange>,
    /// Files at and beneath the root, sorted by path.
    pub files: Vec<FileDifference>,
    /// The first two entries that both images have in another order, if that counts.
    pub order: Option<OrderDifference>,
    /// Why the image IDs differ, if both are known and do.
    pub reasons: Vec<Reason>,
}

impl Differences {
    /// Whether nothing that counts differs.
    pub fn is_empty(&self) -> bool {
        self.manifest.is_empty()
            && self.manifest_entry.is_empty()
            && self.files.is_empty()
            && self.order.is_none()
    }
}

/// One of two images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The compression of an image file; none for a layout.
    pub compression: Option<Compression>,
    /// The image ID; none for a layout, and where only the manifest was read.
    pub image_id: Option<ImageId>,
}

/// Where the order of two images parts. Entries are named by their paths in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDifference {
    /// The entry that comes next in the first image.
    pub old: Vec<u8>,
    /// The entry that comes next in the second image.
    pub new: Vec<u8>,
}

/// Why two images have different IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Values of the manifests differ.
    Manifest,
    /// The manifests have the same values, written in another way.
    ManifestText,
    /// Files differ in what counts.
    Files,
    /// Files differ in an attribute that was to be ignored.
    Ignored(Attribute),
    /// The entries come in another order.
    Order,
    /// What the archives hold is the same, written in another way: other headers, names of accounts,
    /// padding.
    Archive,
}

/// Compares two images, each an image file of any compression or a layout.
///
/// Each is read once, in a thread of its own, its content hashed as it passes. Memory grows with the
/// number of files, not with their sizes: some 250 MiB for a million in each, see
/// [`FileList`](gantry_archive::list::FileList). What is no valid image layout is an error;
/// the values in the manifests may break any rule.
///
/// # Errors
///
/// [`DiffError`] with the image at fault.
pub fn diff(old: &Path, new: &Path, options: &DiffOptions) -> Result<Differences, DiffError> {
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| Opened::read(old, options.scope));
        let other = Opened::read(new, options.scope);
        let one = one
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (one, other)
    });
    compare([old, new], [one?, other?], options)
}

fn compare(
    paths: [&Path; 2],
    [old, new]: [Opened; 2],
    options: &DiffOptions,
) -> Result<Differences, DiffError> {
    let changes = manifest_changes(&old.manifest, &new.manifest);
    let mut manifest = match changes {
        Ok(changes) => changes,
        // Files can be compared without it, but nobody should believe that the manifests were.
        Err(_) if options.scope == Scope::Files => Vec::new(),
        Err((side, source)) => {
            return Err(DiffError::Manifest {
                path: paths[side].to_owned(),
                source,
            });
        }
    };
    let mut found = FileDifferences::default();
    let mut manifest_entry = Vec::new();
    let mut order = None;
    let same = old.side.image_id.is_some() && old.side.image_id == new.side.image_id;
    if let (Some(one), Some(other), false) = (&old.listing, &new.listing, same) {
        found = files::compare(&one.files, &other.files, &options.ignore);
        // A layout has neither an order of entries nor one for its manifest.
        if old.side.image_id.is_some() && new.side.image_id.is_some() {
            let entries = (&one.manifest_entry, &other.manifest_entry);
            files::attributes(entries.0, entries.1, &mut manifest_entry);
            // Its content is compared value by value.
            manifest_entry
                .retain(|change| !matches!(change.attribute, Attribute::Size | Attribute::Content));
            manifest_entry = found.counting(manifest_entry, &options.ignore);
            order = first_out_of_order(one, other, &found.common);
        }
    }
    let reasons = match (old.side.image_id, new.side.image_id) {
        (Some(one), Some(other)) if one != other => {
            let texts_differ = old.manifest != new.manifest;
            let files_differ = !found.differences.is_empty() || !manifest_entry.is_empty();
            reasons(
                &manifest,
                texts_differ,
                files_differ,
                &found,
                order.is_some(),
            )
        }
        _ => Vec::new(),
    };
    if options.scope == Scope::Files {
        manifest.clear();
        manifest_entry.clear();
    }
    Ok(Differences {
        sides: [old.side, new.side],
        manifest,
        manifest_entry,
        files: found.differences,
        order: order.filter(|_| options.order),
        reasons,
    })
}

fn reasons(
    manifest: &[ManifestChange],
    texts_differ: bool,
    files_differ: bool,
    found: &FileDifferences,
    order_differs: bool,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |is_one: bool, reason| {
        if is_one {
            reasons.push(reason);
        }
    };
    add(!manifest.is_empty(), Reason::Manifest);
    add(manifest.is_empty() && texts_differ, Reason::ManifestText);
    add(files_differ, Reason::Files);
    for attribute in &found.ignored {
        add(true, Reason::Ignored(*attribute));
    }
    add(order_differs, Reason::Order);
    if reasons.is_empty() {
        reasons.push(Reason::Archive);
    }
    reasons
}

/// The first place where the entries that both images have come in another order.
fn first_out_of_order(
    old: &Listing,
    new: &Listing,
    common: &[(u32, u32)],
) -> Option<OrderDifference> {
    let (one, other) = (
        sequence(old, common.iter().map(|(index, _)| *index)),
        sequence(new, common.iter().map(|(_, index)| *index)),
    );
    let mut pairs = one.into_iter().zip(other);
    let (old, new) = pairs.find_map(|(one, other)| {
        let paths = (path_of(old, one), path_of(new, other));
        (paths.0 != paths.1).then_some(paths)
    })?;
    Some(OrderDifference {
        old: archive_name(old),
        new: archive_name(new),
    })
}

/// Places in a list in the order of the archive; `None` is the manifest's.
fn sequence(list: &Listing, indexes: impl Iterator<Item = u32>) -> Vec<Option<u32>> {
    let mut sequence: Vec<_> = indexes.map(Some).collect();
    sequence.push(None);
    sequence.sort_unstable_by_key(|index| match index {
        Some(index) => list.files.files()[*index as usize].position,
        None => list.manifest_entry.position,
    });
    sequence
}

fn path_of(list: &Listing, index: Option<u32>) -> Option<&[u8]> {
    index.map(|index| &*list.files.files()[index as usize].path)
}

fn archive_name(path: Option<&[u8]>) -> Vec<u8> {
    match path {
        None => b"manifest".to_vec(),
        Some(b"") => b"rootfs".to_vec(),
        Some(path) => [b"rootfs/", path].concat(),
    }
}

#[cfg(test)]
mod tests;
