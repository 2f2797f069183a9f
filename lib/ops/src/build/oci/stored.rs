//! Beginning with an OCI or Docker image of the store.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_archive::extract::Ownership;
use gantry_archive::layer::flatten;
use gantry_archive::snapshot::Snapshot;
use gantry_store::{Store, StoreError};
use gantry_types::oci::{Digest, ImageConfig, Manifest, MediaType};
use gantry_types::{ImageId, MAX_MANIFEST_BYTES};
use rustix::fs::{CWD, Mode, OFlags};

use super::super::context::{ROOTFS, open_dir, write_file};
use super::super::error::at;
use super::layers::SNAPSHOT;
use super::{LATEST, OciBuildError, OciImage, blobs};

/// An OCI or Docker image of the store. Who has it holds a lease on the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOci {
    /// What it is called in messages.
    shown: PathBuf,
    manifest: Manifest,
    config: ImageConfig,
    tag: String,
    /// Its manifest as an App Container image.
    aci: Vec<u8>,
    /// The blobs of its layers, lowest first.
    blobs: Vec<PathBuf>,
    /// Their trees, topmost first.
    trees: Vec<PathBuf>,
}

impl StoredOci {
    /// Finds out what there is of an image; `None` for an App Container image.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for an image that is not in the store, or is damaged.
    pub fn find(store: &Store, id: &ImageId) -> Result<Option<Self>, StoreError> {
        let record = store.record(id)?;
        let (Some(oci), Some(aci)) = (&record.oci, store.derived_manifest(&record)?) else {
            return Ok(None);
        };
        let failed = |path: &Path, source| StoreError::Io {
            operation: "read",
            path: path.to_owned(),
            source,
        };
        let read = |digest: &Digest| -> Result<(PathBuf, Vec<u8>), StoreError> {
            let path = store.blob_path(digest);
            let mut bytes = Vec::new();
            File::open(&path)
                .and_then(|file| {
                    file.take(MAX_MANIFEST_BYTES as u64 + 1)
                        .read_to_end(&mut bytes)
                })
                .map_err(|source| failed(&path, source))?;
            Ok((path, bytes))
        };
        let (path, manifest) = read(&oci.manifest)?;
        let manifest = Manifest::from_json(&manifest, None)
            .map_err(|error| failed(&path, io::Error::other(error)))?;
        let (path, config) = read(&oci.config)?;
        let config = ImageConfig::from_json(&config)
            .map_err(|error| failed(&path, io::Error::other(error)))?;
        let version = record.labels.get("version").unwrap_or(LATEST);
        Ok(Some(Self {
            shown: oci.original.clone().into(),
            tag: version.to_owned(),
            aci: aci.to_json(),
            blobs: manifest
                .layers
                .iter()
                .map(|layer| store.blob_path(&layer.digest))
                .collect(),
            trees: record
                .root_trees()
                .iter()
                .map(|tree| store.tree_path(tree))
                .collect(),
            manifest,
            config,
        }))
    }

    /// What it is called in messages.
    #[must_use]
    pub(in crate::build) fn shown(&self) -> &Path {
        &self.shown
    }

    /// Its manifest as an App Container image.
    pub(in crate::build) fn aci(&self) -> &[u8] {
        &self.aci
    }

    /// Makes one tree of all layers, as `rootfs` in `image`.
    pub(in crate::build) fn make_tree(
        &self,
        image: BorrowedFd<'_>,
        ownership: Ownership,
    ) -> Result<(), OciBuildError> {
        let open = |tree: &PathBuf| -> Result<OwnedFd, OciBuildError> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let path = tree.join(ROOTFS);
            Ok(rustix::fs::openat(CWD, &path, flags, Mode::empty()).map_err(at(path))?)
        };
        let roots = self.trees.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let roots: Vec<BorrowedFd<'_>> = roots.iter().map(|root| root.as_fd()).collect();
        flatten(&roots, (image, ROOTFS.as_ref()), ownership)
            .map_err(|error| OciBuildError::Flatten(Box::new(error)))
    }

    /// Takes the layers and the documents over; `context` gets the snapshot of the tree.
    pub(in crate::build) fn take(
        &self,
        image: BorrowedFd<'_>,
        context: BorrowedFd<'_>,
    ) -> Result<OciImage, OciBuildError> {
        blobs::make(image)?;
        for (layer, path) in self.manifest.layers.iter().zip(&self.blobs) {
            let file = File::open(path).map_err(|source| OciBuildError::Target {
                path: path.clone(),
                source,
            })?;
            blobs::adopt(image, &layer.digest, &file)?;
        }
        let tree = open_dir(image, ROOTFS).map_err(at(ROOTFS))?;
        let taken = Snapshot::take(tree.as_fd())?.to_bytes();
        write_file(context, SNAPSHOT, &taken)?;
        let mut manifest = self.manifest.clone();
        // Docker's manifest becomes one of OCI, whose layers are the same bytes under another name.
        manifest.media_type = MediaType::OciManifest;
        for layer in &mut manifest.layers {
            if let MediaType::DockerLayer(packing) = layer.media_type {
                layer.media_type = MediaType::OciLayer(packing);
            }
        }
        let mut taken = OciImage {
            manifest,
            config: self.config.clone(),
            tag: LATEST.to_owned(),
        };
        // What is no name in a layout is none.
        let _ = taken.set_tag(&self.tag);
        Ok(taken)
    }
}
