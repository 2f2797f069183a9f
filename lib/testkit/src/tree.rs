//! What a tree of files is, entry by entry, so that two can be compared.
//!
//! Reads through directory descriptors, so that paths may be as long as any archive has them, and shares
//! no code with what makes the trees.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::{CStr, OsString};
use std::fmt;
use std::fs::File;
use std::hash::Hasher;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, SeekFrom, Stat};
use rustix::io::Errno;

/// Content is compared in blocks of this many bytes; blocks of zeros and holes count the same.
const BLOCK: usize = 4096;

/// Everything that is known of one entry.
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    /// Type and permissions, as in `st_mode`.
    pub mode: u32,
    /// Owner.
    pub owner: (u32, u32),
    /// Time of last change of the content: seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Size in bytes of a regular file, 0 for everything else.
    pub size: u64,
    /// Hash of a regular file's content, or of a symbolic link's target.
    pub content: u64,
    /// Extended attributes.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Path of the first entry that is the same file, if the tree has more than one.
    pub same_as: Option<PathBuf>,
    /// Number of a device, 0 for everything else.
    pub device: u64,
    /// Inode, number of links and time of last change of anything: by [`Tree::exact`] only.
    pub identity: Option<(u64, u64, (i64, i64))>,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:o} {}:{} {} bytes {}.{:09} #{:x} device {:x} same as {:?} {:?}",
            self.mode,
            self.owner.0,
            self.owner.1,
            self.size,
            self.mtime.0,
            self.mtime.1,
            self.content,
            self.device,
            self.same_as,
            self.identity,
        )?;
        for (name, value) in &self.xattrs {
            write!(f, " {name}={}", value.escape_ascii())?;
        }
        Ok(())
    }
}

/// A tree of files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree(BTreeMap<PathBuf, Facts>);

impl Tree {
    /// Reads `root` and everything beneath it; sockets are left out. `root` itself is the empty path.
    ///
    /// # Panics
    ///
    /// When something cannot be read.
    pub fn read(root: &Path) -> Self {
        Self::reading(root, false, &[])
    }

    /// The same with [`Facts::identity`], and without what lies beneath the paths `except`: two readings
    /// are equal only if nobody touched anything but access times.
    ///
    /// # Panics
    ///
    /// When something cannot be read.
    pub fn exact(root: &Path, except: &[&Path]) -> Self {
        Self::reading(root, true, except)
    }

    fn reading(root: &Path, exact: bool, except: &[&Path]) -> Self {
        let mut reading = Reading {
            exact,
            except,
            found: BTreeMap::new(),
            inodes: BTreeMap::new(),
            path: PathBuf::new(),
        };
        let parent = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
            .unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        reading.directory(parent.as_fd(), c".");
        Self(reading.found)
    }

    /// The entries by path.
    pub fn entries(&self) -> &BTreeMap<PathBuf, Facts> {
        &self.0
    }

    /// Changes what is known of every entry, to compare only what a format can hold.
    #[must_use]
    pub fn map(mut self, change: impl Fn(&Path, &mut Facts)) -> Self {
        for (path, facts) in &mut self.0 {
            change(path, facts);
        }
        self
    }

    /// What `self` has otherwise than `expected`, a line each; empty if they are equal.
    pub fn differences(&self, expected: &Self) -> String {
        let mut lines = String::new();
        let all = self.0.keys().chain(expected.0.keys());
        let mut paths: Vec<_> = all.collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            let (is, should) = (self.0.get(path), expected.0.get(path));
            if is != should {
                let show = |facts: Option<&Facts>| match facts {
                    Some(facts) => format!("{facts:?}"),
                    None => "missing".to_owned(),
                };
                let mut name = format!("{path:?}");
                name.truncate(200);
                lines += &format!("{name}\n  is     {}\n  should {}\n", show(is), show(should));
            }
        }
        lines
    }

    /// Checks that both are equal, and shows what differs.
    ///
    /// # Panics
    ///
    /// When they differ.
    #[track_caller]
    pub fn expect(&self, expected: &Self, what: &str) {
        let differences = self.differences(expected);
        assert!(differences.is_empty(), "{what}:\n{differences}");
    }
}

struct Reading<'a> {
    exact: bool,
    except: &'a [&'a Path],
    found: BTreeMap<PathBuf, Facts>,
    inodes: BTreeMap<(u64, u64), PathBuf>,
    path: PathBuf,
}

impl Reading<'_> {
    fn directory(&mut self, parent: BorrowedFd<'_>, name: &CStr) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = rustix::fs::openat(parent, name, flags, Mode::empty());
        let fd = open.unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        let stat = rustix::fs::fstat(&fd).expect("stat");
        self.insert(&stat, parent, name);
        if self.except.contains(&self.path.as_path()) {
            return;
        }
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd).expect("directory") {
            let name = entry.expect("directory").file_name().to_owned();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            self.path.push(OsString::from_vec(name.to_bytes().to_vec()));
            let stat = rustix::fs::statat(&fd, &name, AtFlags::SYMLINK_NOFOLLOW).expect("stat");
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => self.directory(fd.as_fd(), &name),
                FileType::Socket => {}
                _ => self.insert(&stat, fd.as_fd(), &name),
            }
            self.path.pop();
        }
    }

    fn insert(&mut self, stat: &Stat, parent: BorrowedFd<'_>, name: &CStr) {
        let file_type = FileType::from_raw_mode(stat.st_mode);
        let regular = file_type == FileType::RegularFile;
        let device = matches!(file_type, FileType::CharacterDevice | FileType::BlockDevice);
        let key = (stat.st_dev, stat.st_ino);
        let first = self.inodes.entry(key).or_insert_with(|| self.path.clone());
        let facts = Facts {
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            mtime: (
                stat.st_mtime,
                stat.st_mtime_nsec.try_into().expect("nanoseconds"),
            ),
            size: if regular {
                stat.st_size.unsigned_abs()
            } else {
                0
            },
            content: match file_type {
                FileType::RegularFile => file_content(parent, name),
                FileType::Symlink => {
                    let target = rustix::fs::readlinkat(parent, name, Vec::new()).expect("link");
                    let mut hash = DefaultHasher::new();
                    hash.write(target.to_bytes());
                    hash.finish()
                }
                _ => 0,
            },
            xattrs: xattrs(parent, name),
            same_as: (*first != self.path).then(|| first.clone()),
            device: if device { stat.st_rdev } else { 0 },
            identity: self.exact.then(|| {
                let ctime_nsec = stat.st_ctime_nsec.try_into().expect("nanoseconds");
                (stat.st_ino, stat.st_nlink, (stat.st_ctime, ctime_nsec))
            }),
        };
        self.found.insert(self.path.clone(), facts);
    }
}

/// Hash of what is not zero, and where it is. Holes are skipped without reading.
fn file_content(parent: BorrowedFd<'_>, name: &CStr) -> u64 {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::empty());
    let file = File::from(file.unwrap_or_else(|error| panic!("{name:?}: {error}")));
    let size = file.metadata().expect("size").len();
    let mut hash = DefaultHasher::new();
    let mut block = [0; BLOCK];
    let mut offset = 0;
    while offset < size {
        match rustix::fs::seek(&file, SeekFrom::Data(offset)) {
            Err(Errno::NXIO) => break,
            found => offset = found.expect("seek") / BLOCK as u64 * BLOCK as u64,
        }
        let end = rustix::fs::seek(&file, SeekFrom::Hole(offset)).expect("seek");
        // At least one block, should the file system see holes within one.
        loop {
            let length = file.read_at(&mut block, offset).expect("content");
            if block[..length].iter().any(|byte| *byte != 0) {
                hash.write_u64(offset);
                hash.write(&block[..length]);
            }
            offset += BLOCK as u64;
            if offset >= end.min(size) {
                break;
            }
        }
    }
    hash.finish()
}

fn xattrs(parent: BorrowedFd<'_>, name: &CStr) -> BTreeMap<String, Vec<u8>> {
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    let path = OsString::from_vec(path);
    let mut names = vec![0; 65_536];
    let length = match rustix::fs::llistxattr(&path, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length.expect("attributes"),
    };
    let mut found = BTreeMap::new();
    for attribute in names[..length].split(|byte| *byte == 0) {
        if attribute.is_empty() || attribute == b"security.selinux" {
            continue;
        }
        let mut value = vec![0; 65_536];
        let length = rustix::fs::lgetxattr(&path, attribute, &mut value[..]).expect("attribute");
        value.truncate(length);
        found.insert(attribute.escape_ascii().to_string(), value);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_difference_is_seen_and_named() {
        let places = [(); 2].map(|()| tempfile::tempdir().expect("temp dir"));
        let trees = || {
            places
                .each_ref()
                .map(|place| Tree::read(place.path()).map(|_, facts| facts.mtime = (0, 0)))
        };
        for place in &places {
            fs::write(place.path().join("a"), "same").expect("file");
        }
        let [one, two] = trees();
        assert_eq!(one.differences(&two), "");
        fs::write(places[0].path().join("a"), "saME").expect("file");
        let [one, two] = trees();
        assert!(one.differences(&two).starts_with("\"a\"\n  is "));
    }

    #[test]
    fn exact_trees_see_that_something_was_touched() {
        let place = tempfile::tempdir().expect("temp dir");
        fs::write(place.path().join("a"), "same").expect("file");
        let before = Tree::exact(place.path(), &[]);
        assert_eq!(before, Tree::exact(place.path(), &[]));
        fs::hard_link(place.path().join("a"), place.path().join("b")).expect("link");
        fs::remove_file(place.path().join("b")).expect("removal");
        assert_ne!(before, Tree::exact(place.path(), &[]));
    }
}
