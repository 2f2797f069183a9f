//! One data directory for root and for the members of a group.
//!
//! ```text
//! DIR/store/              root's store. The group reads records and blobs (directories 2750, files 0440);
//!                         trees, downloads and locks are for root alone
//! DIR/members/            3770 root:GROUP
//! DIR/members/UID/store/  the store of one member, which that member alone writes
//! ```
//!
//! A member must not be able to make root use what root would not have accepted. Sharing one set of directories could
//! not keep that promise: whoever may write to a directory of records can put in one that says `signed`, or one of
//! root's own from elsewhere on the file system, so that not even its owner tells who wrote it. Hence nobody writes
//! where somebody else does, and the place of a record says who vouches for it:
//!
//! - what root needs of a member's store is a claim. To use such an image root takes it over: it copies the blob (the
//!   member could still be writing to the file), verifies the signature over the copy with root's keys and for the
//!   name that was asked for, extracts it, and publishes it in its own store, as a fetch does. What the member did not
//!   check, root does not take without an option of its own. Trees of members are never part of a pod;
//! - root's store is used by members in the same way, so that they need no rights there but to read;
//! - whatever root does in a member's store, from listing to collecting garbage, it does in a thread that has only the
//!   member's rights to files ([`gantry_sys::identity`]): links, renamed directories and the like lead root nowhere
//!   where the member could not go;
//! - records and versions are read only if they are regular files, without waiting for the other end of a FIFO.
//!
//! What is left to a member is to waste space and to hold up its own downloads. Locks in root's store are out of reach,
//! locks in a member's are never waited for by root.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gantry_sys::identity::with_file_rights_of;
use gantry_types::ImageId;

use crate::digest::{Algorithm, Digest};
use crate::error::StoreError;
use crate::find::Listing;
use crate::gc::{GcReport, InUse};
use crate::store::Store;

/// Mode of the directory of members: theirs to add to, and nobody removes what is another's.
const MEMBERS_MODE: u32 = 0o3770;

/// Mode of a directory whose content the group may read; what is made there gets the group.
const READ_MODE: u32 = 0o2750;

/// Mode of a directory where files that the group may read later are made.
const MAKE_MODE: u32 = 0o2700;

/// A data directory that a group shares, and who we are in it.
#[derive(Debug)]
pub(crate) struct Shared {
    data_dir: PathBuf,
    gid: u32,
    /// The member whose store is ours; `None` for root.
    member: Option<u32>,
}

/// The store of somebody else in the same data directory.
#[derive(Debug, Clone)]
pub struct Neighbour {
    data_dir: PathBuf,
    uid: u32,
    gid: u32,
}

/// The group of a data directory that is laid out for one.
#[must_use]
pub fn group_of(data_dir: &Path) -> Option<u32> {
    let meta = fs::symlink_metadata(data_dir.join("members")).ok()?;
    let mode = meta.mode() & 0o7777;
    (meta.is_dir() && meta.uid() == 0 && mode == MEMBERS_MODE).then(|| meta.gid())
}

/// Whether the caller, who is not root, belongs to the group that shares `data_dir`.
#[must_use]
pub fn is_member(data_dir: &Path) -> bool {
    use rustix::fs::Access;
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    group_of(data_dir).is_some() && rustix::fs::access(data_dir.join("members"), all).is_ok()
}

impl Store {
    /// Opens the store of the caller in a data directory: root's own; that of a member of the group that shares it;
    /// or else the only one there, as [`Store::open`].
    ///
    /// Root lays the directory out for `group` if it is not laid out for one yet.
    ///
    /// # Errors
    ///
    /// As for [`Store::open`].
    pub fn open_own(data_dir: &Path, group: Option<u32>) -> Result<Self, StoreError> {
        let uid = rustix::process::geteuid();
        if uid.is_root() {
            let is_new = !data_dir.exists();
            let mut store = Self::open(data_dir)?;
            if let Some(gid) = group
                && group_of(data_dir).is_none()
            {
                // On a full or read-only file system nothing is shared yet, and everything else goes on. The next
                // command tries again.
                let _ = store.share(data_dir, gid, is_new);
            }
            store.join(data_dir, None);
            return Ok(store);
        }
        if !is_member(data_dir) {
            return Self::open(data_dir);
        }
        let uid = uid.as_raw();
        let area = area(data_dir, uid);
        if let Ok(found) = fs::symlink_metadata(&area)
            && (!found.is_dir() || found.uid() != uid)
        {
            return Err(StoreError::NotOurs { path: area });
        }
        let mut store = Self::open(&area)?;
        store.join(data_dir, Some(uid));
        Ok(store)
    }

    fn join(&mut self, data_dir: &Path, member: Option<u32>) {
        let data_dir = data_dir.to_owned();
        self.shared = group_of(&data_dir).map(|gid| {
            std::sync::Arc::new(Shared {
                data_dir,
                gid,
                member,
            })
        });
    }

    /// Whether this is the store of a member, of which no pod is made.
    #[must_use]
    pub fn is_members(&self) -> bool {
        self.shared
            .as_ref()
            .is_some_and(|shared| shared.member.is_some())
    }

    /// The stores of others in a shared data directory, root's first.
    #[must_use]
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let Some(shared) = &self.shared else {
            return Vec::new();
        };
        let gid = shared.gid;
        let mut found = Vec::new();
        if shared.member.is_some() {
            found.push(Neighbour {
                data_dir: shared.data_dir.clone(),
                uid: 0,
                gid,
            });
        }
        let entries = fs::read_dir(shared.data_dir.join("members"));
        let mut uids: Vec<u32> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|uid| *uid != 0 && Some(*uid) != shared.member)
            .collect();
        uids.sort_unstable();
        found.extend(uids.into_iter().map(|uid| Neighbour {
            data_dir: area(&shared.data_dir, uid),
            uid,
            gid,
        }));
        found
    }

    /// Lets the group `gid` read what is there, and gives it a place of its own. The last step says that all is done.
    fn share(&self, data_dir: &Path, gid: u32, is_new: bool) -> Result<(), StoreError> {
        let give = |path: &Path, mode: Option<u32>| {
            let given = lchown(path, None, Some(gid)).and_then(|()| match mode {
                Some(mode) => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
                None => Ok(()),
            });
            match given {
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                given => given.map_err(StoreError::io("give to the group", path)),
            }
        };
        let within = |dir: &Path| {
            let entries = fs::read_dir(dir).map_err(StoreError::io("read", dir))?;
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths
                .collect::<io::Result<Vec<_>>>()
                .map_err(StoreError::io("read", dir))
        };
        let mut dirs = vec![self.images_dir()];
        dirs.extend(Algorithm::ALL.map(|algorithm| self.blobs_dir().join(algorithm.as_str())));
        for dir in &dirs {
            give(dir, Some(READ_MODE))?;
            for path in within(dir)? {
                give(&path, None)?;
            }
        }
        for dir in within(&self.names_dir())? {
            give(&dir, Some(READ_MODE))?;
        }
        give(&self.ingest_dir(), Some(MAKE_MODE))?;
        give(&self.root().join("version"), Some(0o440))?;
        for dir in [self.names_dir(), self.blobs_dir(), self.root().to_owned()] {
            give(&dir, Some(READ_MODE))?;
        }
        if is_new {
            give(data_dir, Some(READ_MODE))?;
        }
        let members = data_dir.join("members");
        match fs::create_dir(&members) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io("create directory", members)(error));
            }
            _ => {}
        }
        give(&members, Some(MEMBERS_MODE))
    }
}

fn area(data_dir: &Path, uid: u32) -> PathBuf {
    data_dir.join("members").join(uid.to_string())
}

impl Neighbour {
    /// User ID of whoever writes the store; 0 for root.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// What its records say; what cannot be read of a member's store is passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if there is no store, or it cannot be read.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = self.within(|store| store.list())?;
        if self.uid != 0 {
            listing.problems.clear();
        }
        Ok(listing)
    }

    /// Opens a blob, whatever it holds and whoever may still be writing to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`], also if it is not a regular file.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        self.within(|store| {
            let path = store.blob_path(digest);
            open_regular(&path).map_err(StoreError::io("open", path))
        })
    }

    /// Removes an image from the store.
    ///
    /// # Errors
    ///
    /// As for [`Store::remove`].
    pub fn remove(&self, id: &ImageId) -> Result<(), StoreError> {
        self.within(|store| store.remove(id, &mut || Ok(InUse::default())))
    }

    /// Collects garbage as [`Store::gc`] does.
    ///
    /// # Errors
    ///
    /// As for [`Store::gc`].
    pub fn gc(&self, grace: Duration, now: SystemTime) -> Result<GcReport, StoreError> {
        self.within(|store| store.gc(grace, now, &mut || Ok(InUse::default())))
    }

    /// Does something with the store, with no more rights than its owner has.
    fn within<T: Send>(
        &self,
        act: impl FnOnce(&Store) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let own = rustix::process::geteuid();
        let uid = match own.is_root() {
            true => self.uid,
            false => own.as_raw(),
        };
        let failed = |source| StoreError::io("look into", &self.data_dir)(source);
        let done = with_file_rights_of(uid, self.gid, || {
            let store = Store::existing(&self.data_dir)?;
            act(&store)
        });
        done.map_err(failed)?
    }
}

/// Opens a regular file, without following a link and without waiting for the other end of a FIFO.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}
