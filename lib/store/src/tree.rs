//! Trees that are being filled.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::remove_tree::remove_path;
use gantry_sys::rename::{exchange, rename_new};
use gantry_sys::sync::{sync_dir, syncfs};

use crate::crash;
use crate::error::StoreError;
use crate::staged_file::hidden_name;
use crate::store::Store;
use crate::tree_id::TreeId;

/// A hidden directory in `store/trees` that is being filled with an extracted image.
///
/// It is locked while it lives, also after the rename that publishes it, and removed with its value
/// unless it was published. Garbage collection removes hidden directories that nobody locks.
#[derive(Debug)]
pub struct TreeStaging {
    lock: PathLock,
    path: Option<PathBuf>,
}

impl TreeStaging {
    /// Makes an empty one (mode 0755).
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the directory cannot be made.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        loop {
            let name =
                hidden_name().map_err(StoreError::io("make a name in", store.trees_dir()))?;
            let path = store.trees_dir().join(name);
            fs::DirBuilder::new()
                .mode(0o755)
                .create(&path)
                .map_err(StoreError::io("create directory", &path))?;
            match PathLock::existing(&path, Share::Exclusive, Wait::Block) {
                Ok(Some(lock)) => {
                    return Ok(Self {
                        lock,
                        path: Some(path),
                    });
                }
                // A sweep removed it before we had it locked.
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io("lock", path)(error)),
            }
        }
    }

    /// The directory, to extract beneath.
    #[must_use]
    pub fn dir(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Path of the directory, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or_else(|| self.lock.path())
    }

    /// Puts the tree, complete and rendered anew, into its place in the store, durably.
    ///
    /// A record refers to it already, and the caller holds a lease on the image: that keeps it from
    /// collection.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn restore(self, store: &Store, id: &TreeId) -> Result<(), StoreError> {
        let trees = store.trees_dir();
        syncfs(self.dir()).map_err(StoreError::io("sync", self.path()))?;
        crash::point("restoring");
        drop(self.publish(&store.tree_path(id))?);
        crash::point("restored");
        sync_dir(&trees).map_err(StoreError::io("sync", trees))
    }

    /// Changes places with what is at `to`, which then goes with this value.
    ///
    /// The content must be on stable storage.
    pub(crate) fn replace(mut self, to: &Path) -> Result<(), StoreError> {
        let path = self.path().to_owned();
        match exchange(&path, to) {
            Ok(true) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::rename(&path, to).map_err(StoreError::io("replace", to))?;
                self.path = None;
            }
            // Not every file system can exchange: then there is a moment without the tree.
            Ok(false) => {
                let name = hidden_name().map_err(StoreError::io("replace", to))?;
                let old = path.with_file_name(name);
                fs::rename(to, &old).map_err(StoreError::io("replace", to))?;
                self.path = Some(old);
                fs::rename(&path, to).map_err(StoreError::io("replace", to))?;
            }
            Err(error) => return Err(StoreError::io("replace", to)(error)),
        }
        Ok(())
    }

    /// Gives the directory its final name and keeps it locked until the returned value is dropped.
    ///
    /// The content must be on stable storage. A tree that has the name already stays, and this one is
    /// removed: same name, same content.
    pub(crate) fn publish(mut self, to: &Path) -> Result<PathLock, StoreError> {
        let path = self.path().to_owned();
        while !rename_new(&path, to).map_err(StoreError::io("publish", to))? {
            match PathLock::existing(to, Share::Shared, Wait::Block) {
                // Collected in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) => {}
                Err(error) => return Err(StoreError::io("lock", to)(error)),
            }
        }
        self.path = None;
        let copy = self.lock.try_clone().map_err(StoreError::io("lock", to))?;
        Ok(copy)
    }
}

impl Drop for TreeStaging {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is garbage that the next collection removes.
            let _ = remove_path(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_staging_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let staging = TreeStaging::new(&store).unwrap();
        fs::create_dir_all(staging.path().join("rootfs/a/b")).unwrap();
        assert_eq!(fs::read_dir(store.trees_dir()).unwrap().count(), 1);
        drop(staging);
        assert_eq!(fs::read_dir(store.trees_dir()).unwrap().count(), 0);
    }

    #[test]
    fn the_first_of_two_equal_trees_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let to = store.trees_dir().join("t");
        for content in ["one", "two"] {
            let staging = TreeStaging::new(&store).unwrap();
            fs::write(staging.path().join("manifest"), content).unwrap();
            drop(staging.publish(&to).unwrap());
        }
        assert_eq!(fs::read_to_string(to.join("manifest")).unwrap(), "one");
        assert_eq!(fs::read_dir(store.trees_dir()).unwrap().count(), 1);
    }
}
