//! Opening a store, and where its files lie.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gantry_sys::sync::sync_dir;
use gantry_types::ImageId;

use crate::crash;
use crate::digest::{Algorithm, Digest};
use crate::error::StoreError;
use crate::migrate::STEPS;
use crate::shared::{Shared, open_regular};
use crate::staged_file::StagedFile;
use crate::tree_id::TreeId;

/// Most that is read of the file with the version, in bytes.
const MAX_VERSION_BYTES: u64 = 64;

/// Version of the layout that this code reads and writes.
pub const VERSION: u32 = 1;

/// The image store of one data directory.
///
/// Opening takes no lock and holds no descriptor: any number of processes and threads use one store.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    pub(crate) shared: Option<Arc<Shared>>,
}

impl Store {
    /// Opens the store below `data_dir`, laying it out if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] and [`StoreError::Version`] if it is not ours to touch, [`StoreError::Io`]
    /// if it is missing and cannot be made.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let store = Self {
            root: data_dir.join("store"),
            shared: None,
        };
        // The version is written last, so a readable one vouches for the directories.
        match store.version()? {
            Some(VERSION) => {}
            Some(found) if found > VERSION => {
                return Err(StoreError::Newer {
                    path: store.root,
                    found,
                    known: VERSION,
                });
            }
            Some(found) => store.migrate(found, VERSION, STEPS)?,
            None => {
                store.check_unversioned()?;
                store.lay_out(data_dir)?;
            }
        }
        Ok(store)
    }

    /// Opens the store below `data_dir` if there is one of the layout that we know.
    pub(crate) fn existing(data_dir: &Path) -> Result<Self, StoreError> {
        let store = Self {
            root: data_dir.join("store"),
            shared: None,
        };
        match store.version()? {
            Some(VERSION) => Ok(store),
            _ => Err(StoreError::Version {
                path: store.root.join("version"),
            }),
        }
    }

    /// The version that the store says it has, `None` before it is laid out.
    pub(crate) fn version(&self) -> Result<Option<u32>, StoreError> {
        let path = self.root.join("version");
        let read = || {
            let mut text = String::new();
            let file = open_regular(&path)?;
            file.take(MAX_VERSION_BYTES).read_to_string(&mut text)?;
            io::Result::Ok(text)
        };
        let text = match read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", path)(error)),
        };
        // Written by a tool that did not sync it, before a power cut.
        if text.is_empty() {
            return Ok(None);
        }
        match text.trim().parse::<u32>() {
            Ok(found) => Ok(Some(found)),
            Err(_) => Err(StoreError::Version { path }),
        }
    }

    fn lay_out(&self, data_dir: &Path) -> Result<(), StoreError> {
        let make = |path: PathBuf, mode| {
            let made = fs::DirBuilder::new().mode(mode).create(&path);
            match made.and_then(|()| share_mode(&path, mode)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(StoreError::io("create directory", path)(error))
                }
                _ => Ok(()),
            }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(data_dir)
            .map_err(StoreError::io("create directory", data_dir))?;
        make(self.root.clone(), 0o750)?;
        make(self.blobs_dir(), 0o750)?;
        for algorithm in Algorithm::ALL {
            make(self.blobs_dir().join(algorithm.as_str()), 0o750)?;
        }
        make(self.ingest_dir(), 0o750)?;
        make(self.images_dir(), 0o750)?;
        make(self.names_dir(), 0o750)?;
        make(self.locks_dir(), 0o750)?;
        // Trees hold set-user-ID programs and world-writable directories of foreign images: nobody but
        // their owner may reach them by path.
        make(self.trees_dir(), 0o700)?;
        let version = self.root.join("version");
        let write = || {
            let staged = StagedFile::write(&self.root, format!("{VERSION}\n").as_bytes())?;
            staged.sync()?;
            crash::point("laid-out");
            // The version vouches for the directories, also after a power cut.
            for dir in [&self.blobs_dir(), &self.root, data_dir] {
                sync_dir(dir)?;
            }
            staged.publish(&version)
        };
        write().map_err(StoreError::io("create", &version))
    }

    /// The directory `store` itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Directory of the extracted tree `id`, whether or not it is there.
    #[must_use]
    pub fn tree_path(&self, id: &TreeId) -> PathBuf {
        self.trees_dir().join(id.as_str())
    }

    /// Whether a tree is there; a tree in its place is complete and durable.
    #[must_use]
    pub fn has_tree(&self, id: &TreeId) -> bool {
        self.tree_path(id).is_dir()
    }

    /// File of the blob `digest`, whether or not it is there.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs_dir()
            .join(digest.algorithm().as_str())
            .join(digest.hex())
    }

    /// Whether a blob is there; a blob in its place is complete and durable.
    #[must_use]
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Whether a blob is there and as long as it was; whether its bytes are those of old takes reading them all.
    #[must_use]
    pub fn has_blob_of(&self, digest: &Digest, size: u64) -> bool {
        fs::symlink_metadata(self.blob_path(digest))
            .is_ok_and(|meta| meta.is_file() && meta.len() == size)
    }

    pub(crate) fn record_path(&self, id: &ImageId) -> PathBuf {
        self.images_dir().join(format!("{id}.json"))
    }

    pub(crate) fn blobs_dir(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn ingest_dir(&self) -> PathBuf {
        self.root.join("ingest")
    }

    pub(crate) fn images_dir(&self) -> PathBuf {
        self.root.join("images")
    }

    pub(crate) fn names_dir(&self) -> PathBuf {
        self.root.join("names")
    }

    pub(crate) fn trees_dir(&self) -> PathBuf {
        self.root.join("trees")
    }

    pub(crate) fn locks_dir(&self) -> PathBuf {
        self.root.join("locks")
    }
}

/// Sees to it that, beneath a directory whose group everything gets, the group may use a directory as `mode` says,
/// whatever the umask is. What only the owner may use passes no group on.
pub(crate) fn share_mode(path: &Path, mode: u32) -> io::Result<()> {
    let inherited = fs::symlink_metadata(path)?.mode() & 0o2000;
    let mode = match mode & 0o070 {
        0 => mode,
        _ => mode | inherited,
    };
    match inherited {
        0 => Ok(()),
        _ => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_laid_out_once_and_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        let store = Store::open(&data).unwrap();
        assert_eq!(
            fs::read_to_string(data.join("store/version")).unwrap(),
            "1\n"
        );
        assert!(store.trees_dir().is_dir());
        Store::open(&data).unwrap();
    }

    #[test]
    fn a_store_of_a_later_release_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        Store::open(dir.path()).unwrap();
        fs::write(dir.path().join("store/version"), "2\n").unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(
            error.to_string().contains("newer than this tool"),
            "{error}"
        );
        fs::write(dir.path().join("store/version"), "garbage").unwrap();
        assert!(matches!(
            Store::open(dir.path()).unwrap_err(),
            StoreError::Version { .. }
        ));
    }

    #[test]
    fn a_layout_cut_short_is_completed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("store/blobs")).unwrap();
        // What a power cut makes of a file that was renamed before its content was durable.
        fs::write(dir.path().join("store/version"), "").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.names_dir().is_dir());
        assert_eq!(
            fs::read_to_string(dir.path().join("store/version")).unwrap(),
            "1\n"
        );
    }
}
