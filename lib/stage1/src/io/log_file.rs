//! The log of one app in the pod directory: two files that are written in turn.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, SeekFrom, ftruncate, openat, seek};
use rustix::io::Errno;

/// Largest log file of an app, in bytes; there are two.
pub(crate) const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// A log of bounded size: once a file is full the older one is emptied and written.
///
/// Both are open from the start, so that later nobody needs to be able to make files here: not on a
/// full disk, nor as root of a user namespace.
#[derive(Debug)]
pub(crate) struct LogFile {
    files: [OwnedFd; 2],
    /// Which of them is written.
    current: usize,
    size: u64,
    limit: u64,
    /// Records that wait to be written.
    batch: Vec<u8>,
    /// A record was written in part, since the disk was full.
    torn: bool,
}

impl LogFile {
    /// Makes the log of `app` in `directory`.
    pub(crate) fn create(directory: impl AsFd, app: &str) -> Result<Self, Errno> {
        Self::with_limit(directory, app, MAX_FILE_BYTES)
    }

    fn with_limit(directory: impl AsFd, app: &str, limit: u64) -> Result<Self, Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |number: u8| {
            let name = format!("{app}.{number}");
            openat(&directory, name, flags, Mode::from_raw_mode(0o640))
        };
        Ok(Self {
            files: [open(0)?, open(1)?],
            current: 0,
            size: 0,
            limit,
            batch: Vec::new(),
            torn: false,
        })
    }

    /// Where the next record goes, until [`LogFile::flush`].
    pub(crate) fn batch(&mut self) -> &mut Vec<u8> {
        &mut self.batch
    }

    /// Writes the records that wait. What a full disk does not take is lost.
    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if self.size > 0 && self.size + self.batch.len() as u64 > self.limit {
            let next = 1 - self.current;
            let emptied = ftruncate(&self.files[next], 0)
                .and_then(|()| seek(&self.files[next], SeekFrom::Start(0)));
            if emptied.is_ok() {
                (self.current, self.size, self.torn) = (next, 0, false);
            }
        }
        let batch = std::mem::take(&mut self.batch);
        if self.torn {
            // The rest of a record that was cut off would else swallow the next one.
            self.torn = self.write(b"\n").is_err();
        }
        if !self.torn {
            self.torn = self.write(&batch).is_err();
        }
        self.batch = batch;
        self.batch.clear();
        self.batch.shrink_to(4096);
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.files[self.current], bytes) {
                Ok(0) => return Err(Errno::NOSPC),
                Ok(count) => {
                    self.size += count as u64;
                    bytes = &bytes[count..];
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_take_turns_and_stay_small() {
        let directory = tempfile::tempdir().unwrap();
        let open = std::fs::File::open(directory.path()).unwrap();
        let mut log = LogFile::with_limit(&open, "web", 30).unwrap();
        let read = |number: u8| {
            std::fs::read_to_string(directory.path().join(format!("web.{number}"))).unwrap()
        };
        for number in 0..5 {
            log.batch()
                .extend(format!("record {number}.....\n").bytes());
            log.flush();
        }
        assert_eq!(read(0), "record 4.....\n");
        assert_eq!(read(1), "record 2.....\nrecord 3.....\n");
        // A batch that is larger than a file is written all the same.
        log.batch().extend([b'x'; 40]);
        log.flush();
        assert_eq!(read(1).len(), 40);
    }

    #[test]
    fn a_full_disk_costs_records_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let open = std::fs::File::open(directory.path()).unwrap();
        let mut log = LogFile::create(&open, "web").unwrap();
        let good = log.files[0].try_clone().unwrap();
        log.files[0] = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .into();
        log.batch().extend(b"lost\n");
        log.flush();
        log.files[0] = good;
        log.batch().extend(b"kept\n");
        log.flush();
        let text = std::fs::read_to_string(directory.path().join("web.0")).unwrap();
        assert_eq!(text, "\nkept\n");
    }
}
