//! One tree for an image and all that it depends on, where their trees laid over each other do not do.

use std::path::PathBuf;

use gantry_archive::render::{ImageTree, Images};
use gantry_store::{TreeId, TreeStaging};
use gantry_types::ImageId;
use gantry_types::render::FlatList;

use super::{FetchError, Fetcher};

/// How the root of an image comes about.
pub(super) enum Root {
    /// Its trees are laid over each other.
    Overlay,
    /// It is rendered when somebody runs it: nobody has asked for it but the image that depends on it.
    RenderedLater,
    /// It is rendered.
    Rendered(TreeStaging),
}

impl Fetcher<'_, '_> {
    /// Renders the image, whose own tree is at `own`, if it needs that.
    ///
    /// This is the only time at which all files of an image are looked at, so that a pod starts as quickly
    /// with a large image as with a small one.
    pub(super) fn root(
        &self,
        flat: &FlatList,
        own: PathBuf,
        image: &str,
    ) -> Result<Root, FetchError> {
        let store = self.context.store;
        let failed = |source| FetchError::Render {
            image: image.to_owned(),
            source,
        };
        let place = |(index, id): (usize, ImageId)| match index {
            0 => own.clone(),
            _ => store.tree_path(&TreeId::of_images(&[id])),
        };
        let trees = (flat.distinct().into_iter().enumerate())
            .map(|image| ImageTree::open(&place(image)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let images = Images::read(flat.clone(), trees).map_err(failed)?;
        let plan = images.plan();
        if plan.is_overlay {
            return Ok(Root::Overlay);
        }
        if !self.chain.is_empty() {
            return Ok(Root::RenderedLater);
        }
        let staging = TreeStaging::new(store)?;
        images
            .render_tree(&plan, staging.dir(), self.context.ownership)
            .map_err(failed)?;
        Ok(Root::Rendered(staging))
    }
}
