//! The walk over the tree that becomes an image.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use gantry_sys::xattr::XattrTarget;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{MAX_DEPTH, Owner, WriteError, WriteOptions, sparse};
use crate::layer::PREFIX as WHITEOUT;
use crate::metadata::{Metadata, sorted_names};
use crate::owner_note;
use crate::snapshot::{Mark, Snapshot};
use crate::tar::{Entry, EntryKind, Extent, Timestamp, Xattr, data_padding, encode};

/// Size of the buffer for file content, in bytes.
const COPY_BUFFER: usize = 256 << 10;

/// Writes `rootfs` and everything beneath it; gives the latest time among them.
pub(super) fn walk<W: Write>(
    rootfs: BorrowedFd<'_>,
    archive: &mut W,
    options: &WriteOptions,
) -> Result<Timestamp, WriteError> {
    let mut walk = Walk::new(archive, options, b"rootfs", None);
    walk.directory(rootfs, c".")?;
    Ok(walk.latest)
}

/// Writes what has changed beneath `rootfs` since `before`, and gives the number of entries.
pub(super) fn walk_layer<W: Write>(
    rootfs: BorrowedFd<'_>,
    before: &Snapshot,
    archive: &mut W,
    options: &WriteOptions,
) -> Result<u64, WriteError> {
    let mut walk = Walk::new(archive, options, b"", Some(before));
    walk.directory(rootfs, c".")?;
    Ok(walk.entries)
}

struct Walk<'a, W> {
    archive: &'a mut W,
    options: &'a WriteOptions,
    /// Name in the archive of each file that has several, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    latest: Timestamp,
    buffer: Vec<u8>,
    /// Name in the archive of the entry at hand; of a layer, the empty name is that of the root.
    path: Vec<u8>,
    depth: usize,
    /// Of a layer, what was there before.
    before: Option<&'a Snapshot>,
    entries: u64,
}

impl<'a, W: Write> Walk<'a, W> {
    fn new(
        archive: &'a mut W,
        options: &'a WriteOptions,
        root: &[u8],
        before: Option<&'a Snapshot>,
    ) -> Self {
        Self {
            archive,
            options,
            links: HashMap::new(),
            latest: Timestamp::default(),
            buffer: vec![0; COPY_BUFFER],
            path: root.to_vec(),
            depth: 0,
            before,
            entries: 0,
        }
    }

    /// Whether the entry at hand belongs into the archive.
    fn is_wanted(&self, stat: &Stat, target: XattrTarget<'_>) -> Result<bool, WriteError> {
        let Some(before) = self.before else {
            return Ok(true);
        };
        if self.path.is_empty() && before.mark(b"").is_none() {
            // What every root is, unless told otherwise. Owners are those on disk here.
            return Ok(stat.st_mode & 0o7777 != 0o755);
        }
        let mark = Mark::of(stat, target);
        let mark = mark.map_err(|error| self.failed("read attributes of", error))?;
        Ok(before.mark(&self.path) != Some(mark))
    }

    /// Writes that what was in the directory at hand and is not among `names` is gone.
    fn whiteouts(&mut self, names: &[CString]) -> Result<(), WriteError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let is_there = |name: &[u8]| names.binary_search_by(|n| n.to_bytes().cmp(name)).is_ok();
        let gone = before.names(&self.path).filter(|name| !is_there(name));
        let gone: Vec<Vec<u8>> = gone.map(<[u8]>::to_vec).collect();
        for name in gone {
            let mut path = self.path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(WHITEOUT);
            path.extend_from_slice(&name);
            self.whiteout(path)?;
        }
        Ok(())
    }

    fn whiteout(&mut self, path: Vec<u8>) -> Result<(), WriteError> {
        self.entries += 1;
        self.output(&encode(&Entry {
            path,
            kind: EntryKind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            size: 0,
            xattrs: Vec::new(),
            sparse: None,
        }))
    }

    fn directory(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), WriteError> {
        if self.depth > MAX_DEPTH {
            return Err(WriteError::TooDeep { path: self.shown() });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty())
            .map_err(|error| self.failed("open", error))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| self.failed("inspect", error))?;
        let target = XattrTarget::Open(fd.as_fd());
        if self.is_wanted(&stat, target)? {
            self.header(EntryKind::Directory, &stat, target, None)?;
        }
        let names = sorted_names(&fd).map_err(|error| self.failed("list", error))?;
        self.whiteouts(&names)?;
        let length = self.path.len();
        self.depth += 1;
        for name in names {
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
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
        if matches!(file_type, FileType::Socket | FileType::Unknown) {
            // A socket means nothing without the program that listens on it; but what it took the place of is gone.
            if self
                .before
                .is_some_and(|before| before.mark(&self.path).is_some())
            {
                let mut path = self.path.clone();
                let start = path.len() - name.to_bytes().len();
                path.splice(start..start, WHITEOUT.iter().copied());
                self.whiteout(path)?;
            }
            return Ok(());
        }
        if self.before.is_some() && name.to_bytes().starts_with(WHITEOUT) {
            return Err(WriteError::Reserved { path: self.shown() });
        }
        let target = XattrTarget::Named(parent, name.to_bytes());
        if file_type != FileType::Directory && !self.is_wanted(&stat, target)? {
            return Ok(());
        }
        if file_type != FileType::Directory && stat.st_nlink > 1 {
            let key = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.links.get(&key) {
                let kind = EntryKind::HardLink(first.clone());
                return self.header(kind, &stat, target, None);
            }
            self.links.insert(key, self.path.clone());
        }
        let (major, minor) = (
            rustix::fs::major(stat.st_rdev),
            rustix::fs::minor(stat.st_rdev),
        );
        let kind = match file_type {
            FileType::Directory => return self.directory(parent, name),
            FileType::RegularFile => return self.file(parent, name, &stat),
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(parent, name, Vec::new())
                    .map_err(|error| self.failed("read", error))?;
                EntryKind::Symlink(link.into_bytes())
            }
            FileType::CharacterDevice => EntryKind::CharDevice { major, minor },
            FileType::BlockDevice => EntryKind::BlockDevice { major, minor },
            FileType::Fifo => EntryKind::Fifo,
            FileType::Socket | FileType::Unknown => return Ok(()),
        };
        self.header(kind, &stat, target, None)
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr, seen: &Stat) -> Result<(), WriteError> {
        // Should a FIFO have taken the file's place, opening must not wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name, flags, Mode::empty())
            .map_err(|error| self.failed("open", error))?;
        let file = File::from(file);
        let stat = self.fstat(&file)?;
        if (stat.st_dev, stat.st_ino) != (seen.st_dev, seen.st_ino) {
            return Err(WriteError::Changed { path: self.shown() });
        }
        let size = size(&stat);
        let map =
            sparse::map(&file, size, &mut self.buffer).map_err(|error| self.unreadable(error))?;
        let target = XattrTarget::Open(file.as_fd());
        self.header(EntryKind::File, &stat, target, map.as_deref())?;
        let whole = [Extent {
            offset: 0,
            length: size,
        }];
        let extents = map.as_deref().unwrap_or(&whole);
        for extent in extents {
            self.content(&file, *extent)?;
        }
        let after = self.fstat(&file)?;
        let time = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
        if (size, time(&stat)) != (self::size(&after), time(&after)) {
            return Err(WriteError::Changed { path: self.shown() });
        }
        self.output(data_padding(
            extents.iter().map(|extent| extent.length).sum(),
        ))
    }

    /// Copies exactly the bytes of an extent.
    fn content(&mut self, file: &File, extent: Extent) -> Result<(), WriteError> {
        let Extent { mut offset, length } = extent;
        let end = offset + length;
        while offset < end {
            let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX);
            let wanted = wanted.min(self.buffer.len());
            let length = match file.read_at(&mut self.buffer[..wanted], offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.unreadable(error)),
                Ok(0) => return Err(WriteError::Changed { path: self.shown() }),
                Ok(length) => length,
            };
            offset += length as u64;
            self.archive
                .write_all(&self.buffer[..length])
                .map_err(|source| WriteError::Output { source })?;
        }
        Ok(())
    }

    fn header(
        &mut self,
        kind: EntryKind,
        stat: &Stat,
        target: XattrTarget<'_>,
        sparse: Option<&[Extent]>,
    ) -> Result<(), WriteError> {
        let mut metadata = Metadata::read(stat, target)
            .map_err(|error| self.failed("read attributes of", error))?;
        let (uid, gid) = match self.options.owner {
            Owner::Keep => (metadata.uid, metadata.gid),
            Owner::Root => (0, 0),
            Owner::MapUserToRoot { uid, gid } => {
                let noted = take_note(&mut metadata.xattrs);
                (
                    noted
                        .0
                        .unwrap_or(if metadata.uid == uid { 0 } else { metadata.uid }),
                    noted
                        .1
                        .unwrap_or(if metadata.gid == gid { 0 } else { metadata.gid }),
                )
            }
            Owner::Unshift { first, count } => {
                let unshift = |id: u32| match id.checked_sub(first) {
                    Some(own) if own < count => own,
                    _ => id,
                };
                (unshift(metadata.uid), unshift(metadata.gid))
            }
        };
        let epoch = |seconds| Timestamp {
            seconds,
            nanoseconds: 0,
        };
        let mtime = match self.options.source_date_epoch {
            given if self.options.exact_times => epoch(given.unwrap_or(0)),
            Some(seconds) => metadata.mtime.min(epoch(seconds)),
            None => metadata.mtime,
        };
        self.latest = self.latest.max(mtime);
        // Attributes of a file with several names stand at the first of them.
        let is_link = matches!(kind, EntryKind::HardLink(_));
        let is_file = kind == EntryKind::File;
        self.entries += 1;
        let entry = Entry {
            path: match self.path.as_slice() {
                b"" => b"./".to_vec(),
                path => path.to_vec(),
            },
            kind,
            mode: metadata.mode,
            uid,
            gid,
            mtime,
            size: if is_file { size(stat) } else { 0 },
            xattrs: if is_link { Vec::new() } else { metadata.xattrs },
            sparse: sparse.map(<[Extent]>::to_vec),
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
        let beneath = match self.before {
            Some(_) => &self.path[..],
            None => self.path.strip_prefix(b"rootfs/").unwrap_or_default(),
        };
        PathBuf::from(OsStr::from_bytes(beneath))
    }

    fn fstat(&self, file: &File) -> Result<Stat, WriteError> {
        rustix::fs::fstat(file).map_err(|error| self.failed("inspect", error))
    }

    fn unreadable(&self, source: std::io::Error) -> WriteError {
        WriteError::File {
            action: "read",
            path: self.shown(),
            source,
        }
    }

    fn failed(&self, action: &'static str, error: Errno) -> WriteError {
        WriteError::File {
            action,
            path: self.shown(),
            source: error.into(),
        }
    }
}

/// Takes the note of an owner from the attributes of a file, if it has one.
fn take_note(xattrs: &mut Vec<Xattr>) -> (Option<u32>, Option<u32>) {
    let is_note = |xattr: &Xattr| xattr.name == owner_note::NAME.to_bytes();
    let found = xattrs.iter().position(is_note);
    let note = found.and_then(|index| owner_note::decode(&xattrs.remove(index).value));
    note.unwrap_or_default()
}

fn size(stat: &Stat) -> u64 {
    // The kernel has no negative sizes.
    u64::try_from(stat.st_size).unwrap_or(0)
}
