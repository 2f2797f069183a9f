//! The directory that an image is written to, replaced in one step.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use gantry_archive::digest::Sha256;
use gantry_archive::lock::{PathLock, Share, Wait};
use gantry_archive::remove_tree::remove_path;
use gantry_archive::rename::{exchange, rename_new};
use gantry_archive::sync::sync_dir;
use gantry_types::show::hex;

use super::{Output, OutputError, failed};

/// A directory that may be made, or replaced.
pub(super) struct Place<'a> {
    /// Its path as it was given, for messages.
    given: &'a Path,
    /// An existing directory, without symbolic links on the way.
    parent: PathBuf,
    path: PathBuf,
    overwrite: bool,
}

/// A hidden directory beside it, removed with this value.
pub(super) struct Staging {
    path: PathBuf,
    /// Says that somebody is at work here; `None` where directories cannot be locked.
    _lock: Option<PathLock>,
}

impl Staging {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays goes with the next command that writes to the same place.
        let _ = remove_path(&self.path);
    }
}

impl<'a> Place<'a> {
    /// Looks whether the directory may be made or replaced, and makes those above it.
    ///
    /// Hidden directories that commands for the same place left when they were killed are removed.
    pub(super) fn find(output: &Output<'a>, store: &Path) -> Result<Self, OutputError> {
        let given = output.directory;
        // A path that ends in `.` or `..` names what it leads to; any other its last component, which may
        // be a symbolic link.
        let whole = match given.file_name() {
            Some(_) => given.to_owned(),
            None => fs::canonicalize(given).map_err(failed("find", given))?,
        };
        let precious = |reason| OutputError::Precious {
            path: given.to_owned(),
            reason,
        };
        let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(precious("it is the root directory"));
        };
        let parent = match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(failed("create directory", parent))?;
        let parent = fs::canonicalize(parent).map_err(failed("find", parent))?;
        let path = parent.join(name);
        let store = fs::canonicalize(store).map_err(failed("find", store))?;
        if path.starts_with(&store) {
            return Err(precious("it is part of the image store"));
        }
        let place = Self {
            given,
            parent,
            path,
            overwrite: output.overwrite,
        };
        // Also where nothing is to be written: the killed command may have done all but this.
        place.clear();
        let path = &place.path;
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found.map_err(failed("look into", given))?),
        };
        if let Some(found) = found {
            if !output.overwrite {
                return Err(OutputError::Exists {
                    path: given.to_owned(),
                });
            }
            let root = fs::metadata("/").map_err(failed("look into", Path::new("/")))?;
            if (found.dev(), found.ino()) == (root.dev(), root.ino()) {
                return Err(precious("it is the root directory"));
            }
            if store.starts_with(path) {
                return Err(precious("it holds the image store"));
            }
        }
        Ok(place)
    }

    /// Makes a hidden directory beside it that only we can go into.
    pub(super) fn stage(&self) -> Result<Staging, OutputError> {
        let failed = || failed("create a directory in", &self.parent);
        let begins = self.hidden_prefix();
        loop {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
                .map_err(|error| failed()(error.into()))?;
            let path = self.parent.join(format!("{begins}{}", hex(&random)));
            DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .map_err(failed())?;
            match PathLock::existing(&path, Share::Exclusive, Wait::Block) {
                // Somebody took it for left behind before it was locked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                lock => {
                    let lock = lock.ok().flatten();
                    return Ok(Staging { path, _lock: lock });
                }
            }
        }
    }

    /// How the names of hidden directories for this place begin.
    fn hidden_prefix(&self) -> String {
        let name = self.path.file_name().map_or(&[][..], OsStr::as_bytes);
        format!(".rkt-{}-", hex(&Sha256::of(name)[..8]))
    }

    /// Removes hidden directories of ours for this place that nobody works in.
    fn clear(&self) {
        let begins = self.hidden_prefix();
        let own = rustix::process::geteuid().as_raw();
        // What cannot be found or removed is a directory too many, and no reason not to go on.
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            let left = entry.file_name().as_bytes().starts_with(begins.as_bytes())
                && (entry.metadata()).is_ok_and(|found| found.is_dir() && found.uid() == own);
            if !left {
                continue;
            }
            let path = entry.path();
            if let Ok(Some(_lock)) = PathLock::existing(&path, Share::Exclusive, Wait::Try) {
                let _ = remove_path(&path);
            }
        }
    }

    /// Gives the name to the staging directory, or to what it has at `part`.
    pub(super) fn publish(&self, staging: &Staging, part: &str) -> Result<(), OutputError> {
        let failed = |operation| failed(operation, self.given);
        let new = match part {
            "" => staging.path().to_owned(),
            part => staging.path().join(part),
        };
        // Otherwise a power cut could leave the name and empty files.
        File::open(&self.parent)
            .and_then(|parent| rustix::fs::syncfs(parent).map_err(Into::into))
            .map_err(failed("sync the file system of"))?;
        let left = self.put(&new, exchange)?;
        // From here on a power cut leaves the new name as well.
        sync_dir(&self.parent).map_err(failed("sync the directory of"))?;
        if left {
            remove_path(staging.path()).map_err(|source| OutputError::Leftover {
                path: self.given.to_owned(),
                source,
            })?;
        }
        Ok(())
    }

    /// Gives the name to `new`; tells whether what had the name is at `new` now.
    fn put(&self, new: &Path, exchange: Exchange) -> Result<bool, OutputError> {
        let failed = |operation| failed(operation, self.given);
        let exists = || OutputError::Exists {
            path: self.given.to_owned(),
        };
        if rename_new(new, &self.path).map_err(failed("create"))? {
            return Ok(false);
        }
        if !self.overwrite {
            return Err(exists());
        }
        match exchange(new, &self.path) {
            Ok(true) => return Ok(true),
            // Then there is a moment without a directory of this name.
            Ok(false) => remove_path(&self.path).map_err(failed("remove"))?,
            // Somebody removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("replace")(error)),
        }
        match rename_new(new, &self.path).map_err(failed("create"))? {
            true => Ok(false),
            false => Err(exists()),
        }
    }
}

type Exchange = fn(&Path, &Path) -> io::Result<bool>;

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(path: &'a Path, overwrite: bool) -> Place<'a> {
        Place {
            given: path,
            parent: path.parent().unwrap().to_owned(),
            path: path.to_owned(),
            overwrite,
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = names.map(|e| name(e).into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_command_left_goes_with_the_next_one_for_the_same_place() {
        let dir = tempfile::tempdir().unwrap();
        let (out, other) = (dir.path().join("out"), dir.path().join("other"));
        let (place_out, place_other) = (place(&out, false), place(&other, false));
        let killed = |place: &Place<'_>| {
            let mut staging = place.stage().unwrap();
            fs::create_dir_all(staging.path().join("rootfs/a")).unwrap();
            staging._lock = None;
            let path = staging.path().to_owned();
            std::mem::forget(staging);
            path
        };
        let left = killed(&place_out);
        let left_other = killed(&place_other);
        let foreign = format!("{}file", place_out.hidden_prefix());
        fs::write(dir.path().join(&foreign), "mine").unwrap();
        let at_work = place_out.stage().unwrap();
        place_out.clear();
        assert!(!left.exists() && left_other.exists() && at_work.path().exists());
        drop(at_work);
        place_other.clear();
        assert_eq!(names(dir.path()), [foreign]);
    }

    #[test]
    fn names_are_given_whatever_the_file_system_knows() {
        for (way, exchanges) in [(exchange as Exchange, true), (|_, _| Ok(false), false)] {
            let dir = tempfile::tempdir().unwrap();
            let (new, path) = (dir.path().join("new"), dir.path().join("out"));
            let put = |overwrite| {
                fs::create_dir_all(new.join("whole")).unwrap();
                place(&path, overwrite).put(&new, way)
            };
            assert!(!put(false).unwrap() && path.join("whole").is_dir());
            fs::write(path.join("mine"), "").unwrap();
            assert!(matches!(put(false), Err(OutputError::Exists { .. })));
            assert!(path.join("mine").is_file());
            assert_eq!(put(true).unwrap(), exchanges);
            assert!(path.join("whole").is_dir() && !path.join("mine").exists());
            assert_eq!(new.join("mine").is_file(), exchanges);
        }
    }
}
