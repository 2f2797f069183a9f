//! Whether an extracted tree is what its archive says.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use gantry_archive::extract::{Ownership, is_kept};
use gantry_archive::list::{FileKind, ListOptions, ListTreeError, Listing, list_tree};
use gantry_archive::refusal::EntryName;
use gantry_types::MAX_MANIFEST_BYTES;

use crate::diff::Attribute;
use crate::diff::files::{AttributeChange, FileChange, FileDifference, Value, compare};

/// Names in the directory of a tree.
const PARTS: [&str; 3] = ["implied", "manifest", "rootfs"];

/// Stands for the manifest where there is none, in a list of files.
const LAYER_MANIFEST: &[u8] = br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"layer"}"#;

/// Largest file `implied` looked at, in bytes.
const MAX_IMPLIED: u64 = 64 << 20;

/// A tree as it lies in the store.
pub(super) struct FoundTree {
    manifest: Vec<u8>,
    implied: Vec<u8>,
    stray: Vec<String>,
    pub(super) listing: Listing,
}

/// Why a tree cannot be read. That is damage, too: whatever the cause, nobody can run it.
#[derive(Debug, thiserror::Error)]
pub(super) enum TreeReadError {
    #[error("cannot read {part}")]
    Part {
        part: &'static str,
        source: io::Error,
    },
    #[error("cannot read rootfs")]
    Files { source: ListTreeError },
}

pub(super) fn options() -> ListOptions {
    ListOptions {
        digests: true,
        ..ListOptions::default()
    }
}

impl FoundTree {
    /// Reads all of a tree, content included.
    pub(super) fn read(tree: &Path) -> Result<Self, TreeReadError> {
        let part = |part| move |source| TreeReadError::Part { part, source };
        let manifest = read(&tree.join("manifest"), MAX_MANIFEST_BYTES as u64);
        Self::read_parts(tree, manifest.map_err(part("manifest"))?)
    }

    /// Reads all of the tree of a layer, which has no manifest.
    pub(super) fn read_layer(tree: &Path) -> Result<Self, TreeReadError> {
        Self::read_parts(tree, LAYER_MANIFEST.to_vec())
    }

    fn read_parts(tree: &Path, manifest: Vec<u8>) -> Result<Self, TreeReadError> {
        let part = |part| move |source| TreeReadError::Part { part, source };
        let implied = match read(&tree.join("implied"), MAX_IMPLIED) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(part("implied"))?,
        };
        let mut stray = Vec::new();
        for entry in fs::read_dir(tree).map_err(part("the directory"))? {
            let name = entry.map_err(part("the directory"))?.file_name();
            let name = name.to_string_lossy();
            if !PARTS.contains(&&*name) {
                stray.push(name.into_owned());
            }
        }
        let rootfs = File::open(tree.join("rootfs")).map_err(part("rootfs"))?;
        let listing = list_tree(&manifest, rootfs.as_fd(), &options());
        let listing = listing.map_err(|source| TreeReadError::Files { source })?;
        Ok(Self {
            manifest,
            implied,
            stray,
            listing,
        })
    }
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    // One byte more, so that a longer one differs.
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with a tree that was extracted from an archive, by name.
pub(super) fn faults(archive: &Listing, tree: &FoundTree, ownership: Ownership) -> Vec<String> {
    let mut faults = parts(&archive.manifest, tree);
    let implied = implied(archive);
    let mut text = Vec::new();
    for path in implied.iter().filter(|path| !path.is_empty()) {
        text.extend_from_slice(path);
        text.push(0);
    }
    if text != tree.implied {
        faults.push("implied: content".to_owned());
    }
    let mut ignored = BTreeSet::new();
    if ownership == Ownership::CurrentUser {
        ignored.insert(Attribute::Owner);
    }
    let found = compare(&archive.files, &tree.listing.files, &ignored);
    for mut difference in found.differences {
        let made = matches!(difference.change, FileChange::Added("directory"))
            && implied.contains(&difference.path)
            && is_as_made(&tree.listing, &difference.path);
        if let FileChange::Changed(changes) = &mut difference.change {
            changes.retain(|change| !is_expected(change, ownership));
        }
        if !made {
            faults.extend(told(&difference));
        }
    }
    faults
}

/// What is wrong with a tree, compared with the same one made anew.
pub(super) fn differences(good: &FoundTree, tree: &FoundTree) -> Vec<String> {
    let mut faults = parts(&good.manifest, tree);
    if good.implied != tree.implied {
        faults.push("implied: content".to_owned());
    }
    let found = compare(&good.listing.files, &tree.listing.files, &BTreeSet::new());
    faults.extend(found.differences.iter().filter_map(told));
    faults
}

fn parts(manifest: &[u8], tree: &FoundTree) -> Vec<String> {
    let mut faults = Vec::new();
    if manifest != tree.manifest {
        faults.push("manifest: content".to_owned());
    }
    let stray = tree.stray.iter();
    faults.extend(stray.map(|name| format!("{name:?}: is not part of the image")));
    faults
}

/// Directories that no entry names and that extraction makes for what lies in them, sorted.
fn implied(archive: &Listing) -> BTreeSet<Vec<u8>> {
    let files = archive.files.files();
    let named: BTreeSet<&[u8]> = files.iter().map(|file| &*file.path).collect();
    let mut implied = BTreeSet::new();
    for file in files {
        let mut path = &*file.path;
        while let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
            path = &path[..slash];
            if named.contains(path) || !implied.insert(path.to_owned()) {
                break;
            }
        }
    }
    if !named.contains(&b""[..]) {
        implied.insert(Vec::new());
    }
    implied
}

fn is_as_made(tree: &Listing, path: &[u8]) -> bool {
    let found = tree.files.files().iter().find(|file| *file.path == *path);
    // The root is left to the store's owner alone where the archive does not name it.
    found.is_some_and(|file| {
        file.kind == FileKind::Directory
            && (file.mode == 0o755 || path.is_empty())
            && file.xattrs.is_empty()
    })
}

/// What extraction leaves out on purpose, and what file systems cannot keep.
fn is_expected(change: &AttributeChange, ownership: Ownership) -> bool {
    match (&change.xattr, &change.old, &change.new) {
        (Some(name), Value::Xattr(Some(_)), Value::Xattr(None)) => !is_kept(name, ownership),
        (None, Value::Time(old), Value::Time(new)) => {
            old.seconds == new.seconds && new.nanoseconds == 0
        }
        _ => false,
    }
}

/// One line, unless nothing that counts is left.
fn told(difference: &FileDifference) -> Option<String> {
    let name = EntryName::from(match difference.path.as_slice() {
        b"" => &b"."[..],
        path => path,
    });
    match &difference.change {
        FileChange::Removed(kind) => Some(format!("{name:?}: {kind} is missing")),
        FileChange::Added(kind) => Some(format!("{name:?}: {kind} is not part of the image")),
        FileChange::Changed(changes) if changes.is_empty() => None,
        FileChange::Changed(changes) => {
            let mut what: Vec<&str> = changes.iter().map(|c| c.attribute.name()).collect();
            what.dedup();
            Some(format!("{name:?}: {}", what.join(", ")))
        }
    }
}
