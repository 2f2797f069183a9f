//! An image of the store, held for as long as a pod is made of it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use gantry_store::{Lease, Store, TreeId, Verdict};
use gantry_types::{ImageId, ImageManifest};

use crate::file;
use crate::parts::Parts;
use crate::prepare_error::PrepareError;

/// An image with its trees open. Nobody removes it from the store as long as this lives.
#[derive(Debug)]
pub(crate) struct StoredImage {
    pub(crate) id: ImageId,
    pub(crate) manifest: ImageManifest,
    pub(crate) manifest_json: Vec<u8>,
    /// Nobody has checked who made it.
    pub(crate) unverified: bool,
    /// Topmost first; never empty.
    pub(crate) trees: Vec<StoredTree>,
    /// What its root is made of where the trees cannot be laid over each other.
    pub(crate) parts: Parts,
    _lease: Lease,
}

/// An extracted tree of an image.
#[derive(Debug)]
pub(crate) struct StoredTree {
    pub(crate) id: TreeId,
    /// Absolute path of its `rootfs`.
    pub(crate) rootfs: PathBuf,
    /// Its directory, which holds `rootfs`.
    pub(crate) dir: OwnedFd,
}

impl StoredImage {
    /// Takes a lease on the image and reads its manifest; the cost does not depend on its size, unless it
    /// has to be rendered first: nobody has fetched it but as a dependency, or the rendered tree was removed.
    pub(crate) fn load(store: &Store, id: &ImageId) -> Result<Self, PrepareError> {
        let (lease, record) = store.use_image(id).map_err(|source| PrepareError::Image {
            id: *id,
            source: Box::new(source),
        })?;
        let parts = Parts::of(store, &record);
        if let Some(rendered) = &record.rendered
            && !store.has_tree(rendered)
        {
            parts.restore(store, rendered)?;
        }
        let mut trees: Vec<StoredTree> = Vec::new();
        for tree in record.root_trees().to_owned() {
            // The kernel takes no directory twice; what lies lower is hidden by the same one above.
            if trees.iter().any(|known| known.id == tree) {
                continue;
            }
            let path = store.tree_path(&tree);
            let io = |source| PrepareError::Tree {
                path: path.clone(),
                source,
            };
            let path = std::path::absolute(&path).map_err(io)?;
            let dir = file::open_dir(rustix::fs::CWD, &path).map_err(io)?;
            trees.push(StoredTree {
                id: tree,
                rootfs: path.join("rootfs"),
                dir,
            });
        }
        let missing = || PrepareError::Tree {
            path: store.root().join("trees"),
            source: io::ErrorKind::NotFound.into(),
        };
        let derived = store.derived_manifest(&record);
        let derived = derived.map_err(|source| PrepareError::Image {
            id: *id,
            source: Box::new(source),
        })?;
        let (manifest, manifest_json) = match derived {
            Some(manifest) => {
                let json = manifest.to_json();
                (manifest, json)
            }
            None => {
                let top = trees.first().ok_or_else(missing)?;
                let json = file::read(top.dir.as_fd(), "manifest")
                    .map_err(|source| PrepareError::Tree {
                        path: store.tree_path(&top.id),
                        source,
                    })?
                    .ok_or_else(missing)?;
                let manifest = ImageManifest::from_json(&json).map_err(|source| {
                    PrepareError::ImageManifest {
                        id: *id,
                        source: Box::new(source),
                    }
                })?;
                (manifest, json)
            }
        };
        Ok(Self {
            id: *id,
            manifest,
            manifest_json,
            unverified: matches!(record.verdict, Verdict::Waived { .. }),
            trees,
            parts,
            _lease: lease,
        })
    }
}
