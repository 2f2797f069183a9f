//! The walk over the tree that becomes an image.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gantry_sys::xattr::XattrTarget;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{MAX_DEPTH, Owner, WriteError, WriteOptions};
use crate::metadata::{Metadata, sorted_names};
use crate::tar::{Entry, EntryKind, Timestamp, data_padding, encode};

/// Size of the buffer for file content, in bytes.
const COPY_BUFFER: usize = 256 << 10;

/// Writes `rootfs` and everything beneath it; gives the latest time among them.
pub(super) fn walk<W: Write>(
    rootfs: BorrowedFd<'_>,
    archive: &mut W,
    options: &WriteOptions,
) -> Result<Timestamp, WriteError> {
    let mut walk = Walk {
        archive,
        options,
        links: HashMap::new(),
        latest: Timestamp::default(),
        buffer: vec![0; COPY_BUFFER],
        path: b"rootfs".to_vec(),
        depth: 0,
    };
    walk.directory(rootfs, c".")?;
    Ok(walk.latest)
}

struct Walk<'a, W> {
    archive: &'a mut W,
    options: &'a WriteOptions,
    /// Name in the archive of each file that has several, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    latest: Timestamp,
    buffer: Vec<u8>,
    /// Name in the archive of the entry at hand.
    path: Vec<u8>,
    depth: usize,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), WriteError> {
        if self.depth > MAX_DEPTH {
            return Err(WriteError::TooDeep { path: self.shown() });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty())
            .map_err(|error| self.failed("open", error))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| self.failed("inspect", error))?;
        self.header(
            EntryKind::Directory,
            0,
            &stat,
            XattrTarget::Open(fd.as_fd()),
        )?;
        let names = sorted_names(&fd).map_err(|error| self.failed("list", error))?;
        let length = self.path.len();
        self.depth += 1;
        for name in names {
            self.path.push(b'/');
            self.path.extend_from_slice(name.to_bytes());
            self.entry(fd.as_fd(), &name)?;
            self.path.truncate(length);
        }
        self.depth -= 1;
        Ok(())
    }

    fn entry(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), WriteError> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.failed("inspect", error))?;
        let file_type = FileType::from_raw_mode(stat.st_mode);
        let target = XattrTarget::Named(parent, name.to_bytes());
        if file_type != FileType::Directory && stat.st_nlink > 1 {
            let key = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.links.get(&key) {
                let kind = EntryKind::HardLink(first.clone());
                return self.header(kind, 0, &stat, target);
            }
            self.links.insert(key, self.path.clone());
        }
        let (major, minor) = (
            rustix::fs::major(stat.st_rdev),
            rustix::fs::minor(stat.st_rdev),
        );
        match file_type {
            FileType::Directory => self.directory(parent, name),
            FileType::RegularFile => self.file(parent, name, &stat),
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(parent, name, Vec::new())
                    .map_err(|error| self.failed("read", error))?;
                self.header(EntryKind::Symlink(link.into_bytes()), 0, &stat, target)
            }
            FileType::CharacterDevice => {
                self.header(EntryKind::CharDevice { major, minor }, 0, &stat, target)
            }
            FileType::BlockDevice => {
                self.header(EntryKind::BlockDevice { major, minor }, 0, &stat, target)
            }
            FileType::Fifo => self.header(EntryKind::Fifo, 0, &stat, target),
            // A socket means nothing without the program that listens on it.
            FileType::Socket | FileType::Unknown => Ok(()),
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr, seen: &Stat) -> Result<(), WriteError> {
        // Should a FIFO have taken the file's place, opening must not wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name, flags, Mode::empty())
            .map_err(|error| self.failed("open", error))?;
        let stat = rustix::fs::fstat(&file).map_err(|error| self.failed("inspect", error))?;
        if (stat.st_dev, stat.st_ino) != (seen.st_dev, seen.st_ino) {
            return Err(WriteError::Changed { path: self.shown() });
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        self.header(
            EntryKind::File,
            size,
            &stat,
            XattrTarget::Open(file.as_fd()),
        )?;
        self.content(File::from(file), size)?;
        self.output(data_padding(size))
    }

    /// Copies exactly `size` bytes, and makes sure that there are no more.
    fn content(&mut self, mut file: File, size: u64) -> Result<(), WriteError> {
        let mut left = size;
        loop {
            let length = match file.read(&mut self.buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(WriteError::File {
                        action: "read",
                        path: self.shown(),
                        source,
                    });
                }
                Ok(length) => length,
            };
            if length as u64 > left || length == 0 && left > 0 {
                return Err(WriteError::Changed { path: self.shown() });
            }
            if length == 0 {
                return Ok(());
            }
            left -= length as u64;
            self.archive
                .write_all(&self.buffer[..length])
                .map_err(|source| WriteError::Output { source })?;
        }
    }

    fn header(
        &mut self,
        kind: EntryKind,
        size: u64,
        stat: &Stat,
        target: XattrTarget<'_>,
    ) -> Result<(), WriteError> {
        let metadata = Metadata::read(stat, target)
            .map_err(|error| self.failed("read attributes of", error))?;
        let (uid, gid) = match self.options.owner {
            Owner::Keep => (metadata.uid, metadata.gid),
            Owner::Root => (0, 0),
            Owner::MapUserToRoot { uid, gid } => (
                if metadata.uid == uid { 0 } else { metadata.uid },
                if metadata.gid == gid { 0 } else { metadata.gid },
            ),
        };
        let mtime = match self.options.source_date_epoch {
            Some(seconds) => metadata.mtime.min(Timestamp {
                seconds,
                nanoseconds: 0,
            }),
            None => metadata.mtime,
        };
        self.latest = self.latest.max(mtime);
        // Attributes of a file with several names stand at the first of them.
        let is_link = matches!(kind, EntryKind::HardLink(_));
        let entry = Entry {
            path: self.path.clone(),
            kind,
            mode: metadata.mode,
            uid,
            gid,
            mtime,
            size,
            xattrs: if is_link { Vec::new() } else { metadata.xattrs },
            sparse: None,
        };
        self.output(&encode(&entry))
    }

    fn output(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.archive
            .write_all(data)
            .map_err(|source| WriteError::Output { source })
    }

    /// Path of the entry at hand beneath the root directory, for messages.
    fn shown(&self) -> PathBuf {
        let beneath = self.path.strip_prefix(b"rootfs/").unwrap_or_default();
        PathBuf::from(OsStr::from_bytes(beneath))
    }

    fn failed(&self, action: &'static str, error: Errno) -> WriteError {
        WriteError::File {
            action,
            path: self.shown(),
            source: error.into(),
        }
    }
}
