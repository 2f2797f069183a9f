//! A tree that is laid over others: what it removes from them, and entries that come twice.
//!
//! A whiteout becomes a character device 0:0, and a directory that hides what lies below it gets an attribute;
//! that is what the kernel's overlay file system understands. Whiteouts are about the layers below only, wherever
//! they stand among the entries of a layer. Sources: OCI image-spec 1.1, layer.md, "Whiteouts"; Linux,
//! Documentation/filesystems/overlayfs.rst.

use std::collections::HashSet;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::{DEFERRED_BYTES, Stop, Tree, creating, split};
use crate::extract::ExtractError;
use crate::layer::Marks;
use crate::metadata::step;
use crate::refusal::Rule;
use crate::tar::EntryKind;
use gantry_sys::openat::open_beneath;
use std::os::fd::AsFd;

/// What a layer removes from those below it.
#[derive(Default)]
pub(super) struct Layered {
    /// The whiteouts that were made.
    pub(super) whiteouts: HashSet<Vec<u8>>,
    /// Directories beneath which nothing of the layers below is left.
    opaque: HashSet<Vec<u8>>,
}

impl Tree<'_> {
    /// Removes what the layers below have at `path`; what this layer has there stays.
    pub(in crate::extract) fn whiteout(
        &mut self,
        path: &[u8],
        entry: &[u8],
    ) -> Result<(), ExtractError> {
        self.make_whiteout(path).map_err(|stop| stop.of(entry))
    }

    /// Removes what the layers below have beneath the directory `path`.
    pub(in crate::extract) fn opaque(
        &mut self,
        path: &[u8],
        entry: &[u8],
    ) -> Result<(), ExtractError> {
        let marked = self.enter(path).and_then(|()| self.note_opaque(path));
        marked.map_err(|stop| stop.of(entry))
    }

    fn make_whiteout(&mut self, path: &[u8]) -> Result<(), Stop> {
        let (parent_path, name) = split(path);
        self.enter(parent_path)?;
        match rustix::fs::statat(self.parent(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                // What is there has nothing to do with what was below any more.
                self.implicit.remove(path);
                self.note_opaque(path)
            }
            Ok(_) => Ok(()),
            Err(Errno::NOENT) => {
                let kind = FileType::CharacterDevice;
                rustix::fs::mknodat(self.parent(), name, kind, Mode::empty(), 0)
                    .map_err(creating)?;
                // The same layers are the same trees.
                let zero = Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                let times = Timestamps {
                    last_access: zero,
                    last_modification: zero,
                };
                rustix::fs::utimensat(self.parent(), name, &times, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(step("set time of"))?;
                if let Some(layered) = &mut self.layered {
                    layered.whiteouts.insert(path.to_owned());
                }
                self.deferred += path.len() + DEFERRED_BYTES;
                self.check_deferred()
            }
            Err(error) => Err(creating(error)),
        }
    }

    fn note_opaque(&mut self, path: &[u8]) -> Result<(), Stop> {
        if let Some(layered) = &mut self.layered
            && layered.opaque.insert(path.to_owned())
        {
            self.deferred += path.len() + DEFERRED_BYTES;
        }
        self.check_deferred()
    }

    /// Makes room for an entry of the kind `kind` at `path`, whose directory was entered.
    ///
    /// Of two entries with the same name the last one counts, as with everybody who reads layers. A directory
    /// that something else should replace is refused: nobody writes that.
    pub(super) fn clear_the_way(&mut self, path: &[u8], kind: &EntryKind) -> Result<(), Stop> {
        let (_, name) = split(path);
        let stat = match rustix::fs::statat(self.parent(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            outcome => outcome.map_err(creating)?,
        };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        match (is_directory, *kind == EntryKind::Directory) {
            (true, true) => Ok(()),
            (true, false) => Err(Rule::Duplicate.into()),
            (false, becomes_directory) => {
                rustix::fs::unlinkat(self.parent(), name, AtFlags::empty())
                    .map_err(step("replace"))?;
                if let Some(layered) = &mut self.layered {
                    layered.whiteouts.remove(path);
                }
                match becomes_directory {
                    true => self.note_opaque(path),
                    false => Ok(()),
                }
            }
        }
    }

    /// Makes a directory of the whiteout above `path`, if there is one: the layer has something beneath it.
    pub(super) fn revive(&mut self, path: &[u8]) -> Result<bool, Stop> {
        let Some(layered) = &self.layered else {
            return Ok(false);
        };
        let ends = (0..=path.len()).filter(|end| matches!(path.get(*end), None | Some(b'/')));
        let mut above = ends.map(|end| &path[..end]);
        let Some(whiteout) = above.find(|above| layered.whiteouts.contains(*above)) else {
            return Ok(false);
        };
        let (parent, name) = split(whiteout);
        let parent = open_beneath(&self.root, parent, super::STEP, Mode::empty())
            .map_err(super::entering)?;
        self.parent = None;
        rustix::fs::unlinkat(&parent, name, AtFlags::empty()).map_err(step("replace"))?;
        rustix::fs::mkdirat(&parent, name, super::UNFINISHED).map_err(creating)?;
        let mode = Mode::from_raw_mode(0o755);
        rustix::fs::chmodat(&parent, name, mode, AtFlags::empty()).map_err(step("set mode of"))?;
        if let Some(layered) = &mut self.layered {
            layered.whiteouts.remove(whiteout);
        }
        self.note_opaque(whiteout)?;
        Ok(true)
    }

    /// Whether this layer has removed what a hard link leads to.
    pub(super) fn is_removed(&self, target: &[u8]) -> bool {
        let layered = self.layered.as_ref();
        layered.is_some_and(|layered| layered.whiteouts.contains(target))
    }

    /// Marks the directories that hide what lies below them; before they get modes that keep us out.
    pub(super) fn mark_opaque(&self) -> Result<(), ExtractError> {
        let Some(layered) = &self.layered else {
            return Ok(());
        };
        let marks = Marks::here();
        for path in &layered.opaque {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let marked = open_beneath(&self.root, path.as_slice(), flags, Mode::empty())
                .and_then(|directory| marks.set_opaque(directory.as_fd()));
            marked
                .map_err(step("mark as opaque"))
                .map_err(|failed| Stop::from(failed).of(&self.name(path)))?;
        }
        Ok(())
    }
}
