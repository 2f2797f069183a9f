//! The images beneath an image.

use gantry_store::{ImageRecord, Lease, TreeId, Verdict};
use gantry_types::{Dependency, ImageManifest, ImageName};

use super::{FetchError, Fetcher, Notice, with_version};

/// Longest way from an image down to the last of its dependencies.
const MAX_DEPTH: usize = 32;

/// The dependencies of one image, kept in the store while they are held here.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    images: Vec<(Lease, ImageRecord)>,
}

impl Dependencies {
    /// The trees of an image with these dependencies, topmost first: its own, then those of the last
    /// dependency, and so on to the first. Source: appc spec, pkg/acirenderer.
    pub(super) fn trees_below(&self, own: TreeId) -> Vec<TreeId> {
        let mut trees = vec![own];
        for (_, record) in self.images.iter().rev() {
            for tree in &record.trees {
                // An image that several others depend on counts where it stands highest.
                if !trees.contains(tree) {
                    trees.push(tree.clone());
                }
            }
        }
        trees
    }
}

impl Fetcher<'_, '_> {
    /// Fetches what `manifest` depends on.
    pub(super) fn dependencies(
        &mut self,
        manifest: &ImageManifest,
    ) -> Result<Dependencies, FetchError> {
        let mut found = Dependencies::default();
        if manifest.dependencies.is_empty() {
            return Ok(found);
        }
        if self.chain.len() >= MAX_DEPTH {
            return Err(FetchError::TooDeep {
                name: manifest.name.clone(),
                limit: MAX_DEPTH,
            });
        }
        self.chain.push(manifest.image_name());
        // A signature given by the user is that of the image asked for, not of those beneath it.
        let signature = self.signature.take();
        let fetched = manifest.dependencies.iter().try_for_each(|dependency| {
            let (lease, record) = self.dependency(dependency)?;
            self.warn_of_waiver(&record, manifest);
            found.images.push((lease, record));
            Ok(())
        });
        self.signature = signature;
        self.chain.pop();
        fetched.map(|()| found)
    }

    /// A signed image is listed as signed whatever lies beneath it, so this is the moment to tell.
    fn warn_of_waiver(&mut self, dependency: &ImageRecord, manifest: &ImageManifest) {
        if let Verdict::Waived { option } = &dependency.verdict
            && !self.insecure.image()
        {
            self.notice(&Notice::Problem(format!(
                "dependency {} of {} was not checked when it was fetched with {option}",
                with_version(&dependency.image_name()),
                manifest.name
            )));
        }
    }

    fn dependency(&mut self, wanted: &Dependency) -> Result<(Lease, ImageRecord), FetchError> {
        let name = ImageName {
            name: wanted.image_name.clone(),
            labels: wanted.labels.clone(),
        };
        let answers =
            |image: &ImageName| image.name == name.name && image.labels.satisfy(&name.labels);
        if self.chain.iter().any(answers) {
            let chain = self
                .chain
                .iter()
                .chain([&name])
                .map(|name| name.name.to_string());
            return Err(FetchError::Cycle {
                name: name.name.clone(),
                chain: chain.collect(),
            });
        }
        let id = self.by_name(&name).map_err(|source| match source {
            // Told once, from the top.
            FetchError::Cycle { .. } | FetchError::TooDeep { .. } => source,
            source => FetchError::Dependency {
                name: name.name.clone(),
                source: Box::new(source),
            },
        })?;
        let (lease, record) = self.context.store.use_image(&id)?;
        if let Some(hash) = &wanted.image_id
            && !id.hex().starts_with(hash.value())
        {
            return Err(FetchError::DependencyId {
                name: name.name,
                found: id.to_string(),
                wanted: hash.clone(),
            });
        }
        let size = record.layers.iter().map(|layer| layer.size).sum();
        if wanted.size != 0 && size != wanted.size {
            let name = name.name;
            return Err(FetchError::DependencySize {
                name,
                found: size,
                wanted: wanted.size,
            });
        }
        Ok((lease, record))
    }
}
