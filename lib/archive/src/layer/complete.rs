//! What a layer gets from those below it.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::openat::open_beneath;
use gantry_sys::xattr::XattrTarget;
use gantry_types::{Diagnostic, Kind};
use rustix::fs::{AtFlags, FileType, Mode, Timespec, Timestamps};
use rustix::io::Errno;

use super::Needs;
use super::stack::{Found, OPEN, Stack};
use crate::copy::{CopyOptions, Source};
use crate::extract::Ownership;
use crate::metadata::{Failed, Metadata, XattrPolicy, step};
use crate::refusal::{EntryName, Refusal, Rule};
use crate::room;

/// Layers cannot be put together. What was made before is left for the caller to remove.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The layer needs what none below it has.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file system refused.
    #[error("cannot {action} {path:?} of a layer")]
    File {
        /// What was tried, such as "create the copy of".
        action: &'static str,
        /// Path beneath the root.
        path: EntryName,
        /// Why.
        source: io::Error,
    },
}

impl LayerError {
    pub(super) fn of(path: &[u8]) -> impl Fn(Failed) -> Self {
        move |(action, source)| Self::File {
            action,
            path: path.into(),
            source,
        }
    }

    /// The error of the file system, if that is what failed.
    #[must_use]
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Refused(_) => None,
        }
    }
}

impl Diagnostic for LayerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::File { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::File { source, .. } => room::hint(source),
        }
    }
}

/// Completes the extracted layer in `tree` by what it [`Needs`] of the trees below it, topmost first; each
/// directory holds `rootfs`.
///
/// Directories that it does not name get mode, owner, times and attributes of those below. The target of a hard
/// link is copied from below, under all names that it has there, so that all of them are one file afterwards, as where
/// all layers are extracted into one directory. Whiteouts of what is not there go.
///
/// # Errors
///
/// [`LayerError::Refused`] for a hard link to what nobody has.
pub fn complete(
    tree: BorrowedFd<'_>,
    below: &[BorrowedFd<'_>],
    needs: &Needs,
    ownership: Ownership,
) -> Result<(), LayerError> {
    let root = |tree| open_beneath(tree, "rootfs", OPEN, Mode::empty());
    let open = || -> Result<_, Failed> {
        let own = root(tree).map_err(step("open"))?;
        let below = below.iter().map(|tree| root(*tree));
        let below = below.collect::<Result<Vec<_>, _>>();
        Ok((own, below.map_err(step("open"))?))
    };
    let (own, below) = open().map_err(LayerError::of(b""))?;
    let layer = Layer {
        own: Stack::of(vec![own.as_fd()]),
        all: Stack::of([&own].into_iter().chain(&below).map(AsFd::as_fd).collect()),
        below: Stack::of(below.iter().map(AsFd::as_fd).collect()),
        root: own.as_fd(),
        options: CopyOptions {
            ownership,
            ..CopyOptions::default()
        },
    };
    let mut implied: BTreeSet<Vec<u8>> = needs.implied.iter().cloned().collect();
    for (path, target) in &needs.links {
        layer.link(path, target, &mut implied)?;
    }
    for path in &needs.whiteouts {
        layer.drop_idle_mark(path).map_err(LayerError::of(path))?;
    }
    // The deepest first: a directory may get a mode that keeps us out.
    for path in implied.iter().rev() {
        layer.directory(path).map_err(LayerError::of(path))?;
    }
    Ok(())
}

struct Layer<'a> {
    root: BorrowedFd<'a>,
    own: Stack<'a>,
    below: Stack<'a>,
    all: Stack<'a>,
    options: CopyOptions,
}

impl Layer<'_> {
    fn link(
        &self,
        path: &[u8],
        target: &[u8],
        implied: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), LayerError> {
        let refuse = |rule: fn(EntryName) -> Rule| Refusal::new(path, rule(target.into()));
        let failed = LayerError::of(path);
        let found = self
            .all
            .find(target)
            .map_err(step("find the link target of"));
        let found = found.map_err(&failed)?;
        let found = found.ok_or_else(|| refuse(Rule::LinkTargetMissing))?;
        if FileType::from_raw_mode(found.stat.st_mode) == FileType::Directory {
            return Err(refuse(Rule::LinkToDirectory).into());
        }
        let own = self
            .own
            .find(target)
            .map_err(step("find the link target of"));
        if own.map_err(&failed)?.is_none() {
            // All its names come along: they are one file, and stay that.
            let mut names = Vec::new();
            if found.stat.st_nlink > 1 {
                let all = self.all.names_of(&found).map_err(step("find the names of"));
                names = all.map_err(LayerError::of(target))?;
            }
            self.copy_up(target, &found, implied)
                .map_err(LayerError::of(target))?;
            for name in names
                .iter()
                .filter(|name| *name != target && **name != path)
            {
                self.make_parents(name, implied)
                    .and_then(|()| self.link_here(name, target))
                    .map_err(LayerError::of(name))?;
            }
        }
        self.link_here(path, target).map_err(&failed)
    }

    /// Links a name to a file, both here.
    fn link_here(&self, path: &[u8], target: &[u8]) -> Result<(), Failed> {
        let (from, from_name) = self.parent(target)?;
        let (to, to_name) = self.parent(path)?;
        keeping_time(to.as_fd(), || {
            rustix::fs::linkat(&from, from_name, &to, to_name, AtFlags::empty())
                .map_err(step("create"))
        })
    }

    /// Copies a file from below to the same path here.
    fn copy_up(
        &self,
        path: &[u8],
        found: &Found,
        implied: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), Failed> {
        self.make_parents(path, implied)?;
        let (to, name) = self.parent(path)?;
        let source = Source {
            directory: found.parent.as_fd(),
            name,
            stat: &found.stat,
        };
        keeping_time(to.as_fd(), || source.copy(to.as_fd(), name, &self.options))
    }

    /// Makes the directories above a path that are not here, to get what those below have.
    fn make_parents(&self, path: &[u8], implied: &mut BTreeSet<Vec<u8>>) -> Result<(), Failed> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (end, _) in ends {
            let (parent, name) = self.parent(&path[..end])?;
            match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => continue,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(step("find")(error)),
            }
            keeping_time(parent.as_fd(), || {
                rustix::fs::mkdirat(&parent, name, Mode::RWXU).map_err(step("create"))
            })?;
            implied.insert(path[..end].to_owned());
        }
        Ok(())
    }

    /// The directory here that something lies in, and its name there.
    fn parent<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), Failed> {
        let (parent, name) = split(path);
        let parent = open_beneath(self.root, parent, OPEN, Mode::empty());
        Ok((parent.map_err(step("open the directory of"))?, name))
    }

    /// Removes a whiteout of what is not there.
    fn drop_idle_mark(&self, path: &[u8]) -> Result<(), Failed> {
        let inspect = |error| step("inspect")(error);
        let idle = self.is_hidden(path).map_err(inspect)?
            || self.below.find(path).map_err(inspect)?.is_none();
        if !idle {
            return Ok(());
        }
        let (parent, name) = self.parent(path)?;
        keeping_time(parent.as_fd(), || {
            rustix::fs::unlinkat(&parent, name, AtFlags::empty()).map_err(step("remove"))
        })
    }

    /// Gives a directory what the one below has besides files.
    fn directory(&self, path: &[u8]) -> Result<(), Failed> {
        let inspect = |error| step("inspect")(error);
        if self.is_hidden(path).map_err(inspect)? {
            return self.without_time(path);
        }
        let below = match (path, self.below.roots.first()) {
            (_, None) => return self.without_time(path),
            (b"", Some(root)) => open_beneath(*root, ".", OPEN, Mode::empty()).map_err(inspect)?,
            _ => match self.below.find(path).map_err(inspect)? {
                Some(found)
                    if FileType::from_raw_mode(found.stat.st_mode) == FileType::Directory =>
                {
                    open_beneath(&found.parent, split(path).1, OPEN, Mode::empty())
                        .map_err(inspect)?
                }
                _ => return self.without_time(path),
            },
        };
        let stat = rustix::fs::fstat(&below).map_err(inspect)?;
        let metadata = Metadata::read(&stat, XattrTarget::Open(below.as_fd()));
        let metadata = metadata.map_err(step("read attributes of"))?;
        let own = open_beneath(self.root, path, OPEN, Mode::empty()).map_err(step("open"))?;
        metadata.apply(own.as_fd(), self.options.ownership, XattrPolicy::BestEffort)
    }

    /// Gives a directory that nobody names the earliest time, so that the same layers are the same trees.
    fn without_time(&self, path: &[u8]) -> Result<(), Failed> {
        let own = open_beneath(self.root, path, OPEN, Mode::empty()).map_err(step("open"))?;
        set_time(own.as_fd(), 0, 0).map_err(step("set time of"))
    }

    /// Whether nothing from below is seen at a path, because a directory above it hides that.
    fn is_hidden(&self, path: &[u8]) -> Result<bool, Errno> {
        let ends = (0..path.len()).filter(|end| *end == 0 || path[*end] == b'/');
        for end in ends {
            let above = open_beneath(self.root, &path[..end], OPEN, Mode::empty())?;
            if self.own.marks.is_opaque(above.as_fd())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Divides a path into directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Changes what lies in a directory, which has its time already.
fn keeping_time(
    directory: BorrowedFd<'_>,
    change: impl FnOnce() -> Result<(), Failed>,
) -> Result<(), Failed> {
    let stat = rustix::fs::fstat(directory).map_err(step("inspect the directory of"))?;
    change()?;
    // The kernel keeps it below 10^9.
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    set_time(directory, stat.st_mtime, nanoseconds).map_err(step("set time of the directory of"))
}

fn set_time(directory: BorrowedFd<'_>, tv_sec: i64, tv_nsec: i64) -> Result<(), Errno> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_OMIT,
        },
        last_modification: Timespec { tv_sec, tv_nsec },
    };
    rustix::fs::futimens(directory, &times)
}
