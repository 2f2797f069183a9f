//! Downloads that outlive the process that makes them.
//!
//! For every URL there are three files in `store/ingest`, named by the SHA-256 of the URL: `KEY.lock`
//! (who holds it exclusively is the one downloader), `KEY.part` (the first bytes of the answer) and
//! `KEY.json` (what they are the beginning of); see also `ingest_need.rs`. Without a readable sidecar that names the URL the data
//! means nothing and is dropped, so the order of changes is: sidecar gone, data truncated, new sidecar,
//! data appended.
//!
//! After a crash of the machine the length of a file may be known to the file system when its content
//! is not. The sidecar therefore says up to where the data is durable, and of which boot it speaks: in
//! the same boot all data counts, after another boot only that part.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gantry_sys::lock::{PathLock, Share, Wait};
use gantry_sys::rename::rename_new;
use gantry_types::show::hex;

use crate::error::StoreError;
use crate::sidecar::{Sidecar, boot, read_sidecar};
use crate::staged_file::StagedFile;
use crate::store::Store;

/// Bytes after which the data is made durable, in case the machine stops.
const CHECKPOINT: u64 = 64 * 1024 * 1024;

/// The partial download of one URL, held exclusively.
#[derive(Debug)]
pub struct Ingest {
    lock: PathLock,
    data: File,
    sidecar: Option<Sidecar>,
    length: u64,
    paths: Paths,
    url: String,
}

#[derive(Debug)]
struct Paths {
    dir: PathBuf,
    data: PathBuf,
    sidecar: PathBuf,
}

impl Store {
    /// Takes the download of `url`, waiting for another process or thread that has it.
    ///
    /// Then look whether the store has the image by now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn ingest(&self, url: &str) -> Result<Ingest, StoreError> {
        let path = self.ingest_path(url, "lock");
        let lock = PathLock::file(&path, Share::Exclusive, Wait::Block)
            .map_err(StoreError::io("lock", &path))?
            .ok_or_else(|| StoreError::io("lock", &path)(io::ErrorKind::WouldBlock.into()))?;
        self.open_ingest(url, lock)
    }

    /// Takes the download of `url` unless another process or thread has it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn try_ingest(&self, url: &str) -> Result<Option<Ingest>, StoreError> {
        let path = self.ingest_path(url, "lock");
        let lock = PathLock::file(&path, Share::Exclusive, Wait::Try)
            .map_err(StoreError::io("lock", &path))?;
        lock.map(|lock| self.open_ingest(url, lock)).transpose()
    }

    fn ingest_path(&self, url: &str, extension: &str) -> PathBuf {
        self.ingest_dir()
            .join(format!("{}.{extension}", ingest_key(url)))
    }

    fn open_ingest(&self, url: &str, lock: PathLock) -> Result<Ingest, StoreError> {
        let paths = Paths {
            dir: self.ingest_dir(),
            data: self.ingest_path(url, "part"),
            sidecar: self.ingest_path(url, "json"),
        };
        let data = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&paths.data)
            .map_err(StoreError::io("open", &paths.data))?;
        let length = data
            .metadata()
            .map_err(StoreError::io("read", &paths.data))?
            .len();
        let sidecar = read_sidecar(&paths.sidecar).filter(|sidecar| sidecar.url == url);
        let url = url.to_owned();
        let mut ingest = Ingest {
            lock,
            data,
            sidecar,
            length,
            paths,
            url,
        };
        ingest.settle()?;
        Ok(ingest)
    }
}

impl Ingest {
    /// Cuts the data to what can be relied on.
    fn settle(&mut self) -> Result<(), StoreError> {
        let Some(sidecar) = &self.sidecar else {
            return self.restart();
        };
        let reliable = if sidecar.boot == boot() && !sidecar.boot.is_empty() {
            self.length
        } else {
            sidecar.durable
        };
        let limit = sidecar.expected_size.unwrap_or(u64::MAX);
        if self.length > limit {
            return self.restart();
        }
        if reliable < self.length {
            self.data
                .set_len(reliable)
                .map_err(StoreError::io("truncate", &self.paths.data))?;
            self.length = reliable;
        }
        self.data
            .seek(SeekFrom::Start(self.length))
            .map_err(StoreError::io("read", &self.paths.data))?;
        Ok(())
    }

    /// URL of the download.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Number of bytes that are there.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether no byte is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What the bytes are the beginning of; `None` for a new download.
    #[must_use]
    pub fn sidecar(&self) -> Option<&Sidecar> {
        self.sidecar.as_ref()
    }

    /// Drops all bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.sidecar = None;
        gone(fs::remove_file(&self.paths.sidecar))
            .map_err(StoreError::io("remove", &self.paths.sidecar))?;
        self.data
            .set_len(0)
            .map_err(StoreError::io("truncate", &self.paths.data))?;
        self.data
            .rewind()
            .map_err(StoreError::io("truncate", &self.paths.data))?;
        self.length = 0;
        Ok(())
    }

    /// The file, for somebody else to write to; tell about it with [`started`](Self::started) and
    /// [`advanced`](Self::advanced).
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn file(&self) -> Result<File, StoreError> {
        self.data
            .try_clone()
            .map_err(StoreError::io("open", &self.paths.data))
    }

    /// Notes what the bytes that follow are part of: `kept` bytes stay, and the file is that long.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn started(
        &mut self,
        etag: Option<String>,
        last_modified: Option<String>,
        expected_size: Option<u64>,
        kept: u64,
    ) -> Result<(), StoreError> {
        let durable = self
            .sidecar
            .as_ref()
            .map_or(0, |sidecar| sidecar.durable.min(kept));
        if kept == 0 {
            self.restart()?;
        }
        self.length = kept;
        self.write_sidecar(Sidecar {
            url: self.url.clone(),
            etag,
            last_modified,
            expected_size,
            expected_digest: None,
            durable,
            boot: boot(),
        })
    }

    /// Notes that the file has grown to `length` bytes, and makes it durable from time to time.
    ///
    /// # Errors
    ///
    /// Those of fdatasync(2) and of writing the sidecar.
    pub fn advanced(&mut self, length: u64) -> io::Result<()> {
        self.length = length;
        self.checkpoint()
    }

    fn write_sidecar(&mut self, sidecar: Sidecar) -> Result<(), StoreError> {
        let json = serde_json::to_vec(&sidecar).unwrap_or_default();
        let write = || {
            let staged = StagedFile::write(&self.paths.dir, &json)?;
            staged.sync()?;
            staged.publish(&self.paths.sidecar)
        };
        write().map_err(StoreError::io("write", &self.paths.sidecar))?;
        self.sidecar = Some(sidecar);
        Ok(())
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        let Some(sidecar) = &self.sidecar else {
            return Ok(());
        };
        if self.length - sidecar.durable.min(self.length) < CHECKPOINT {
            return Ok(());
        }
        self.data.sync_data()?;
        let next = Sidecar {
            durable: self.length,
            boot: boot(),
            ..sidecar.clone()
        };
        self.write_sidecar(next).map_err(io::Error::other)
    }

    /// Lets the disk work on what was written so far; makes nothing durable and does not wait.
    pub fn begin_writing(&self) {
        gantry_sys::sync::begin_writing(&self.data);
    }

    /// Opens the data for reading from its first byte.
    ///
    /// The reader is of the same file that is later published, whatever happens to its name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub fn reader(&self) -> Result<IngestReader, StoreError> {
        let data = self
            .data
            .try_clone()
            .map_err(StoreError::io("open", &self.paths.data))?;
        Ok(IngestReader { data, position: 0 })
    }

    /// Deletes the data: it turned out to be bad, or not to be needed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a file cannot be removed.
    pub fn discard(self) -> Result<(), StoreError> {
        let lock = self.drop_data()?;
        let path = lock.path().to_owned();
        lock.remove().map_err(StoreError::io("remove", path))
    }

    /// Deletes the data and keeps others from downloading it again until the lock is released.
    pub(crate) fn drop_data(self) -> Result<PathLock, StoreError> {
        gone(fs::remove_file(&self.paths.sidecar))
            .map_err(StoreError::io("remove", &self.paths.sidecar))?;
        gone(fs::remove_file(&self.paths.data))
            .map_err(StoreError::io("remove", &self.paths.data))?;
        Ok(self.lock)
    }

    /// Gives the data, which must be on stable storage, the name `to`, unless a blob has it already.
    ///
    /// The lock is to be held until the image is visible: whoever waits for it then finds the image,
    /// and would otherwise download it again.
    pub(crate) fn publish_new(&self, to: &Path) -> io::Result<bool> {
        self.data
            .set_permissions(fs::Permissions::from_mode(0o440))?;
        rename_new(&self.paths.data, to)
    }

    /// Brings the data to stable storage and gives it the name `to`, whatever has it.
    pub(crate) fn replace(&self, to: &Path) -> io::Result<()> {
        self.data
            .set_permissions(fs::Permissions::from_mode(0o440))?;
        self.data.sync_all()?;
        fs::rename(&self.paths.data, to)
    }

    /// Path of the data, for locking it before it is published.
    pub(crate) fn data_path(&self) -> &Path {
        &self.paths.data
    }
}

/// Reads the data of an [`Ingest`] by position, so that it disturbs neither the writer nor other readers.
#[derive(Debug)]
pub struct IngestReader {
    data: File,
    position: u64,
}

impl Read for IngestReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// Appends; fails beyond the expected size.
impl Write for Ingest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = self
            .sidecar
            .as_ref()
            .and_then(|sidecar| sidecar.expected_size);
        if limit.is_some_and(|limit| self.length.saturating_add(bytes.len() as u64) > limit) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sends more than it announced",
            ));
        }
        let written = self.data.write(bytes)?;
        self.length += written as u64;
        self.checkpoint()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Name of the files of the download of `url`, without their extensions.
pub(crate) fn ingest_key(url: &str) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, url.as_bytes()).as_ref())
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
