//! Putting good content in the place of damaged content.
//!
//! Records stay as they are: a blob is replaced by one of the same digest, a tree by one that was extracted
//! or rendered anew. Whoever uses the old one at that moment keeps this from happening.

use std::io;
use std::path::Path;

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::sync::{sync_dir, syncfs};

use crate::crash;
use crate::digest::Digest;
use crate::digest_reader::DigestReader;
use crate::error::StoreError;
use crate::gc::AskInUse;
use crate::ingest::Ingest;
use crate::record::ImageRecord;
use crate::staged_file::StagedFile;
use crate::store::Store;
use crate::tree::TreeStaging;
use crate::tree_id::TreeId;

/// What became of good content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is in its place, durably.
    Done,
    /// Somebody uses what is there: a pod, a fetch or another command. Nothing changed.
    InUse,
    /// It is not what belongs there, or nothing refers to it any more. Nothing changed.
    Unwanted,
}

impl Store {
    /// Puts a complete download in the place of the blob `digest`, if that is its digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn replace_blob(&self, digest: &Digest, download: Ingest) -> Result<Replaced, StoreError> {
        let reader = DigestReader::new(digest.algorithm(), download.reader()?);
        let found = reader
            .finish()
            .map_err(StoreError::io("read", download.data_path()))?;
        let to = self.blob_path(digest);
        let replaced = if found != *digest {
            Replaced::Unwanted
        } else if in_use(&to)? {
            Replaced::InUse
        } else {
            download
                .replace(&to)
                .map_err(StoreError::io("replace", &to))?;
            crash::point("blob-replaced");
            sync_parent(&to)?;
            Replaced::Done
        };
        download.discard()?;
        Ok(replaced)
    }

    /// Puts `bytes` in the place of the blob `digest`, if that is their digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn replace_bytes(&self, digest: &Digest, bytes: &[u8]) -> Result<Replaced, StoreError> {
        let to = self.blob_path(digest);
        let found = DigestReader::new(digest.algorithm(), bytes).finish();
        if found.map_err(StoreError::io("read", &to))? != *digest {
            return Ok(Replaced::Unwanted);
        }
        if in_use(&to)? {
            return Ok(Replaced::InUse);
        }
        let dir = self.ingest_dir();
        let write = || {
            let staged = StagedFile::write(&dir, bytes)?;
            staged.sync()?;
            staged.publish(&to)
        };
        write().map_err(StoreError::io("replace", &to))?;
        sync_parent(&to)?;
        Ok(Replaced::Done)
    }

    /// Puts a complete tree in the place of the tree `id`, and removes what was there.
    ///
    /// The caller holds no lease on an image that has the tree. Trees of pods that run, or may yet run, are
    /// left alone: their root is made of the files that would go.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`], also when `pods` fails.
    pub fn replace_tree(
        &self,
        id: &TreeId,
        tree: TreeStaging,
        pods: &mut AskInUse<'_>,
    ) -> Result<Replaced, StoreError> {
        syncfs(tree.dir()).map_err(StoreError::io("sync", tree.path()))?;
        let users: Vec<ImageRecord> = (self.list()?.images.into_iter())
            .filter(|record| record.all_trees().any(|known| known == id))
            .collect();
        if users.is_empty() {
            return Ok(Replaced::Unwanted);
        }
        // Nobody may begin to use it from here on.
        let mut locks = Vec::new();
        for record in &users {
            match self.lock_out(&record.id)? {
                Some(lock) => locks.push(lock),
                None => return Ok(Replaced::InUse),
            }
        }
        let to = self.tree_path(id);
        let used = pods().map_err(StoreError::io("tell what pods use of", self.root()))?;
        let alive = users.iter().any(|record| used.images.contains(&record.id));
        // An image that was removed under a pod no longer tells of which trees it was made.
        let unknown = used.images.iter().any(|image| self.record(image).is_err());
        if used.trees.contains(id) && (alive || unknown) || in_use(&to)? {
            return Ok(Replaced::InUse);
        }
        tree.replace(&to)?;
        crash::point("tree-replaced");
        sync_parent(&to)?;
        Ok(Replaced::Done)
    }
}

/// Whether somebody holds a lock on what is at `path`; nobody does where nothing is.
fn in_use(path: &Path) -> Result<bool, StoreError> {
    match PathLock::existing(path, Share::Exclusive, Wait::Try) {
        Ok(Some(_)) => Ok(false),
        Ok(None) => Ok(path.exists()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("lock", path)(error)),
    }
}

fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().unwrap_or(path);
    sync_dir(parent).map_err(StoreError::io("sync", parent))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::InUse;
    use crate::test_image::{id, nothing, population, publish, record, staged_tree, url};

    fn world() -> (tempfile::TempDir, Store, ImageRecord) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let record = publish(&store, &record("example.com/app:1", 1)).unwrap();
        (dir, store, record)
    }

    fn download(store: &Store, bytes: &[u8]) -> Ingest {
        let mut ingest = store.ingest(&url(1)).unwrap();
        ingest.write_all(bytes).unwrap();
        ingest
    }

    #[test]
    fn a_blob_is_replaced_by_its_own_bytes_only() {
        let (_dir, store, record) = world();
        let digest = &record.layers[0].digest;
        let path = store.blob_path(digest);
        let before = population(&store);
        for bad in [&b"x"[..], b""] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "bad").unwrap();
            let replaced = store.replace_blob(digest, download(&store, bad));
            assert_eq!(replaced.unwrap(), Replaced::Unwanted);
            let replaced = store.replace_bytes(digest, bad);
            assert_eq!(replaced.unwrap(), Replaced::Unwanted);
            assert_eq!(fs::read(&path).unwrap(), b"bad");
        }
        let held = PathLock::existing(&path, Share::Shared, Wait::Block).unwrap();
        let replaced = store.replace_blob(digest, download(&store, &[1]));
        assert_eq!(replaced.unwrap(), Replaced::InUse);
        drop(held);
        let replaced = store.replace_blob(digest, download(&store, &[1]));
        assert_eq!(replaced.unwrap(), Replaced::Done);
        assert_eq!(fs::read(&path).unwrap(), [1]);
        fs::remove_file(&path).unwrap();
        let replaced = store.replace_bytes(digest, &[1]);
        assert_eq!(replaced.unwrap(), Replaced::Done);
        assert_eq!(fs::read(&path).unwrap(), [1]);
        assert_eq!(population(&store), before);
    }

    #[test]
    fn a_tree_is_replaced_unless_somebody_uses_it() {
        let (_dir, store, record) = world();
        let tree = &record.trees[0];
        let place = store.tree_path(tree);
        let before = population(&store);
        let replace = |pods: &mut AskInUse<'_>| {
            let good = staged_tree(&store, 9).unwrap();
            store.replace_tree(tree, good, pods).unwrap()
        };
        let lease = store.lease(&id(1)).unwrap();
        assert_eq!(replace(&mut nothing), Replaced::InUse);
        drop(lease);
        for image in [id(1), id(7)] {
            let mut used = InUse::default();
            used.trees.insert(tree.clone());
            used.images.insert(image);
            assert_eq!(replace(&mut || Ok(used.clone())), Replaced::InUse);
        }
        assert_eq!(fs::read(place.join("manifest")).unwrap(), [1]);
        // A pod that has ended is made of the tree, and does not need it.
        let mut used = InUse::default();
        used.trees.insert(tree.clone());
        assert_eq!(replace(&mut || Ok(used.clone())), Replaced::Done);
        assert_eq!(fs::read(place.join("manifest")).unwrap(), [9]);
        fs::remove_dir_all(&place).unwrap();
        assert_eq!(replace(&mut nothing), Replaced::Done);
        let other = "unknown".parse().unwrap();
        let good = staged_tree(&store, 9).unwrap();
        let replaced = store.replace_tree(&other, good, &mut nothing);
        assert_eq!(replaced.unwrap(), Replaced::Unwanted);
        assert_eq!(population(&store), before);
    }
}
