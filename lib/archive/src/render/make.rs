//! Carrying a plan out.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::openat::open_beneath;
use gantry_sys::xattr::XattrTarget;
use gantry_types::render::{Entry, Make, Plan};
use rustix::fs::{AtFlags, Mode, OFlags};

use super::list::join;
use super::{ImageTree, RenderError};
use crate::copy::{CREATE, CopyOptions, Source};
use crate::extract::Ownership;
use crate::metadata::{Failed, Metadata, XattrPolicy, step};

/// For directories that are only gone through.
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

/// For directories whose attributes are read or set.
const WHOLE: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

struct Maker<'a> {
    trees: &'a [ImageTree],
    plan: &'a Plan<'a>,
    ownership: Ownership,
    /// The new root directory.
    root: OwnedFd,
    /// The directory of the last entry, which is most often that of the next one.
    parent: Option<(&'a [u8], OwnedFd)>,
    /// The same for the original, with the image it is of.
    original: Option<(usize, &'a [u8], OwnedFd)>,
}

/// Makes the directory `to.1` in `to.0` and what `plan` says in it.
pub(super) fn make(
    trees: &[ImageTree],
    plan: &Plan<'_>,
    to: (BorrowedFd<'_>, &OsStr),
    ownership: Ownership,
) -> Result<(), RenderError> {
    let create = || {
        rustix::fs::mkdirat(to.0, to.1, Mode::RWXU).map_err(step(CREATE))?;
        open_beneath(to.0, to.1, WHOLE, Mode::empty()).map_err(step("open the copy of"))
    };
    let root = create().map_err(|(action, error)| trees[0].failed(action, b"rootfs", error))?;
    let mut maker = Maker {
        trees,
        plan,
        ownership,
        root,
        parent: None,
        original: None,
    };
    let failed = |entry: &Entry<'_>, (action, error): Failed| {
        trees[entry.image].failed(action, &join(b"rootfs", entry.path), error)
    };
    for entry in plan.entries.iter().filter(|entry| !entry.path.is_empty()) {
        maker.entry(entry).map_err(|error| failed(entry, error))?;
    }
    // At the end, since every entry made in a directory changes its time; and the innermost first, since a
    // user without root may be about to lose the right to go through.
    for entry in plan.entries.iter().rev() {
        if entry.make == Make::Directory {
            maker
                .attributes(entry)
                .map_err(|error| failed(entry, error))?;
        }
    }
    Ok(())
}

impl<'a> Maker<'a> {
    fn entry(&mut self, entry: &Entry<'a>) -> Result<(), Failed> {
        let (above, name) = split(entry.path);
        self.enter(above)?;
        let parent = self
            .parent
            .as_ref()
            .map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
        match entry.make {
            Make::Directory => rustix::fs::mkdirat(parent, name, Mode::RWXU).map_err(step(CREATE)),
            Make::Link(first) => {
                let (above, first_name) = split(self.plan.entries[first].path);
                let first = open_beneath(&self.root, above, STEP, Mode::empty())
                    .map_err(step("open the directory of the copy of"))?;
                rustix::fs::linkat(&first, first_name, parent, name, AtFlags::empty())
                    .map_err(step(CREATE))
            }
            Make::Copy => {
                let known = self.original.take();
                let original = match known {
                    Some((image, path, fd)) if (image, path) == (entry.image, above) => fd,
                    _ => self.open_original(entry.image, above, STEP)?,
                };
                let stat = rustix::fs::statat(&original, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(step("find"))?;
                let source = Source {
                    directory: original.as_fd(),
                    name,
                    stat: &stat,
                };
                let options = CopyOptions {
                    ownership: self.ownership,
                    ..CopyOptions::default()
                };
                source.copy(parent, name, &options)?;
                self.original = Some((entry.image, above, original));
                Ok(())
            }
        }
    }

    fn enter(&mut self, above: &'a [u8]) -> Result<(), Failed> {
        if self
            .parent
            .as_ref()
            .is_none_or(|(known, _)| *known != above)
        {
            let parent = open_beneath(&self.root, above, STEP, Mode::empty())
                .map_err(step("open the directory of the copy of"))?;
            self.parent = Some((above, parent));
        }
        Ok(())
    }

    fn open_original(&self, image: usize, path: &[u8], flags: OFlags) -> Result<OwnedFd, Failed> {
        let place = join(b"rootfs", path);
        open_beneath(
            self.trees[image].directory.as_fd(),
            place.as_slice(),
            flags,
            Mode::empty(),
        )
        .map_err(step("open"))
    }

    fn attributes(&self, entry: &Entry<'_>) -> Result<(), Failed> {
        let original = self.open_original(entry.image, entry.path, WHOLE)?;
        let stat = rustix::fs::fstat(&original).map_err(step("inspect"))?;
        let metadata = Metadata::read(&stat, XattrTarget::Open(original.as_fd()))
            .map_err(step("read attributes of"))?;
        let made = open_beneath(&self.root, entry.path, WHOLE, Mode::empty())
            .map_err(step("open the copy of"))?;
        metadata.apply(made.as_fd(), self.ownership, XattrPolicy::BestEffort)
    }
}

/// Divides a path into directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
