//! Keeping the store below a size.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gantry_types::ImageId;

use crate::digest::Digest;
use crate::error::StoreError;
use crate::gc::{AskInUse, BATCH, GcReport, ask};
use crate::record::ImageRecord;
use crate::store::Store;
use crate::tree_id::TreeId;

/// Bytes of a block as stat(2) counts them.
const BLOCK: u64 = 512;

/// What blobs and trees take on the disk, and how many records refer to each.
#[derive(Default)]
struct Sizes {
    blobs: HashMap<Digest, (u64, usize)>,
    trees: HashMap<TreeId, (u64, usize)>,
}

impl Sizes {
    fn of(store: &Store, images: &[ImageRecord]) -> Self {
        let mut sizes = Self::default();
        for image in images {
            for digest in image.blobs() {
                let size =
                    || fs::symlink_metadata(store.blob_path(digest)).map_or(0, |m| taken(&m));
                let entry = sizes.blobs.entry(digest.clone());
                entry.or_insert_with(|| (size(), 0)).1 += 1;
            }
            for tree in image.all_trees() {
                let entry = sizes.trees.entry(tree.clone());
                let size = || disk_use(&store.tree_path(tree));
                entry.or_insert_with(|| (size(), 0)).1 += 1;
            }
        }
        sizes
    }

    /// Notes that a record is gone, and gives the bytes that nothing refers to any more.
    fn without(&mut self, image: &ImageRecord, used: &HashSet<TreeId>) -> u64 {
        let mut freed = 0;
        for digest in image.blobs() {
            freed += self.blobs.get_mut(digest).map_or(0, forget);
        }
        for tree in image.all_trees() {
            let size = self.trees.get_mut(tree).map_or(0, forget);
            freed += if used.contains(tree) { 0 } else { size };
        }
        freed
    }

    /// Undoes [`without`](Self::without): the record is still there.
    fn with(&mut self, image: &ImageRecord) {
        for digest in image.blobs() {
            if let Some((_, count)) = self.blobs.get_mut(digest) {
                *count += 1;
            }
        }
        for tree in image.all_trees() {
            if let Some((_, count)) = self.trees.get_mut(tree) {
                *count += 1;
            }
        }
    }
}

fn forget((size, count): &mut (u64, usize)) -> u64 {
    *count = count.saturating_sub(1);
    if *count == 0 { *size } else { 0 }
}

impl Store {
    /// Removes images, the least recently used first, until the store takes at most `most` bytes of the disk,
    /// and adds what was done to `report`, with the size of the store afterwards.
    ///
    /// Images that a pod, a fetch or another command uses stay, so that the store may stay larger. What the
    /// removed images alone needed goes with them.
    ///
    /// # Errors
    ///
    /// As for [`Store::gc`].
    pub fn shrink(
        &self,
        most: u64,
        in_use: &mut AskInUse<'_>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let mut images = self.list()?.images;
        images.sort_by_key(|image| std::cmp::Reverse((image.last_used, image.id)));
        let mut sizes = Sizes::of(self, &images);
        let used = ask(self, in_use)?;
        let mut size = disk_use(self.root());
        images.retain(|image| !used.images.contains(&image.id));
        let (mut blobs, mut trees) = (Vec::new(), Vec::new());
        while size > most && !images.is_empty() {
            // As many as should do; some of them may turn out to be in use.
            let mut chosen = Vec::new();
            let mut expected = size;
            while expected > most
                && chosen.len() < BATCH
                && let Some(image) = images.pop()
            {
                expected = expected.saturating_sub(sizes.without(&image, &used.trees));
                chosen.push(image);
            }
            let batch: Vec<(ImageId, u64)> = (chosen.iter())
                .map(|image| (image.id, image.last_used.saturating_add(1)))
                .collect();
            let before = report.images.len();
            self.collect_images(&batch, in_use, report)?;
            let removed: HashSet<ImageId> = report.images[before..].iter().copied().collect();
            chosen.iter().for_each(|image| sizes.with(image));
            for image in chosen.iter().filter(|image| removed.contains(&image.id)) {
                size = size.saturating_sub(sizes.without(image, &used.trees));
                blobs.extend(image.blobs().cloned());
                trees.extend(image.all_trees().cloned());
            }
        }
        trees.sort();
        trees.dedup();
        self.sweep_trees(trees, in_use, report)?;
        self.sweep_blobs(blobs, report)?;
        report.size = Some(disk_use(self.root()));
        Ok(())
    }
}

fn taken(meta: &Metadata) -> u64 {
    meta.blocks().saturating_mul(BLOCK)
}

/// Bytes that everything at and beneath `path` takes on the disk; a file with several names counts once.
///
/// What cannot be read, or is removed meanwhile, counts as nothing.
fn disk_use(path: &Path) -> u64 {
    let mut seen = HashSet::new();
    let mut sum = 0;
    let mut queue = vec![PathBuf::from(path)];
    while let Some(path) = queue.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten();
            queue.extend(entries.filter_map(io::Result::ok).map(|entry| entry.path()));
        } else if meta.nlink() > 1 && !seen.insert((meta.dev(), meta.ino())) {
            continue;
        }
        sum += taken(&meta);
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::InUse;
    use crate::publish::time_of;
    use crate::test_image::{assert_whole, id, nothing, publish, record};

    /// Five images with a tree of some 40 KiB each, used in the order of their numbers.
    fn world() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for byte in 1..=5 {
            let record = publish(&store, &record("example.com/app:1", byte)).unwrap();
            let root = store.tree_path(&record.trees[0]).join("rootfs");
            fs::write(root.join("file"), vec![byte; 40_000]).unwrap();
            fs::hard_link(root.join("file"), root.join("other")).unwrap();
            store.touch(&id(byte), time_of(u64::from(byte) * 1_000_000_000));
        }
        (dir, store)
    }

    fn shrink(store: &Store, most: u64, in_use: &mut AskInUse<'_>) -> GcReport {
        let mut report = GcReport::default();
        store.shrink(most, in_use, &mut report).unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        report
    }

    #[test]
    fn the_least_recently_used_go_until_the_rest_fits() {
        let (_dir, store) = world();
        let size = disk_use(store.root());
        assert!(size > 200_000 && size < 600_000, "{size}");
        assert!(shrink(&store, size, &mut nothing).images.is_empty());
        store.touch(&id(1), SystemTime::now());
        let report = shrink(&store, size - 80_000, &mut nothing);
        assert_eq!(report.images, [id(2), id(3)]);
        assert_eq!(report.trees.len(), 2);
        assert!(report.size.unwrap() <= size - 80_000, "{report:?}");
        for byte in [1, 4, 5] {
            assert_whole(&store, &store.record(&id(byte)).unwrap());
        }
        assert_eq!(shrink(&store, 0, &mut nothing).images.len(), 3);
        assert!(store.list().unwrap().images.is_empty());
    }

    #[test]
    fn what_is_in_use_stays_whatever_the_size() {
        let (_dir, store) = world();
        let lease = store.lease(&id(1)).unwrap();
        let mut used = InUse::default();
        used.images.insert(id(2));
        let kept = store.record(&id(3)).unwrap().trees[0].clone();
        used.trees.insert(kept.clone());
        let report = shrink(&store, 0, &mut || Ok(used.clone()));
        assert_eq!(report.images, [id(3), id(4), id(5)]);
        assert!(store.has_tree(&kept), "a pod is made of it");
        assert!(report.size.unwrap() > 80_000);
        drop(lease);
        for byte in [1, 2] {
            assert_whole(&store, &store.record(&id(byte)).unwrap());
        }
    }

    #[test]
    fn what_images_share_counts_when_the_last_of_them_goes() {
        let (_dir, store) = world();
        let shared = store.record(&id(5)).unwrap().trees[0].clone();
        for byte in 1..=4 {
            let mut record = store.record(&id(byte)).unwrap();
            record.trees.push(shared.clone());
            store.publish_image(&record).unwrap();
        }
        let size = disk_use(store.root());
        let report = shrink(&store, size - 1, &mut nothing);
        assert_eq!(report.images.len(), 1);
        assert!(store.has_tree(&shared));
        let grace = Duration::MAX;
        store.gc(grace, SystemTime::now(), &mut nothing).unwrap();
        assert!(store.has_tree(&shared));
    }
}
