//! How many files there are, and where the bytes lie.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use gantry_archive::list::{FileKind, FileList};

use super::{InspectOptions, Inspection};

/// Number of entries of each type, and size of all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Regular files.
    pub files: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Directories, the root included if it has an entry.
    pub directories: u64,
    /// Character and block devices.
    pub devices: u64,
    /// Named pipes.
    pub fifos: u64,
    /// Size of all files with their holes, in bytes.
    pub bytes: u64,
}

/// What lies in a directory and everything beneath it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryUsage {
    /// Path beneath the root; empty for the root.
    pub path: Vec<u8>,
    /// Size of the files with their holes, in bytes; hard links count nothing.
    pub bytes: u64,
    /// Number of entries, itself not included.
    pub entries: u64,
}

/// A file and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    /// Path beneath the root.
    pub path: Vec<u8>,
    /// Size with its holes, in bytes.
    pub bytes: u64,
}

/// Counts the files of an image.
pub(super) fn fill(inspection: &mut Inspection, files: &FileList, options: &InspectOptions<'_>) {
    // Paths as lists of names sort parents before what lies in them, and nothing in between.
    let mut directories: BTreeMap<Vec<&[u8]>, (u64, u64)> = BTreeMap::new();
    let mut largest = BinaryHeap::new();
    let counts = &mut inspection.counts;
    directories.insert(Vec::new(), (0, 0));
    for file in files.files() {
        let count = match file.kind {
            FileKind::File => &mut counts.files,
            FileKind::HardLink(_) => &mut counts.hard_links,
            FileKind::Symlink(_) => &mut counts.symlinks,
            FileKind::Directory => &mut counts.directories,
            FileKind::CharDevice { .. } | FileKind::BlockDevice { .. } => &mut counts.devices,
            FileKind::Fifo => &mut counts.fifos,
        };
        *count += 1;
        counts.bytes = counts.bytes.saturating_add(file.size);
        if file.path.is_empty() {
            continue;
        }
        let names: Vec<&[u8]> = file.path.split(|byte| *byte == b'/').collect();
        for level in 0..names.len().min(options.depth.saturating_add(1)) {
            let (bytes, entries) = directories.entry(names[..level].to_vec()).or_default();
            *bytes = bytes.saturating_add(file.size);
            *entries += 1;
        }
        if file.kind == FileKind::Directory && names.len() <= options.depth {
            directories.entry(names).or_default();
        }
        if file.kind == FileKind::File && options.top > 0 {
            largest.push((Reverse(file.size), &*file.path));
            if largest.len() > options.top {
                largest.pop();
            }
        }
    }
    let usage = |(names, (bytes, entries)): (Vec<&[u8]>, _)| DirectoryUsage {
        path: names.join(&b'/'),
        bytes,
        entries,
    };
    inspection.directories = directories.into_iter().map(usage).collect();
    let largest = largest.into_sorted_vec().into_iter();
    let large = |(Reverse(bytes), path): (_, &[u8])| LargeFile {
        path: path.to_vec(),
        bytes,
    };
    inspection.largest = largest.map(large).collect();
}
