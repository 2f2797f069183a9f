//! Removing images and collecting garbage.
//!
//! Removal only unlinks, so it works on a full disk. The order is the reverse of publishing: the record
//! first (**the image is gone**), then look-up entries, then blobs and trees that no other record and no
//! pod needs. Whatever a killed removal leaves is garbage for the next collection.
//!
//! What somebody may be using is locked by them: images by leases, staging directories, hidden files and
//! downloads by their makers, blobs and trees by the fetch that is about to refer to them. The collector
//! first takes the exclusive lock, then asks whether the thing is still unused, then removes it. Pods
//! hold no lock; the caller tells which images and trees they use, and is asked after the locks are
//! taken: a pod that was prepared before then is seen, one that is prepared later finds the image gone.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::remove_tree::remove_path;
use gantry_sys::sync::sync_dir;
use gantry_types::ImageId;

use crate::crash;
use crate::digest::{Algorithm, Digest};
use crate::error::StoreError;
use crate::lease::LockOut;
use crate::names::leave_record;
use crate::record::{ImageRecord, nanos};
use crate::staged_file::hidden_name;
use crate::store::Store;
use crate::tree_id::TreeId;

/// Number of things locked at once; each lock is a descriptor.
pub(crate) const BATCH: usize = 128;

/// What pods use.
#[derive(Debug, Default, Clone)]
pub struct InUse {
    /// Images named by pods.
    pub images: HashSet<ImageId>,
    /// Trees that are part of a pod's root file system.
    pub trees: HashSet<TreeId>,
}

/// Tells what pods use at the time of the call.
pub type AskInUse<'a> = dyn FnMut() -> io::Result<InUse> + 'a;

/// What records refer to.
struct References {
    blobs: HashSet<Digest>,
    trees: HashSet<TreeId>,
}

/// What a collection did.
#[derive(Debug, Default)]
pub struct GcReport {
    /// Images whose records were removed.
    pub images: Vec<ImageId>,
    /// Trees removed.
    pub trees: Vec<TreeId>,
    /// Number of blobs, partial downloads and abandoned staging files and directories removed.
    pub leftovers: usize,
    /// Bytes of the disk that the store took in the end, where a bound was given.
    pub size: Option<u64>,
    /// What could not be read or removed; the rest was done nevertheless.
    pub problems: Vec<StoreError>,
}

impl Store {
    /// Removes an image, with the blobs and trees that nothing else needs.
    ///
    /// Pods that use its trees keep them.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] while a fetch or prepare uses it, [`StoreError::Missing`] if it is not
    /// there. A damaged record is removed all the same.
    pub fn remove(&self, id: &ImageId, in_use: &mut AskInUse<'_>) -> Result<(), StoreError> {
        let lock = self.lock_out(id)?.ok_or(StoreError::InUse { id: *id })?;
        let record = match self.record(id) {
            Ok(record) => Some(record),
            Err(StoreError::Damaged { .. } | StoreError::Foreign { .. }) => None,
            Err(error @ StoreError::Missing { .. }) => {
                lock.retire();
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        self.unpublish(id, record.as_ref(), lock)?;
        let Some(record) = record else { return Ok(()) };
        let mut report = GcReport::default();
        let blobs = record.blobs().cloned().collect();
        self.sweep_blobs(blobs, &mut report)?;
        let trees = record.all_trees().cloned().collect();
        self.sweep_trees(trees, in_use, &mut report)?;
        report.problems.into_iter().next().map_or(Ok(()), Err)
    }

    /// Removes images unused for longer than `grace` at `now`, and everything that nothing refers to.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the store's directories cannot be read or `in_use` fails; what goes wrong
    /// with single images, blobs and trees is in the report.
    pub fn gc(
        &self,
        grace: Duration,
        now: SystemTime,
        in_use: &mut AskInUse<'_>,
    ) -> Result<GcReport, StoreError> {
        let mut report = GcReport::default();
        let listing = self.list()?;
        report.problems.extend(listing.problems);
        let limit = nanos(now).saturating_sub(u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX));
        let old: Vec<(ImageId, u64)> = listing
            .images
            .iter()
            .filter(|image| image.last_used < limit)
            .map(|image| (image.id, limit))
            .collect();
        for batch in old.chunks(BATCH) {
            self.collect_images(batch, in_use, &mut report)?;
        }
        let trees = self.trees()?;
        self.sweep_trees(trees, in_use, &mut report)?;
        let blobs = self.blobs()?;
        self.sweep_blobs(blobs, &mut report)?;
        self.sweep_hidden(&mut report)?;
        self.sweep_ingest(now, &mut report)?;
        self.sweep_names(&mut report)?;
        Ok(report)
    }

    /// Removes images that were last used before the time given with each, and that nothing uses.
    pub(crate) fn collect_images(
        &self,
        batch: &[(ImageId, u64)],
        in_use: &mut AskInUse<'_>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let mut locked = Vec::new();
        for (id, limit) in batch {
            match self.lock_out(id) {
                Ok(Some(lock)) => locked.push((*id, *limit, lock)),
                Ok(None) => {}
                Err(error) => report.problems.push(error),
            }
        }
        let used = ask(self, in_use)?;
        for (id, limit, lock) in locked {
            // Read again: it may have been used, or removed, before we had the lock.
            let Ok(record) = self.record(&id) else {
                continue;
            };
            if record.last_used >= limit || used.images.contains(&id) {
                continue;
            }
            match self.unpublish(&id, Some(&record), lock) {
                Ok(()) => report.images.push(id),
                Err(error) => report.problems.push(error),
            }
        }
        Ok(())
    }

    fn unpublish(
        &self,
        id: &ImageId,
        record: Option<&ImageRecord>,
        lock: LockOut,
    ) -> Result<(), StoreError> {
        let path = self.record_path(id);
        fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        crash::point("unpublished");
        // Before its blobs go, or a power cut could bring back a record without them.
        sync_dir(&self.images_dir()).map_err(StoreError::io("sync", self.images_dir()))?;
        if let Some(record) = record {
            leave_record(self, record)?;
        }
        lock.retire();
        Ok(())
    }

    /// Blobs and trees that records refer to; `None` if a damaged record hides some of them.
    fn referenced(&self) -> Result<Option<References>, StoreError> {
        let listing = self.list()?;
        let damaged = |problem: &StoreError| {
            !matches!(problem, StoreError::Foreign { path, .. }
                if path.file_name().and_then(|n| n.to_str()).is_none_or(|n| !is_record_name(n)))
        };
        if listing.problems.iter().any(damaged) {
            return Ok(None);
        }
        let blobs = listing
            .images
            .iter()
            .flat_map(ImageRecord::blobs)
            .cloned()
            .collect();
        let trees = listing
            .images
            .iter()
            .flat_map(ImageRecord::all_trees)
            .cloned()
            .collect();
        Ok(Some(References { blobs, trees }))
    }

    pub(crate) fn sweep_trees(
        &self,
        mut candidates: Vec<TreeId>,
        in_use: &mut AskInUse<'_>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let Some(References { trees, .. }) = self.referenced()? else {
            return Ok(());
        };
        candidates.retain(|id| !trees.contains(id));
        for batch in candidates.chunks(BATCH) {
            let locked: Vec<_> = batch
                .iter()
                .filter_map(|id| Some((id, lock_out(&self.tree_path(id))?)))
                .collect();
            let Some(References { trees, .. }) = self.referenced()? else {
                return Ok(());
            };
            let used = ask(self, in_use)?;
            for (id, lock) in locked {
                if trees.contains(id) || used.trees.contains(id) {
                    continue;
                }
                match self.remove_whole_tree(id) {
                    Ok(()) => report.trees.push(id.clone()),
                    Err(error) => report.problems.push(error),
                }
                drop(lock);
            }
        }
        Ok(())
    }

    /// Hides the tree first, so that nobody ever takes a half removed one for whole.
    fn remove_whole_tree(&self, id: &TreeId) -> Result<(), StoreError> {
        let path = self.tree_path(id);
        let hidden = self
            .trees_dir()
            .join(hidden_name().map_err(StoreError::io("make a name in", self.trees_dir()))?);
        fs::rename(&path, &hidden).map_err(StoreError::io("remove", &path))?;
        // Otherwise a power cut could undo the rename and keep the removals.
        sync_dir(&self.trees_dir()).map_err(StoreError::io("sync", self.trees_dir()))?;
        crash::point("tree-hidden");
        remove_path(&hidden).map_err(StoreError::io("remove", &hidden))
    }

    pub(crate) fn sweep_blobs(
        &self,
        mut candidates: Vec<Digest>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let Some(References { blobs, .. }) = self.referenced()? else {
            return Ok(());
        };
        candidates.retain(|digest| !blobs.contains(digest));
        for batch in candidates.chunks(BATCH) {
            let locked: Vec<_> = batch
                .iter()
                .filter_map(|d| Some((d, lock_out(&self.blob_path(d))?)))
                .collect();
            let Some(References { blobs, .. }) = self.referenced()? else {
                return Ok(());
            };
            for (digest, lock) in locked {
                if blobs.contains(digest) {
                    continue;
                }
                match fs::remove_file(lock.path()) {
                    Ok(()) => report.leftovers += 1,
                    Err(error) => report
                        .problems
                        .push(StoreError::io("remove", lock.path())(error)),
                }
            }
        }
        Ok(())
    }

    fn trees(&self) -> Result<Vec<TreeId>, StoreError> {
        Ok(names(&self.trees_dir())?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect())
    }

    fn blobs(&self) -> Result<Vec<Digest>, StoreError> {
        let mut blobs = Vec::new();
        for algorithm in Algorithm::ALL {
            let name = algorithm.as_str();
            for hex in names(&self.blobs_dir().join(name))? {
                blobs.extend(format!("{name}:{hex}").parse::<Digest>());
            }
        }
        Ok(blobs)
    }
}

fn is_record_name(name: &str) -> bool {
    name.strip_suffix(".json")
        .is_some_and(|id| id.parse::<ImageId>().is_ok())
}

pub(crate) fn ask(store: &Store, in_use: &mut AskInUse<'_>) -> Result<InUse, StoreError> {
    in_use().map_err(StoreError::io("tell what pods use of", store.root()))
}

/// Exclusive lock on a file or directory that nobody uses and that is still there.
pub(crate) fn lock_out(path: &Path) -> Option<PathLock> {
    PathLock::existing(path, Share::Exclusive, Wait::Try)
        .ok()
        .flatten()
}

/// Names in a directory, but for those that are no text: none of ours is.
pub(crate) fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
        let name = entry.map_err(StoreError::io("read", dir))?.file_name();
        names.extend(name.into_string());
    }
    Ok(names)
}
