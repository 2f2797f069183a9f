//! Look-ups in trees that are laid over each other, as the kernel's overlay would answer.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::openat::open_beneath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Marks;
use crate::metadata::sorted_names;

/// For directories whose attributes are read.
pub(super) const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The roots of some trees, topmost first.
pub(super) struct Stack<'a> {
    pub(super) roots: Vec<BorrowedFd<'a>>,
    pub(super) marks: Marks,
}

/// A file of a stack.
pub(super) struct Found {
    /// Which of the roots has it.
    pub(super) tree: usize,
    /// Directory of its tree that it lies in.
    pub(super) parent: OwnedFd,
    pub(super) stat: Stat,
}

impl<'a> Stack<'a> {
    pub(super) fn of(roots: Vec<BorrowedFd<'a>>) -> Self {
        Self {
            roots,
            marks: Marks::here(),
        }
    }

    /// Finds what the stack shows at a path that is cleaned and not empty.
    pub(super) fn find(&self, path: &[u8]) -> Result<Option<Found>, Errno> {
        let components: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        for (tree, root) in self.roots.iter().enumerate() {
            match self.find_in(*root, &components)? {
                Answer::Found(parent, stat) => return Ok(Some(Found { tree, parent, stat })),
                Answer::Hidden => return Ok(None),
                Answer::Absent => {}
            }
        }
        Ok(None)
    }

    /// The paths at which the stack shows the very file that was found, which has several names.
    pub(super) fn names_of(&self, found: &Found) -> Result<Vec<Vec<u8>>, Errno> {
        let mut names = Vec::new();
        let mut waiting = vec![Vec::new()];
        while let Some(path) = waiting.pop() {
            let directory = open_beneath(self.roots[found.tree], &path[..], OPEN, Mode::empty())?;
            for name in sorted_names(&directory)? {
                let stat = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                let whole = match path.as_slice() {
                    b"" => name.to_bytes().to_vec(),
                    above => [above, b"/", name.to_bytes()].concat(),
                };
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                    waiting.push(whole);
                } else if is_same(&stat, &found.stat)
                    && let Some(shown) = self.find(&whole)?
                    && is_same(&shown.stat, &found.stat)
                {
                    names.push(whole);
                }
            }
        }
        Ok(names)
    }

    fn find_in(&self, root: BorrowedFd<'_>, components: &[&[u8]]) -> Result<Answer, Errno> {
        let mut directory = open_beneath(root, ".", OPEN, Mode::empty())?;
        let mut opaque = self.marks.is_opaque(directory.as_fd())?;
        let Some((last, above)) = components.split_last() else {
            return Ok(Answer::Absent);
        };
        let absent = |opaque| match opaque {
            true => Answer::Hidden,
            false => Answer::Absent,
        };
        let look = |directory: &OwnedFd, name: &[u8]| match rustix::fs::statat(
            directory,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
        ) {
            Err(Errno::NOENT) => Ok(None),
            stat => stat.map(Some),
        };
        for name in above {
            let Some(stat) = look(&directory, name)? else {
                return Ok(absent(opaque));
            };
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Ok(Answer::Hidden);
            }
            directory = open_beneath(&directory, *name, OPEN, Mode::empty())?;
            opaque |= self.marks.is_opaque(directory.as_fd())?;
        }
        Ok(match look(&directory, last)? {
            None => absent(opaque),
            Some(stat) if Marks::is_whiteout(&stat) => Answer::Hidden,
            Some(stat) => Answer::Found(directory, stat),
        })
    }
}

fn is_same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

/// What one tree says about a path.
enum Answer {
    Found(OwnedFd, Stat),
    /// No tree below matters.
    Hidden,
    Absent,
}
