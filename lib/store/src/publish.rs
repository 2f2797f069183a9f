//! Making an image visible.
//!
//! The order is what makes it safe to stop at every instruction:
//!
//! 1. blobs and trees are written under hidden names (garbage, if it ends here);
//! 2. look-up entries are made (without a record they mean nothing);
//! 3. the record is written under a hidden name;
//! 4. one syncfs: all of that is durable now;
//! 5. blobs and trees are renamed to their names and those directories synced: a blob or tree that has
//!    its name is therefore always complete, also after a power cut, and may be shared by the next
//!    image that wants it (unreferenced garbage, if it ends here);
//! 6. the record is renamed to its name: **the image is visible**;
//! 7. the directory of records is synced: it stays visible.
//!
//! From 1 to 7 a shared lock on the image and locks on its blobs and trees keep the collector away.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::sync::{sync_dir, syncfs};
use gantry_types::ImageId;

use crate::crash;
use crate::digest::{Digest, sha512_of};
use crate::error::StoreError;
use crate::ingest::Ingest;
use crate::lease::Lease;
use crate::names::enter_record;
use crate::record::ImageRecord;
use crate::staged_file::StagedFile;
use crate::store::Store;
use crate::tree::TreeStaging;
use crate::tree_id::TreeId;

/// An image on its way into the store; dropped without [`commit`](Self::commit), it leaves nothing.
#[derive(Debug)]
pub struct Publication<'s> {
    store: &'s Store,
    id: ImageId,
    _lease: Lease,
    trees: Vec<(TreeId, TreeStaging)>,
    downloads: Vec<(Digest, Ingest)>,
    files: Vec<(Digest, StagedFile)>,
    held: Vec<Held>,
    finished: Vec<PathLock>,
}

/// Keeps the collector from one blob or tree.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "held for their locks, which go when the descriptors are closed"
)]
enum Held {
    Path(PathLock),
    File(fs::File),
}

impl Store {
    /// Begins to publish the image `id`.
    ///
    /// # Errors
    ///
    /// Those of [`Store::lease`].
    pub fn publication(&self, id: &ImageId) -> Result<Publication<'_>, StoreError> {
        Ok(Publication {
            store: self,
            id: *id,
            _lease: self.lease(id)?,
            trees: Vec::new(),
            downloads: Vec::new(),
            files: Vec::new(),
            held: Vec::new(),
            finished: Vec::new(),
        })
    }

    /// Publishes a record whose blobs and trees are in the store already, such as that of an image that
    /// arrived again.
    ///
    /// # Errors
    ///
    /// As for [`Publication::commit`].
    pub fn publish_image(&self, record: &ImageRecord) -> Result<ImageRecord, StoreError> {
        self.publication(&record.id)?.commit(record)
    }
}

impl Publication<'_> {
    /// Adds an extracted tree.
    pub fn tree(&mut self, id: TreeId, tree: TreeStaging) {
        self.trees.push((id, tree));
    }

    /// Adds a complete download whose digest was computed while it was read.
    pub fn blob(&mut self, digest: Digest, download: Ingest) {
        self.downloads.push((digest, download));
    }

    /// Adds a small blob, such as a signature, and returns its digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = sha512_of(bytes);
        let dir = self.store.ingest_dir();
        let file = StagedFile::write(&dir, bytes).map_err(StoreError::io("write to", dir))?;
        self.files.push((digest.clone(), file));
        Ok(digest)
    }

    /// Adds a small blob under a digest that is known to be its own, such as the manifest of an OCI image.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn named_bytes(&mut self, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let dir = self.store.ingest_dir();
        let file = StagedFile::write(&dir, bytes).map_err(StoreError::io("write to", dir))?;
        self.files.push((digest, file));
        Ok(())
    }

    /// Keeps a blob of this length that is in the store from collection until the commit; false if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn share_blob(&mut self, digest: &Digest, size: u64) -> Result<bool, StoreError> {
        let path = self.store.blob_path(digest);
        match PathLock::existing(&path, Share::Shared, Wait::Block) {
            Ok(Some(lock)) if self.store.has_blob_of(digest, size) => {
                self.held.push(Held::Path(lock));
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("lock", path)(error)),
        }
    }

    /// Keeps a tree that is in the store from collection until the commit; false if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn share_tree(&mut self, id: &TreeId) -> Result<bool, StoreError> {
        let path = self.store.tree_path(id);
        match PathLock::existing(&path, Share::Shared, Wait::Block) {
            Ok(Some(lock)) => {
                self.held.push(Held::Path(lock));
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("lock", path)(error)),
        }
    }

    /// Makes the image visible, durably, and returns the record as it is stored: merged with the one of
    /// the same image that was there already (see [`ImageRecord::merged_with`]).
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the image is then as visible as it was before.
    pub fn commit(mut self, record: &ImageRecord) -> Result<ImageRecord, StoreError> {
        debug_assert_eq!(record.id, self.id);
        let store = self.store;
        let mut merged = self.merge(record)?;
        enter_record(store, &merged)?;
        crash::point("names");
        let mut staged = stage(store, &merged)?;
        crash::point("record-staged");
        let root = fs::File::open(store.root()).map_err(StoreError::io("open", store.root()))?;
        syncfs(&root).map_err(StoreError::io("sync", store.root()))?;
        crash::point("synced");
        self.publish_content(&merged)?;
        crash::point("content");

        let publishing = store.locks_dir().join("publish");
        let _lock = PathLock::file(&publishing, Share::Exclusive, Wait::Block)
            .map_err(StoreError::io("lock", &publishing))?;
        // Somebody else may have published the same image since we read its record.
        let again = self.merge(record)?;
        if again != merged {
            merged = again;
            staged = stage(store, &merged)?;
            staged
                .sync()
                .map_err(StoreError::io("sync", store.images_dir()))?;
        }
        let path = store.record_path(&merged.id);
        staged
            .publish(&path)
            .map_err(StoreError::io("publish", &path))?;
        crash::point("record");
        // Whoever waited for one of the downloads finds the image now. A lock file that cannot be
        // removed is garbage.
        for lock in self.finished.drain(..) {
            let _ = lock.remove();
        }
        let images = store.images_dir();
        sync_dir(&images).map_err(StoreError::io("sync", images))?;
        Ok(merged)
    }

    fn merge(&self, record: &ImageRecord) -> Result<ImageRecord, StoreError> {
        let store = self.store;
        match store.record(&record.id) {
            Ok(old) => {
                let intact = old.blobs().all(|blob| store.has_blob(blob))
                    && old.trees.iter().all(|tree| store.has_tree(tree));
                Ok(old.merged_with(record, intact))
            }
            // A damaged record is mended by the one that replaces it.
            Err(
                StoreError::Missing { .. }
                | StoreError::Damaged { .. }
                | StoreError::Foreign { .. },
            ) => Ok(record.clone()),
            Err(error) => Err(error),
        }
    }

    /// Step 5. What the merged record does not refer to is dropped instead.
    fn publish_content(&mut self, record: &ImageRecord) -> Result<(), StoreError> {
        let store = self.store;
        let mut touched = Vec::new();
        let wanted = |digest: &Digest| record.blobs().any(|blob| blob == digest);
        for (digest, download) in self.downloads.drain(..) {
            if wanted(&digest) {
                let to = store.blob_path(&digest);
                let path = download.data_path();
                let own = PathLock::existing(path, Share::Shared, Wait::Block)
                    .map_err(StoreError::io("lock", path))?;
                let held = match store.has_blob_of(&digest, download.len()) || !to.exists() {
                    true => publish_blob(&to, &mut || download.publish_new(&to))?,
                    // What has the name is damaged, for the digest is of other bytes.
                    false => {
                        let replaced = download.replace(&to);
                        replaced.map_err(StoreError::io("replace", &to))?;
                        None
                    }
                };
                self.held.extend(held.or(own).map(Held::Path));
                touched.extend(to.parent().map(ToOwned::to_owned));
            }
            self.finished.push(download.drop_data()?);
        }
        for (digest, mut file) in self.files.drain(..) {
            if wanted(&digest) {
                let to = store.blob_path(&digest);
                let own = file.lock().map_err(StoreError::io("lock", &to))?;
                let held = publish_blob(&to, &mut || file.publish_new(&to))?;
                self.held.push(held.map_or(Held::File(own), Held::Path));
                touched.extend(to.parent().map(ToOwned::to_owned));
            }
        }
        crash::point("blobs");
        // Two blobs may be one layer; and everybody takes the locks in one order.
        self.trees.sort_by(|a, b| a.0.cmp(&b.0));
        self.trees.dedup_by(|a, b| a.0 == b.0);
        for (id, tree) in self.trees.drain(..) {
            if record.all_trees().any(|tree| *tree == id) {
                self.held
                    .push(Held::Path(tree.publish(&store.tree_path(&id))?));
                touched.push(store.trees_dir());
            }
        }
        touched.sort();
        touched.dedup();
        for dir in touched {
            sync_dir(&dir).map_err(StoreError::io("sync", &dir))?;
        }
        Ok(())
    }
}

/// Publishes a blob, or takes the lock of one that has the name already.
///
/// That one may be on its way out: removed together with its image while this image arrived. Hence not
/// a look but a lock, and another try when it is gone.
fn publish_blob(
    to: &Path,
    publish_new: &mut dyn FnMut() -> io::Result<bool>,
) -> Result<Option<PathLock>, StoreError> {
    loop {
        match PathLock::existing(to, Share::Shared, Wait::Block) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result.map_err(StoreError::io("lock", to)),
        }
        if publish_new().map_err(StoreError::io("publish", to))? {
            return Ok(None);
        }
    }
}

fn stage(store: &Store, record: &ImageRecord) -> Result<StagedFile, StoreError> {
    let dir = store.images_dir();
    let staged =
        StagedFile::write(&dir, &record.to_json()).map_err(StoreError::io("write to", dir))?;
    staged.set_modified(record.last_used);
    Ok(staged)
}

/// Time of `nanoseconds` since the epoch.
pub(crate) fn time_of(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(nanoseconds)
}
