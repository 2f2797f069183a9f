//! One tree of several that are laid over each other.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use gantry_sys::openat::open_beneath;
use gantry_sys::xattr::XattrTarget;
use rustix::fs::{AtFlags, FileType, Mode};

use super::stack::OPEN;
use super::{LayerError, Marks};
use crate::copy::{CREATE, CopyOptions, Source};
use crate::extract::Ownership;
use crate::metadata::{Failed, Metadata, XattrPolicy, sorted_names, step};

/// Copies what an overlay of `roots`, topmost first, would show to the new directory `to.1` in `to.0`.
///
/// Mode, owner, times, attributes, hard links and holes stay as they are; data is shared where the file system
/// can.
///
/// # Errors
///
/// [`LayerError::File`]; `EEXIST` inside if `to.1` exists.
pub fn flatten(
    roots: &[BorrowedFd<'_>],
    to: (BorrowedFd<'_>, &OsStr),
    ownership: Ownership,
) -> Result<(), LayerError> {
    let make = || -> Result<OwnedFd, Failed> {
        rustix::fs::mkdirat(to.0, to.1, Mode::RWXU).map_err(step(CREATE))?;
        open_beneath(to.0, to.1.as_bytes(), OPEN, Mode::empty()).map_err(step("open the copy of"))
    };
    let target = make().map_err(LayerError::of(b""))?;
    let mut flattening = Flattening {
        roots,
        target: target.as_fd(),
        marks: Marks::here(),
        options: CopyOptions {
            ownership,
            ..CopyOptions::default()
        },
        links: HashMap::new(),
    };
    let all = (0..roots.len()).collect();
    let mut path = Vec::new();
    let all = flattening
        .visible(&path, all)
        .map_err(LayerError::of(b""))?;
    flattening.directory(&mut path, &all)
}

/// Name of a directory, and the trees that have it, topmost first.
type Directory = (Vec<u8>, Vec<usize>);

struct Flattening<'a> {
    roots: &'a [BorrowedFd<'a>],
    target: BorrowedFd<'a>,
    marks: Marks,
    options: CopyOptions,
    /// Path of the copy of each file with several names, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
}

impl Flattening<'_> {
    /// Fills the copy of a directory that the trees `from` have, topmost first.
    ///
    /// No descriptor is held while it goes deeper: there may be hundreds of trees and of levels.
    fn directory(&mut self, path: &mut Vec<u8>, from: &[usize]) -> Result<(), LayerError> {
        let directories = self.files(path, from)?;
        for (name, trees) in directories {
            let length = path.len();
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let trees = self
                .visible(path, trees)
                .map_err(LayerError::of(path.as_slice()))?;
            self.directory(path, &trees)?;
            path.truncate(length);
        }
        self.finish(path, from)
            .map_err(LayerError::of(path.as_slice()))
    }

    /// Of the trees that have a directory those whose part of it is seen.
    fn visible(&self, path: &[u8], mut trees: Vec<usize>) -> Result<Vec<usize>, Failed> {
        for (count, tree) in trees.iter().enumerate() {
            let directory = self.open(*tree, path)?;
            let opaque = self.marks.is_opaque(directory.as_fd());
            if opaque.map_err(step("read attributes of"))? {
                trees.truncate(count + 1);
                break;
            }
        }
        Ok(trees)
    }

    fn open(&self, tree: usize, path: &[u8]) -> Result<OwnedFd, Failed> {
        open_beneath(self.roots[tree], path, OPEN, Mode::empty()).map_err(step("open"))
    }

    /// Copies the files of a directory and makes the directories in it; gives those, and the trees that have them.
    fn files(&mut self, path: &[u8], from: &[usize]) -> Result<Vec<Directory>, LayerError> {
        let failed = LayerError::of(path);
        let target = open_beneath(self.target, path, OPEN, Mode::empty());
        let target = target.map_err(step("open the copy of")).map_err(&failed)?;
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        let mut directories: Vec<Directory> = Vec::new();
        // By name, the place in the list; gone once a tree has something else of that name.
        let mut open: HashMap<Vec<u8>, usize> = HashMap::new();
        for tree in from {
            let source = self.open(*tree, path).map_err(&failed)?;
            let names = sorted_names(&source)
                .map_err(step("list"))
                .map_err(&failed)?;
            for name in names {
                let name = name.to_bytes();
                let stat = rustix::fs::statat(&source, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(step("find"))
                    .map_err(&failed)?;
                let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
                if let Some(place) = open.get(name) {
                    match is_directory {
                        true => directories[*place].1.push(*tree),
                        false => drop(open.remove(name)),
                    }
                    continue;
                }
                if !seen.insert(name.to_owned()) || Marks::is_whiteout(&stat) {
                    continue;
                }
                let make = || match is_directory {
                    true => rustix::fs::mkdirat(&target, name, Mode::RWXU).map_err(step(CREATE)),
                    false => Ok(()),
                };
                make().map_err(&failed)?;
                if is_directory {
                    open.insert(name.to_owned(), directories.len());
                    directories.push((name.to_owned(), vec![*tree]));
                    continue;
                }
                let source = Source {
                    directory: source.as_fd(),
                    name,
                    stat: &stat,
                };
                self.file(path, &source, target.as_fd()).map_err(&failed)?;
            }
        }
        Ok(directories)
    }

    fn file(
        &mut self,
        path: &[u8],
        source: &Source<'_>,
        target: BorrowedFd<'_>,
    ) -> Result<(), Failed> {
        if source.stat.st_nlink > 1 {
            let key = (source.stat.st_dev, source.stat.st_ino);
            if let Some(first) = self.links.get(&key) {
                return rustix::fs::linkat(
                    self.target,
                    OsStr::from_bytes(first),
                    target,
                    source.name,
                    AtFlags::empty(),
                )
                .map_err(step(CREATE));
            }
            let own = match path {
                b"" => source.name.to_owned(),
                path => [path, b"/", source.name].concat(),
            };
            self.links.insert(key, own);
        }
        source.copy(target, source.name, &self.options)
    }

    fn finish(&self, path: &[u8], from: &[usize]) -> Result<(), Failed> {
        let Some(top) = from.first() else {
            return Ok(());
        };
        let source = self.open(*top, path)?;
        let stat = rustix::fs::fstat(&source).map_err(step("inspect"))?;
        let metadata = Metadata::read(&stat, XattrTarget::Open(source.as_fd()));
        let metadata = metadata.map_err(step("read attributes of"))?;
        let target = open_beneath(self.target, path, OPEN, Mode::empty());
        let target = target.map_err(step("open the copy of"))?;
        metadata.apply(
            target.as_fd(),
            self.options.ownership,
            XattrPolicy::BestEffort,
        )
    }
}
