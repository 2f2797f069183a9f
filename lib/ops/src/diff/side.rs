//! One of two images, read as far as it is compared.

use std::os::fd::AsFd;
use std::path::Path;

use gantry_archive::aci;
use gantry_archive::list::{ListOptions, Listing, list, list_tree};

use super::{DiffError, Scope, Side};
use crate::layout::LayoutParts;

/// An image as read.
pub(super) struct Opened {
    pub(super) side: Side,
    /// The manifest as it is stored.
    pub(super) manifest: Vec<u8>,
    /// The files, unless the manifest alone was wanted.
    pub(super) listing: Option<Listing>,
}

impl Opened {
    pub(super) fn read(path: &Path, scope: Scope) -> Result<Self, DiffError> {
        let unopened = |source| DiffError::Open {
            path: path.to_owned(),
            source,
        };
        let options = ListOptions {
            digests: true,
            ..ListOptions::default()
        };
        if std::fs::metadata(path).map_err(unopened)?.is_dir() {
            return Self::read_layout(path, scope, &options);
        }
        let file = crate::open_input(path).map_err(unopened)?;
        let failed = |source| DiffError::Image {
            path: path.to_owned(),
            source,
        };
        let nothing = Side {
            compression: None,
            image_id: None,
        };
        if scope == Scope::Manifest {
            return Ok(Self {
                side: nothing,
                manifest: aci::read_manifest(file).map_err(failed)?,
                listing: None,
            });
        }
        let mut listing = list(file, &options).map_err(failed)?;
        Ok(Self {
            side: Side {
                compression: Some(listing.compression),
                image_id: Some(listing.image_id),
            },
            manifest: std::mem::take(&mut listing.manifest),
            listing: Some(listing),
        })
    }

    fn read_layout(path: &Path, scope: Scope, options: &ListOptions) -> Result<Self, DiffError> {
        let parts = LayoutParts::read(path)
            .and_then(|parts| parts.without_stray())
            .map_err(|source| DiffError::Layout {
                path: path.to_owned(),
                source,
            })?;
        let listing = match scope {
            Scope::Manifest => None,
            Scope::All | Scope::Files => {
                let listed = list_tree(&parts.manifest, parts.rootfs.as_fd(), options);
                Some(listed.map_err(|source| DiffError::Tree {
                    path: path.to_owned(),
                    source,
                })?)
            }
        };
        Ok(Self {
            side: Side {
                compression: None,
                image_id: None,
            },
            manifest: parts.manifest,
            listing,
        })
    }
}
