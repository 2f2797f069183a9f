//! Look-ups in trees that are laid over each other, as the kernel's overlay would answer.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::openat::open_beneath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Marks;

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
        for root in &self.roots {
            match self.find_in(*root, &components)? {
                Answer::Found(found) => return Ok(Some(found)),
                Answer::Hidden => return Ok(None),
                Answer::Absent => {}
            }
        }
        Ok(None)
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
            Some(stat) => Answer::Found(Found {
                parent: directory,
                stat,
            }),
        })
    }
}

/// What one tree says about a path.
enum Answer {
    Found(Found),
    /// No tree below matters.
    Hidden,
    Absent,
}
