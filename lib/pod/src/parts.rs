//! The trees of an image and of those it depends on, to make one root of them.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use gantry_archive::extract::Ownership;
use gantry_archive::layer::flatten;
use gantry_archive::render::{ImageTree, Images, RenderError};
use gantry_store::{ImageKind, ImageRecord, Store, StoreError, TreeId, TreeStaging};
use gantry_types::render::FlatList;

use crate::file;
use crate::prepare_error::PrepareError;

/// Where the trees are.
#[derive(Debug)]
pub(crate) struct Parts {
    flat: FlatList,
    /// In the order of [`FlatList::distinct`].
    trees: Vec<PathBuf>,
    /// Whether the trees are layers, which say what is not there as well.
    pub(crate) layers: bool,
}

impl Parts {
    /// Those of an image in the store, which a lease keeps there.
    pub(crate) fn of(store: &Store, record: &ImageRecord) -> Self {
        Self {
            flat: record.flat_list(),
            trees: record.trees.iter().map(|id| store.tree_path(id)).collect(),
            layers: record.kind == ImageKind::Oci,
        }
    }

    /// Makes the root as the new directory `to.1` in `to.0`.
    pub(crate) fn render(
        &self,
        to: (BorrowedFd<'_>, &OsStr),
        ownership: Ownership,
    ) -> Result<(), PrepareError> {
        if self.layers {
            return self.flatten(to, ownership);
        }
        let render = || {
            let images = self.read()?;
            images.render(&images.plan(), to, ownership)
        };
        render().map_err(|source| self.failed(source))
    }

    fn flatten(
        &self,
        to: (BorrowedFd<'_>, &OsStr),
        ownership: Ownership,
    ) -> Result<(), PrepareError> {
        let mut roots = Vec::new();
        for tree in &self.trees {
            let path = tree.join("rootfs");
            let root = file::open_dir(rustix::fs::CWD, &path);
            roots.push(root.map_err(|source| PrepareError::Tree { path, source })?);
        }
        let roots: Vec<_> = roots.iter().map(AsFd::as_fd).collect();
        flatten(&roots, to, ownership).map_err(|source| PrepareError::Flatten {
            image: self.flat.top(),
            source,
        })
    }

    /// Renders the tree of the image once more, to be in the store as after its fetch.
    pub(crate) fn restore(&self, store: &Store, rendered: &TreeId) -> Result<(), PrepareError> {
        let kept = |source: StoreError| PrepareError::Keep {
            image: self.flat.top(),
            source: Box::new(source),
        };
        let staging = TreeStaging::new(store).map_err(kept)?;
        let ownership = crate::rootless::ownership();
        let render = || {
            let images = self.read()?;
            images.render_tree(&images.plan(), staging.dir(), ownership)
        };
        render().map_err(|source| self.failed(source))?;
        staging.restore(store, rendered).map_err(kept)
    }

    fn read(&self) -> Result<Images, RenderError> {
        let trees = self.trees.iter().map(|path| ImageTree::open(path));
        Images::read(self.flat.clone(), trees.collect::<Result<_, _>>()?)
    }

    fn failed(&self, source: RenderError) -> PrepareError {
        PrepareError::Render {
            image: self.flat.top(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::SystemTime;

    use gantry_types::{ImageId, RootKind, RootPlan};

    use crate::request::{AppRequest, PrepareRequest};
    use crate::sample::{APP, Sample, uuid};

    use super::*;

    /// An app with a path whitelist, or without, over a base; each has a file of its own and one of the
    /// same name.
    fn images(sample: &Sample, whitelist: &str) -> ImageId {
        let base = sample.image("example.test/base", "");
        let app = sample.image("example.test/app", &format!("{APP}{whitelist}"));
        let mut record = sample.store.record(&app).unwrap();
        let root = |id: ImageId| {
            sample
                .store
                .tree_path(&TreeId::of_images(&[id]))
                .join("rootfs")
        };
        for (id, text) in [(base, "base"), (app, "app")] {
            fs::write(root(id).join("file"), text).unwrap();
            fs::write(root(id).join(text), text).unwrap();
        }
        let flat = FlatList::over(app, &[FlatList::single(base)]).unwrap();
        record.trees.push(TreeId::of_images(&[base]));
        record.rendered = (!whitelist.is_empty()).then(|| TreeId::rendered(&flat));
        record.flat = Some(flat);
        sample.store.publish_image(&record).unwrap();
        app
    }

    fn prepare(sample: &Sample, image: ImageId, no_overlay: bool, number: u8) -> PathBuf {
        let request = PrepareRequest {
            apps: vec![AppRequest::new(image)],
            no_overlay,
            ..PrepareRequest::default()
        };
        let now = SystemTime::now();
        let prepared = sample
            .pods
            .prepare(uuid(number), &request, &sample.store, now);
        prepared.unwrap().keep().unwrap();
        sample.pods.get(uuid(number)).unwrap().unwrap().path()
    }

    fn names(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn without_overlay_an_image_and_those_beneath_become_one_copy() {
        let sample = Sample::new();
        let image = images(&sample, "");
        let root = prepare(&sample, image, true, 1).join("stage1/rootfs/opt/stage2/app/rootfs");
        assert_eq!(names(&root), ["app", "base", "file"]);
        assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "app");
    }

    #[test]
    fn a_rendered_tree_that_is_missing_is_made_again_and_used_either_way() {
        let sample = Sample::new();
        let image = images(&sample, r#","pathWhitelist":["/base"]"#);
        let record = sample.store.record(&image).unwrap();
        let rendered = record.rendered.unwrap();
        assert!(!sample.store.has_tree(&rendered));
        let pod = prepare(&sample, image, false, 2);
        let tree = sample.store.tree_path(&rendered);
        assert_eq!(names(&tree), ["manifest", "rootfs"]);
        assert_eq!(names(&tree.join("rootfs")), ["base"]);
        let plan = RootPlan::from_json(&fs::read(pod.join("rootfs.json")).unwrap()).unwrap();
        if let RootKind::Overlay { lower, .. } = &plan.apps[0].kind {
            assert_eq!(lower, &[tree.join("rootfs")]);
        }
        // The pod keeps the tree, also without the image.
        let in_use = sample.pods.in_use().unwrap();
        assert!(in_use.trees.contains(&rendered));
        let root = prepare(&sample, image, true, 3).join("stage1/rootfs/opt/stage2/app/rootfs");
        assert_eq!(names(&root), ["base"]);
    }
}
