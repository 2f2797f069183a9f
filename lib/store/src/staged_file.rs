//! A file that is being written under a hidden name and becomes visible by one rename.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gantry_sys::lock::{Share, Wait, flock, is_at};
use gantry_sys::rename::rename_new;
use gantry_types::show::hex;

/// How every hidden name of the store begins.
pub(crate) const HIDDEN: &str = ".new-";

/// A hidden file, locked while its writer lives, removed with it unless it was published.
///
/// Garbage collection removes hidden files that nobody locks.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: File,
    path: Option<PathBuf>,
}

impl StagedFile {
    /// Writes `bytes` to a new hidden file in `dir`, read-only for everybody once it is closed.
    pub(crate) fn write(dir: &Path, bytes: &[u8]) -> io::Result<Self> {
        loop {
            let path = dir.join(hidden_name()?);
            let file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o440)
                .open(&path)?;
            // Not left to the umask: in a shared data directory others read it.
            file.set_permissions(fs::Permissions::from_mode(0o440))?;
            flock(&file, Share::Exclusive, Wait::Block)?;
            let mut staged = Self {
                file,
                path: Some(path.clone()),
            };
            // A sweep may have taken the lock and removed the file before we got it.
            if is_at(staged.file.as_fd(), &path)? {
                staged.file.write_all(bytes)?;
                return Ok(staged);
            }
            staged.path = None;
        }
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Sets the time of the last modification, in nanoseconds since the epoch.
    pub(crate) fn set_modified(&self, nanoseconds: u64) {
        // Only the time of the last use; without it the image counts as used now.
        let _ = self.file.set_modified(crate::publish::time_of(nanoseconds));
    }

    /// A holder of the file's lock that outlives this value.
    pub(crate) fn lock(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the file the name `to` unless something has it already.
    pub(crate) fn publish_new(&mut self, to: &Path) -> io::Result<bool> {
        if let Some(path) = &self.path {
            if !rename_new(path, to)? {
                return Ok(false);
            }
            self.path = None;
        }
        Ok(true)
    }

    /// Puts the file in the place of `to`.
    pub(crate) fn publish(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, to)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// A name that nobody else has, starting with [`HIDDEN`].
pub(crate) fn hidden_name() -> io::Result<String> {
    let mut random = [0; 12];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    Ok(format!("{HIDDEN}{}", hex(&random)))
}
