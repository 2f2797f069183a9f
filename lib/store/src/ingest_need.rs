//! Which downloads wait for which.
//!
//! Whoever has the download of an image keeps it while the images beneath it are fetched, so that nobody
//! downloads it a second time. Two processes that fetch images which depend on each other would therefore
//! wait for one another for ever. That is why `store/ingest/KEY.need` names, while the download KEY waits,
//! the key of the download that it needs. The file is locked by its writer and complete as soon as it has
//! its name; one that nobody locks means nothing. Each process first writes its own need and then follows
//! those of others, so at least one of those in a circle sees it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use gantry_sys::lock::{Share, Wait, flock};

use crate::error::StoreError;
use crate::ingest::ingest_key;
use crate::staged_file::StagedFile;
use crate::store::Store;

/// Longest way followed. Images have fewer images below one another.
const MAX_STEPS: usize = 256;

/// Length of a key in bytes.
const KEY_BYTES: u64 = 64;

const EXTENSION: &str = "need";

/// Tells others, while it lives, that one download waits for another one.
#[derive(Debug)]
pub struct IngestNeed {
    path: PathBuf,
    _locked: File,
}

impl Drop for IngestNeed {
    fn drop(&mut self) {
        // What cannot be removed means nothing without the lock, and is collected.
        let _ = fs::remove_file(&self.path);
    }
}

impl Store {
    /// Notes that the download of `url`, which the caller has, waits for that of `needed`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn ingest_needs(&self, url: &str, needed: &str) -> Result<IngestNeed, StoreError> {
        let dir = self.ingest_dir();
        let path = self.need_path(&ingest_key(url));
        let write = || {
            let staged = StagedFile::write(&dir, ingest_key(needed).as_bytes())?;
            let locked = staged.lock()?;
            staged.publish(&path)?;
            Ok(locked)
        };
        let locked = write().map_err(StoreError::io("write to", &dir))?;
        Ok(IngestNeed {
            path,
            _locked: locked,
        })
    }

    /// Whether the download of `url` waits, maybe by way of others, for one of `held`, or is one of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn ingest_waits_for(&self, url: &str, held: &[String]) -> Result<bool, StoreError> {
        let held: Vec<String> = held.iter().map(|url| ingest_key(url)).collect();
        let mut key = ingest_key(url);
        for _ in 0..MAX_STEPS {
            if held.contains(&key) {
                return Ok(true);
            }
            let path = self.need_path(&key);
            match read_need(&path).map_err(StoreError::io("read", path))? {
                Some(next) => key = next,
                None => return Ok(false),
            }
        }
        // A circle of others, who will find it out.
        Ok(false)
    }

    fn need_path(&self, key: &str) -> PathBuf {
        self.ingest_dir().join(format!("{key}.{EXTENSION}"))
    }
}

/// Whether a file of `store/ingest` is a need.
pub(crate) fn is_need(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == EXTENSION)
}

/// The key in the file, if its writer lives.
fn read_need(path: &PathBuf) -> io::Result<Option<String>> {
    let opened = File::options()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if flock(&file, Share::Shared, Wait::Try)? {
        return Ok(None);
    }
    let mut key = String::new();
    file.by_ref().take(KEY_BYTES).read_to_string(&mut key)?;
    // Never part of a path that leads elsewhere.
    let is_key = key.len() as u64 == KEY_BYTES && key.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(is_key.then_some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_image::{late, nothing};

    fn held(urls: &[&str]) -> Vec<String> {
        urls.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_way_is_followed_as_long_as_its_needs_live() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let waits = |url: &str, of: &[&str]| store.ingest_waits_for(url, &held(of)).unwrap();
        assert!(waits("a", &["x", "a"]));
        assert!(!waits("a", &["x"]));
        let _ab = store.ingest_needs("a", "b").unwrap();
        let bc = store.ingest_needs("b", "c").unwrap();
        assert!(waits("a", &["c"]) && waits("b", &["c"]) && waits("a", &["b"]));
        assert!(!waits("a", &["x"]) && !waits("c", &["a", "b"]));
        // The last word counts.
        let bd = store.ingest_needs("b", "d").unwrap();
        assert!(waits("a", &["d"]) && !waits("a", &["c"]));
        drop((bc, bd));
        assert!(!waits("a", &["d"]) && waits("a", &["b"]));
    }

    #[test]
    fn what_nobody_locks_means_nothing_and_is_collected() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let collect = || {
            let grace = std::time::Duration::ZERO;
            store.gc(grace, late(), &mut nothing).unwrap().leftovers
        };
        let need = store.ingest_needs("a", "b").unwrap();
        assert_eq!(collect(), 0);
        let text = fs::read(&need.path).unwrap();
        let path = need.path.clone();
        drop(need);
        fs::write(&path, text).unwrap();
        assert!(!store.ingest_waits_for("a", &held(&["b"])).unwrap());
        assert_eq!(collect(), 1);
        assert_eq!(fs::read_dir(store.ingest_dir()).unwrap().count(), 0);
    }

    #[test]
    fn a_circle_of_others_and_a_file_that_is_no_need_end_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let _circle = [store.ingest_needs("a", "b"), store.ingest_needs("b", "a")];
        assert!(!store.ingest_waits_for("a", &held(&["x"])).unwrap());
        let path = store.need_path(&ingest_key("c"));
        for bad in ["", "../../etc/passwd", &"z".repeat(64), &"é".repeat(40)] {
            fs::write(&path, bad).unwrap();
            let file = File::open(&path).unwrap();
            assert!(flock(&file, Share::Exclusive, Wait::Try).unwrap());
            // Text cut in the middle of a letter is an error of reading, the rest is nothing.
            let outcome = store.ingest_waits_for("c", &held(&["x"]));
            assert!(matches!(outcome, Ok(false) | Err(_)), "{bad:?}");
        }
    }
}
