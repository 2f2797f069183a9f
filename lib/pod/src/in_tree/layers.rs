//! The images that a tree is laid over.

use std::path::PathBuf;

use gantry_store::Store;
use gantry_types::ImageId;

use crate::image::StoredImage;
use crate::prepare_error::PrepareError;

/// The roots of images of the store, which keeps them for as long as this lives.
#[derive(Debug)]
pub struct Layers {
    /// Absolute paths, top first, each once.
    pub lower: Vec<PathBuf>,
    _images: Vec<StoredImage>,
}

impl Layers {
    /// Opens the images that an image depends on, in the order of its manifest: the last is the topmost.
    ///
    /// Source: appc spec, pkg/acirenderer/resolve.go.
    ///
    /// # Errors
    ///
    /// [`PrepareError`] for one that is not in the store, or whose trees are not.
    pub fn of(store: &Store, images: &[ImageId]) -> Result<Self, PrepareError> {
        let images = images
            .iter()
            .map(|id| StoredImage::load(store, id))
            .collect::<Result<Vec<_>, _>>()?;
        let mut lower = Vec::new();
        for tree in images.iter().rev().flat_map(|image| &image.trees) {
            // The kernel takes no directory twice, and what lies lower is hidden anyway.
            if !lower.contains(&tree.rootfs) {
                lower.push(tree.rootfs.clone());
            }
        }
        Ok(Self {
            lower,
            _images: images,
        })
    }
}
