//! What interrupted work left in the store: hidden files, partial downloads, look-up entries, lock files.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::remove_tree::remove_path;
use gantry_types::ImageId;

use crate::error::StoreError;
use crate::gc::{GcReport, lock_out, names};
use crate::ingest_need::is_need;
use crate::staged_file::HIDDEN;
use crate::store::Store;

/// Partial downloads that nobody continued for so long are garbage.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 3600);

impl Store {
    /// Hidden files and directories whose makers are gone.
    pub(crate) fn sweep_hidden(&self, report: &mut GcReport) -> Result<(), StoreError> {
        let root = self.root().to_owned();
        for dir in [root, self.trees_dir(), self.images_dir(), self.ingest_dir()] {
            for name in names(&dir)?
                .into_iter()
                .filter(|name| name.starts_with(HIDDEN))
            {
                let path = dir.join(name);
                let Some(_lock) = lock_out(&path) else {
                    continue;
                };
                match remove_path(&path) {
                    Ok(()) => report.leftovers += 1,
                    Err(error) => report.problems.push(StoreError::io("remove", path)(error)),
                }
            }
        }
        Ok(())
    }

    /// Needs of downloads that have ended, and downloads that nobody holds: those that cannot be resumed, and those too old to be.
    pub(crate) fn sweep_ingest(
        &self,
        now: SystemTime,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let dir = self.ingest_dir();
        let names = names(&dir)?;
        for name in names.iter().filter(|name| is_need(name)) {
            if let Some(lock) = lock_out(&dir.join(name)) {
                report.leftovers += usize::from(lock.remove().is_ok());
            }
        }
        let stems: HashSet<&str> = names
            .iter()
            .filter(|name| !name.starts_with('.'))
            .filter_map(|name| name.rsplit_once('.'))
            .filter(|(_, extension)| ["part", "json", "lock"].contains(extension))
            .map(|(stem, _)| stem)
            .collect();
        for stem in stems {
            let file = |extension: &str| dir.join(format!("{stem}.{extension}"));
            let Ok(Some(lock)) = PathLock::file(&file("lock"), Share::Exclusive, Wait::Try) else {
                continue;
            };
            let fresh = fs::metadata(file("part"))
                .and_then(|meta| meta.modified())
                .is_ok_and(|time| now.duration_since(time).unwrap_or_default() < ABANDONED);
            if fresh && file("json").exists() {
                continue;
            }
            for extension in ["json", "part"] {
                report.leftovers += usize::from(fs::remove_file(file(extension)).is_ok());
            }
            let _ = lock.remove();
        }
        Ok(())
    }

    /// Look-up entries and lock files of images that are not there.
    pub(crate) fn sweep_names(&self, report: &mut GcReport) -> Result<(), StoreError> {
        let stale = |name: &str| {
            name.parse::<ImageId>()
                .is_ok_and(|id| !self.record_path(&id).exists())
        };
        for key in names(&self.names_dir())? {
            let dir = self.names_dir().join(key);
            let Ok(entries) = names(&dir) else { continue };
            for name in entries {
                let path = dir.join(&name);
                let target = fs::read_link(&path).ok();
                let id = target
                    .as_ref()
                    .and_then(|target| target.to_str())
                    .unwrap_or(&name);
                if !stale(id) {
                    continue;
                }
                // A fetch that is about to publish the image holds a lease.
                let Ok(id) = id.parse() else { continue };
                let Ok(Some(lock)) = self.lock_out(&id) else {
                    continue;
                };
                if stale(&id.to_string()) {
                    report.leftovers += usize::from(fs::remove_file(&path).is_ok());
                    lock.retire();
                }
            }
            let _ = fs::remove_dir(&dir);
        }
        for name in names(&self.locks_dir())? {
            if stale(&name)
                && let Ok(id) = name.parse()
                && let Ok(Some(lock)) = self.lock_out(&id)
                && stale(&name)
            {
                lock.retire();
            }
        }
        Ok(())
    }
}
