//! Leases: what keeps an image from removal while somebody uses it.

use std::fs;
use std::io;

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_types::ImageId;

use crate::error::StoreError;
use crate::record::ImageRecord;
use crate::store::Store;

/// Holds an image in the store; removal and garbage collection leave the image alone until it is dropped.
///
/// A lease is a shared flock on `store/locks/ID`. It needs no permission but to read the lock file.
#[derive(Debug)]
pub struct Lease {
    _lock: PathLock,
}

impl Store {
    /// Takes a lease on `id`, whether or not the image is there yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the lock file cannot be made or locked.
    pub fn lease(&self, id: &ImageId) -> Result<Lease, StoreError> {
        let path = self.locks_dir().join(id.to_string());
        let io = StoreError::io("lock", &path);
        match PathLock::file(&path, Share::Shared, Wait::Block) {
            Ok(Some(lock)) => Ok(Lease { _lock: lock }),
            Ok(None) => Err(io(io::ErrorKind::WouldBlock.into())),
            // A reader without permission to write still shares the lock of an image that is there.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                match PathLock::existing(&path, Share::Shared, Wait::Block) {
                    Ok(Some(lock)) => Ok(Lease { _lock: lock }),
                    _ => Err(io(error)),
                }
            }
            Err(error) => Err(io(error)),
        }
    }

    /// Takes a lease on an image and reads its record, in the order that makes the record safe to use.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the image is not there, else those of [`Store::lease`] and
    /// [`Store::record`].
    pub fn use_image(&self, id: &ImageId) -> Result<(Lease, ImageRecord), StoreError> {
        let lease = self.lease(id)?;
        let record = self.record(id)?;
        Ok((lease, record))
    }

    /// Takes the lock that excludes every lease; `None` if there are any.
    ///
    /// The lock file exists as long as the image does, so this needs no space on the disk. Where it is
    /// missing and cannot be made nobody can hold it either.
    pub(crate) fn lock_out(&self, id: &ImageId) -> Result<Option<LockOut>, StoreError> {
        let path = self.locks_dir().join(id.to_string());
        match PathLock::file(&path, Share::Exclusive, Wait::Try) {
            Ok(Some(lock)) => Ok(Some(LockOut { lock: Some(lock) })),
            Ok(None) => Ok(None),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) && !path.exists() =>
            {
                Ok(Some(LockOut { lock: None }))
            }
            Err(error) => Err(StoreError::io("lock", path)(error)),
        }
    }
}

/// The lock that excludes every lease of one image.
#[derive(Debug)]
pub(crate) struct LockOut {
    lock: Option<PathLock>,
}

impl LockOut {
    /// Removes the lock file of an image that is gone.
    pub(crate) fn retire(self) {
        if let Some(lock) = self.lock {
            let _ = fs::remove_file(lock.path());
        }
    }
}
