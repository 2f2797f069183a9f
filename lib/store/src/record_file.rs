//! Reading the files of records, one or thousands.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use gantry_types::ImageId;
use rustix::fs::{Mode, OFlags};

use crate::error::StoreError;
use crate::record::{ImageRecord, MAX_RECORD_BYTES};

/// Room for a usual record, in bytes.
const USUAL_BYTES: usize = 4096;

/// Reads records one after the other with four system calls each: open, stat, read, close.
pub(crate) struct Records<'d> {
    dir: BorrowedFd<'d>,
    buffer: Vec<u8>,
}

impl<'d> Records<'d> {
    /// Names are looked up in `dir`.
    pub(crate) fn beside(dir: BorrowedFd<'d>) -> Self {
        Self {
            dir,
            buffer: Vec::with_capacity(USUAL_BYTES),
        }
    }

    /// Reads the record of `id` from the file `name`; messages call it `path`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`], and [`StoreError::Damaged`] or [`StoreError::Foreign`] if the file is not that
    /// record.
    pub(crate) fn read(
        &mut self,
        name: impl rustix::path::Arg,
        path: &Path,
        id: &ImageId,
    ) -> Result<ImageRecord, StoreError> {
        let foreign = |reason| StoreError::Foreign {
            path: path.to_owned(),
            reason,
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(self.dir, name, flags, Mode::empty());
        let file = file.map_err(|error| StoreError::io("read", path)(error.into()))?;
        let mut file = File::from(file);
        let meta = file.metadata().map_err(StoreError::io("read", path))?;
        if !meta.is_file() {
            return Err(foreign("is not a regular file"));
        }
        let json = self.content(&mut file, meta.len());
        let json = json.map_err(StoreError::io("read", path))?;
        if json.len() as u64 > MAX_RECORD_BYTES {
            return Err(foreign("is larger than any record"));
        }
        let mut record = ImageRecord::from_json(json).map_err(|source| StoreError::Damaged {
            path: path.to_owned(),
            source,
        })?;
        if record.id != *id {
            return Err(foreign("is the record of another image"));
        }
        if record.flat.as_ref().is_some_and(|flat| flat.top() != *id) {
            return Err(foreign("has the dependencies of another image"));
        }
        let seconds = u64::try_from(meta.mtime()).unwrap_or(0);
        let modified = seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(meta.mtime_nsec().unsigned_abs());
        record.last_used = record.last_used.max(modified);
        Ok(record)
    }

    /// The bytes of a file, one more than [`MAX_RECORD_BYTES`] at most. Its `size` says how many to ask
    /// for, so that one read gets them and sees the end; a file that grew meanwhile is read on.
    fn content(&mut self, file: &mut File, size: u64) -> io::Result<&[u8]> {
        let most = usize::try_from(MAX_RECORD_BYTES + 1).unwrap_or(usize::MAX);
        let mut room = usize::try_from(size.saturating_add(1)).unwrap_or(most);
        let mut length = 0;
        loop {
            room = room.min(most);
            if self.buffer.len() < room {
                self.buffer.resize(room, 0);
            }
            match file.read(&mut self.buffer[length..room]) {
                Ok(read) => {
                    length += read;
                    if length < room || length == most {
                        return Ok(&self.buffer[..length]);
                    }
                    room = room.saturating_mul(2);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    #[test]
    fn all_bytes_are_read_whatever_the_size_says() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..70_000_u32).map(|number| number as u8).collect();
        file.write_all(&bytes).unwrap();
        let dir = File::open("/").unwrap();
        let mut records = Records::beside(dir.as_fd());
        for size in [bytes.len() as u64, 0, 1, 69_999, 200_000] {
            std::io::Seek::rewind(&mut file).unwrap();
            assert_eq!(records.content(&mut file, size).unwrap(), bytes, "{size}");
        }
        file.set_len(MAX_RECORD_BYTES + 100).unwrap();
        for size in [0, MAX_RECORD_BYTES + 100] {
            std::io::Seek::rewind(&mut file).unwrap();
            let read = records.content(&mut file, size).unwrap().len();
            assert_eq!(read as u64, MAX_RECORD_BYTES + 1);
        }
    }
}
