//! Which file comes from which image.

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use super::flat::FlatList;
use super::whitelist::Whitelist;

/// Most images whose trees can lie over each other in one mount: the kernel takes 500 layers, and one
/// page of text on machines that know no other way to name them.
pub const MAX_LAYERS: usize = 100;

/// What one image brings along.
#[derive(Clone, Debug, Default)]
pub struct ImageFiles {
    /// The path whitelist of its manifest.
    pub whitelist: Whitelist,
    /// Everything beneath its root directory, in any order, no path twice, and every path beneath
    /// nothing but directories.
    pub files: Vec<ImageFile>,
}

/// A file or directory of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Path beneath the root directory, with no slash at either end and no empty, `.` or `..` component.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
}

/// What a file is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A directory that no entry of the image names; something lies in it.
    ImpliedDirectory,
    /// A file, symbolic link, device or FIFO with this name only.
    Other,
    /// One of several names of one file; names with the same number are of the same file.
    Linked(u32),
}

/// What a rendered image looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Everything, sorted by path: the root directory first, and directories before what lies in them.
    pub entries: Vec<Entry<'a>>,
    /// Whether the images' trees, one over the other as the kernel's overlay has them, look the same.
    pub is_overlay: bool,
}

/// A file or directory of a rendered image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Path beneath the root directory; empty for the root directory itself.
    pub path: &'a [u8],
    /// Which image it is taken from, as an index into [`FlatList::distinct`]. A directory's attributes are
    /// those that it has there.
    pub image: usize,
    /// How it comes about.
    pub make: Make,
}

/// How an entry comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// A directory.
    Directory,
    /// A copy of what the image has there.
    Copy,
    /// A further name of the entry with this index, which comes before it.
    Link(usize),
}

/// What has been decided of a path.
struct Slot {
    image: usize,
    kind: FileKind,
}

/// Decides what the image at the top of `flat` looks like together with all that it depends on; `images`
/// are those of [`FlatList::distinct`], in that order.
///
/// 1. A path comes from the first image in the list that has it and whose file passes the whitelists.
/// 2. A file passes if the whitelists of its own image and of every image above it keep it. A directory
///    need not be kept by the whitelist of its own image. (The original looks at only one of the images
///    above, and now and then at one beside it.)
/// 3. What an image has beneath a path that an image before it has as a file is not there.
/// 4. The root directory comes from the first image.
/// 5. A directory that something lies in is there although no whitelist keeps it. It comes from the image
///    that the first thing in it comes from. A file in its place, from an image further back, is not
///    there. (The original makes such directories anew, and fails over such files.)
/// 6. Of several names of one file, those that are kept are names of one file; which of them the image had
///    as a link to which does not matter. (The original fails when the first is not kept.)
#[must_use]
pub fn plan<'a>(flat: &FlatList, images: &'a [ImageFiles]) -> Plan<'a> {
    let mut decision = Decision {
        slots: HashMap::new(),
        stopped: HashSet::new(),
        is_overlay: images.len() <= MAX_LAYERS,
    };
    let kind = FileKind::Directory;
    decision.slots.insert(b"", Slot { image: 0, kind });
    let mut seen = HashSet::new();
    for place in flat.seen_from_above() {
        let filters: Vec<usize> = (place.above.into_iter())
            .filter(|image| !images[*image].whitelist.is_empty())
            .collect();
        // Seen through the same whitelists a second time, an image has nothing new.
        if !seen.insert((place.image, filters.clone())) {
            continue;
        }
        let above: Vec<&Whitelist> = filters.iter().map(|i| &images[*i].whitelist).collect();
        let image = &images[place.image];
        for file in &image.files {
            let is_directory = file.kind == FileKind::Directory;
            let kept = (is_directory || image.whitelist.keeps(&file.path))
                && above.iter().all(|whitelist| whitelist.keeps(&file.path));
            decision.offer(file, place.image, kept);
        }
    }
    decision.finish()
}

struct Decision<'a> {
    /// Every directory on the way to a path is here as well.
    slots: HashMap<&'a [u8], Slot>,
    /// Directories in whose place an image further back has a file: an overlay shows nothing of what still
    /// further images have in them.
    stopped: HashSet<&'a [u8]>,
    is_overlay: bool,
}

impl<'a> Decision<'a> {
    /// Takes in what the next image has at a path.
    fn offer(&mut self, file: &'a ImageFile, image: usize, kept: bool) {
        let path = file.path.as_slice();
        // Comes with what lies in it.
        if file.kind == FileKind::ImpliedDirectory || self.is_beneath_file(path) {
            return;
        }
        let is_directory = file.kind == FileKind::Directory;
        match self.slots.get_mut(path) {
            Some(slot) if is_directory => {
                if slot.kind == FileKind::ImpliedDirectory && kept {
                    // An overlay shows the attributes that the directory has in the image before.
                    self.is_overlay &= slot.image == image;
                    *slot = Slot {
                        image,
                        kind: file.kind,
                    };
                }
            }
            Some(slot) if matches!(slot.kind, FileKind::Other | FileKind::Linked(_)) => {}
            Some(_) => {
                self.stopped.insert(path);
            }
            None => {
                if !kept {
                    self.is_overlay = false;
                    return;
                }
                self.take(path, image, file.kind);
            }
        }
    }

    fn take(&mut self, path: &'a [u8], image: usize, kind: FileKind) {
        self.slots.insert(path, Slot { image, kind });
        for directory in directories_above(path) {
            if !self.stopped.is_empty() && self.stopped.contains(directory) {
                self.is_overlay = false;
            }
            let kind = FileKind::ImpliedDirectory;
            self.slots.entry(directory).or_insert(Slot { image, kind });
        }
    }

    fn is_beneath_file(&self, path: &[u8]) -> bool {
        // What has a slot has directories above it, so the nearest slot decides.
        directories_above(path)
            .find_map(|directory| self.slots.get(directory))
            .is_some_and(|slot| matches!(slot.kind, FileKind::Other | FileKind::Linked(_)))
    }

    fn finish(self) -> Plan<'a> {
        let mut slots: Vec<(&[u8], Slot)> = self.slots.into_iter().collect();
        slots.sort_unstable_by_key(|(path, _)| *path);
        let mut first_names = HashMap::new();
        let entries = slots.into_iter().enumerate().map(|(index, (path, slot))| {
            let make = match slot.kind {
                FileKind::Directory | FileKind::ImpliedDirectory => Make::Directory,
                FileKind::Other => Make::Copy,
                FileKind::Linked(number) => {
                    match *first_names.entry((slot.image, number)).or_insert(index) {
                        first if first == index => Make::Copy,
                        first => Make::Link(first),
                    }
                }
            };
            Entry {
                path,
                image: slot.image,
                make,
            }
        });
        Plan {
            entries: entries.collect(),
            is_overlay: self.is_overlay,
        }
    }
}

/// The directories that a path lies in, innermost first, the root directory left out.
fn directories_above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = path;
    std::iter::from_fn(move || {
        let slash = rest.iter().rposition(|byte| *byte == b'/')?;
        rest = &rest[..slash];
        Some(rest)
    })
}
