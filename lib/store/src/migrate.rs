//! From the layout of an older release to the one of this.

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::sync::sync_dir;

use crate::error::StoreError;
use crate::staged_file::StagedFile;
use crate::store::Store;

/// Makes a store of one version one of the next. It may find its work half done: whoever began it was killed.
pub(crate) type Step = fn(&Store) -> Result<(), StoreError>;

/// Every step there is, with the version that it starts from.
///
/// The first layout has version 1, so there is none yet: a step belongs here with each change of
/// [`VERSION`](crate::VERSION).
pub(crate) const STEPS: &[(u32, Step)] = &[];

impl Store {
    /// Says the version, durably, in one step.
    fn write_version(&self, number: u32) -> Result<(), StoreError> {
        let version = self.root().join("version");
        let write = || {
            let staged = StagedFile::write(self.root(), format!("{number}\n").as_bytes())?;
            staged.sync()?;
            staged.publish(&version)?;
            sync_dir(self.root())
        };
        write().map_err(StoreError::io("write", &version))
    }

    /// Takes a store of the version `found` step by step to `wanted`, one process at a time.
    pub(crate) fn migrate(
        &self,
        found: u32,
        wanted: u32,
        steps: &[(u32, Step)],
    ) -> Result<(), StoreError> {
        let older = |found| StoreError::Older {
            path: self.root().to_owned(),
            found,
        };
        // Nothing is touched unless there is a way to the end.
        let complete = |version: u32| steps.iter().any(|(from, _)| *from == version);
        if !(found..wanted).all(complete) {
            return Err(older(found));
        }
        let path = self.locks_dir().join("migrate");
        let _lock = PathLock::file(&path, Share::Exclusive, Wait::Block)
            .map_err(StoreError::io("lock", &path))?;
        // Somebody else may have done it, or a part of it.
        while let Some(version) = self.version()?.filter(|version| *version < wanted) {
            let step = steps.iter().find(|(from, _)| *from == version);
            let (_, step) = step.ok_or_else(|| older(version))?;
            step(self)?;
            self.write_version(version + 1)?;
        }
        Ok(())
    }

    /// A store that does not say its version is completed only if all it holds is ours to read.
    pub(crate) fn check_unversioned(&self) -> Result<(), StoreError> {
        if !self.images_dir().is_dir() {
            return Ok(());
        }
        let problems = self.list()?.problems;
        match problems
            .iter()
            .any(|p| matches!(p, StoreError::Damaged { .. }))
        {
            true => Err(StoreError::Unversioned {
                path: self.root().to_owned(),
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_image::{id, publish, record};

    fn note(store: &Store, text: &str) -> Result<(), StoreError> {
        let path = store.root().join(text);
        fs::write(&path, text).map_err(StoreError::io("write", path))
    }

    const CHAIN: &[(u32, Step)] = &[
        (1, |store| note(store, "one")),
        (2, |store| note(store, "two")),
    ];

    #[test]
    fn an_older_store_is_taken_step_by_step_to_this_version() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.migrate(1, 3, CHAIN).unwrap();
        assert_eq!(store.version().unwrap(), Some(3));
        assert!(store.root().join("one").exists() && store.root().join("two").exists());
        assert!(matches!(
            Store::open(dir.path()),
            Err(StoreError::Newer { found: 3, .. })
        ));
    }

    #[test]
    fn a_store_without_a_way_to_this_version_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let error = store.migrate(1, 4, CHAIN).unwrap_err();
        assert!(
            matches!(error, StoreError::Older { found: 1, .. }),
            "{error}"
        );
        assert!(!store.root().join("one").exists());
        fs::write(store.root().join("version"), "0\n").unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        let hint = gantry_types::Diagnostic::hint(&error).unwrap();
        let path = store.root().display().to_string();
        assert!(
            error.to_string().contains(&path) && hint.contains(&path),
            "{error} {hint}"
        );
    }

    #[test]
    fn a_store_that_lost_its_version_is_completed_if_it_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        publish(&store, &record("example.com/app:1", 1)).unwrap();
        fs::remove_file(store.root().join("version")).unwrap();
        Store::open(dir.path()).unwrap();
        assert_eq!(store.version().unwrap(), Some(crate::VERSION));
        fs::remove_file(store.root().join("version")).unwrap();
        fs::remove_file(store.record_path(&id(1))).unwrap();
        fs::write(store.record_path(&id(1)), "{\"layout\": 0}").unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Unversioned { .. }), "{error}");
        assert!(!store.root().join("version").exists());
    }
}
