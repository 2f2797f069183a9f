//! Which entries of an image are names of one file.

use std::collections::HashMap;

use gantry_archive::list::{FileKind, FileList, ListedFile};

/// A list of files by name, with its hard links followed.
pub(crate) struct Names<'a> {
    files: &'a [ListedFile],
    /// Indexes into `files`, sorted by path.
    sorted: Vec<u32>,
    /// For each file the one that it is a name of: itself, unless it is a hard link.
    inodes: Vec<u32>,
}

/// What is known of a hard link while they are followed.
const UNKNOWN: u32 = u32::MAX;
const ON_THE_WAY: u32 = u32::MAX - 1;

impl<'a> Names<'a> {
    /// Sorts the list and follows its hard links, in whatever order they come. One that leads to no file
    /// of the list, or in a circle, stands for itself.
    pub(crate) fn new(list: &'a FileList) -> Self {
        let files = list.files();
        // Limits on archives keep the number far below this.
        let count = u32::try_from(files.len()).unwrap_or(ON_THE_WAY - 1);
        let path = |index: &u32| &*files[*index as usize].path;
        let mut sorted: Vec<u32> = (0..count).collect();
        sorted.sort_unstable_by(|one, other| path(one).cmp(path(other)));
        let mut names = Self {
            files,
            sorted,
            inodes: vec![UNKNOWN; count as usize],
        };
        let mut way = Vec::new();
        for index in 0..count {
            names.follow(index, &mut way);
        }
        names
    }

    fn follow(&mut self, start: u32, way: &mut Vec<u32>) {
        let mut at = start;
        let end = loop {
            match self.inodes[at as usize] {
                UNKNOWN => {}
                // A circle.
                ON_THE_WAY => break at,
                known => break known,
            }
            let FileKind::HardLink(target) = &self.files[at as usize].kind else {
                self.inodes[at as usize] = at;
                break at;
            };
            match self.find(target) {
                Some(next) => {
                    self.inodes[at as usize] = ON_THE_WAY;
                    way.push(at);
                    at = next;
                }
                None => {
                    self.inodes[at as usize] = at;
                    break at;
                }
            }
        };
        for link in way.drain(..) {
            self.inodes[link as usize] = end;
        }
    }

    /// The index of the file at a path.
    pub(crate) fn find(&self, path: &[u8]) -> Option<u32> {
        let path_of = |index: &u32| &*self.files[*index as usize].path;
        let found = self
            .sorted
            .binary_search_by(|index| path_of(index).cmp(path));
        found.ok().map(|place| self.sorted[place])
    }

    /// The indexes of the files, sorted by path.
    pub(crate) fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// The entry itself.
    pub(crate) fn entry(&self, index: u32) -> &'a ListedFile {
        &self.files[index as usize]
    }

    /// What the entry is a name of.
    pub(crate) fn file(&self, index: u32) -> &'a ListedFile {
        &self.files[self.inodes[index as usize] as usize]
    }

    /// Of each file with several names among `indexes`, which are sorted by path, the first two names.
    pub(crate) fn groups(&self, indexes: impl Iterator<Item = u32>) -> Groups<'a, '_> {
        let mut first_names: HashMap<u32, (u32, Option<u32>)> = HashMap::new();
        for index in indexes {
            // Files of which no link tells are most of them, but a link may come later.
            let inode = self.inodes[index as usize];
            first_names
                .entry(inode)
                .and_modify(|(_, second)| _ = second.get_or_insert(index))
                .or_insert((index, None));
        }
        first_names.retain(|_, (_, second)| second.is_some());
        Groups {
            names: self,
            first_names,
        }
    }
}

/// The files with several names.
pub(crate) struct Groups<'a, 'n> {
    names: &'n Names<'a>,
    first_names: HashMap<u32, (u32, Option<u32>)>,
}

impl<'a> Groups<'a, '_> {
    /// The first other name of an entry's file; where these are the same for all entries of two lists,
    /// the lists are grouped the same.
    pub(crate) fn other_name(&self, index: u32) -> Option<&'a [u8]> {
        let inode = self.names.inodes[index as usize];
        let (first, second) = *self.first_names.get(&inode)?;
        let other = if first == index { second? } else { first };
        Some(&self.names.files[other as usize].path)
    }
}
