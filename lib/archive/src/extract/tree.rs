//! The tree that an archive's entries become.

mod content;
mod layered;

use std::collections::HashSet;
use std::fs::File;
use std::io::BufRead;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::openat::open_beneath;
use gantry_sys::sync::begin_writing;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{ExtractError, ExtractOptions};
use crate::aci::AciError;
use crate::layer::Link;
use crate::member::Naming;
use crate::metadata::{Failed, Metadata, XattrPolicy, step};
use crate::refusal::{EntryName, Refusal, Rule};
use crate::tar::{Entry, EntryKind, Reader};
use content::{write_data, write_extent};
use layered::Layered;

/// For directories that are only gone through: no permission to read them is needed.
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Memory of an entry that waits, besides its name and attributes, in bytes; roughly.
const DEFERRED_BYTES: usize = 160;

/// Memory of one attribute of an entry that waits, besides name and value, in bytes; roughly. There may be
/// tens of thousands of three bytes each.
const XATTR_BYTES: usize = 112;

/// From this size on, a file's content goes to the disk while the next ones are made, in bytes. Small ones
/// are left to whoever syncs the tree: to write each on its own would take longer.
const BEGIN_WRITING: u64 = 1 << 20;

/// Mode of directories until they get their own at the end: others must not look into half a tree.
const UNFINISHED: Mode = Mode::RWXU;

/// A root directory that is being filled.
pub(super) struct Tree<'a> {
    root: OwnedFd,
    options: &'a ExtractOptions,
    naming: Naming,
    /// The directory of the last entry, which is most often that of the next one.
    parent: Option<(Vec<u8>, OwnedFd)>,
    /// Directories that no entry has named yet, made for what lies in them.
    implicit: HashSet<Vec<u8>>,
    directories: Vec<(Vec<u8>, Metadata)>,
    early_links: Vec<EarlyLink>,
    deferred: usize,
    /// What else there is to know where the tree is one of several that are laid over each other.
    layered: Option<Layered>,
}

/// What is left to others once a tree is there.
pub(super) struct Finished {
    /// The directories that no entry named, sorted.
    pub(super) implied: Vec<Vec<u8>>,
    /// Hard links to what only a layer below can have; none but in a layer.
    pub(super) missing_links: Vec<Link>,
    /// Marks of what a layer removes, sorted; none but in a layer.
    pub(super) whiteouts: Vec<Vec<u8>>,
}

/// A hard link whose target is not there yet.
struct EarlyLink {
    path: Vec<u8>,
    target: Vec<u8>,
}

/// Why one entry could not be made.
enum Stop {
    Rule(Rule),
    Failed(Failed),
    Archive(crate::tar::TarError),
}

impl From<Rule> for Stop {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl Stop {
    fn of(self, entry: &[u8]) -> ExtractError {
        match self {
            Self::Rule(rule) => Refusal::new(entry, rule).into(),
            Self::Failed((action, source)) => ExtractError::File {
                action,
                entry: entry.into(),
                source,
            },
            Self::Archive(error) => AciError::from(error).into(),
        }
    }
}

impl<'a> Tree<'a> {
    /// Makes the directory `rootfs` in `target`.
    pub(super) fn create(
        target: BorrowedFd<'_>,
        options: &'a ExtractOptions,
        naming: Naming,
    ) -> Result<Self, ExtractError> {
        let create = || {
            rustix::fs::mkdirat(target, "rootfs", UNFINISHED).map_err(step("create"))?;
            open_beneath(target, "rootfs", STEP, Mode::empty()).map_err(step("open"))
        };
        let root = create().map_err(|failed| Stop::from(failed).of(b"rootfs"))?;
        Ok(Self {
            root,
            options,
            naming,
            parent: None,
            implicit: HashSet::new(),
            directories: Vec::new(),
            early_links: Vec::new(),
            deferred: 0,
            layered: (naming == Naming::Layer).then(Layered::default),
        })
    }

    /// Makes one entry at `path` beneath the root; the reader stands at its data.
    pub(super) fn add<R: BufRead>(
        &mut self,
        path: &[u8],
        mut entry: Entry,
        reader: &mut Reader<R>,
    ) -> Result<(), ExtractError> {
        let metadata = Metadata {
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            xattrs: mem::take(&mut entry.xattrs),
        };
        self.make(path, &entry, metadata, reader)
            .map_err(|stop| stop.of(&entry.path))
    }

    fn make<R: BufRead>(
        &mut self,
        path: &[u8],
        entry: &Entry,
        metadata: Metadata,
        reader: &mut Reader<R>,
    ) -> Result<(), Stop> {
        if path.is_empty() {
            return self.defer_directory(path, metadata);
        }
        let (parent_path, name) = split(path);
        self.enter(parent_path)?;
        if self.layered.is_some() {
            self.clear_the_way(path, &entry.kind)?;
        }
        let parent = self.parent();
        match &entry.kind {
            EntryKind::File => self.make_file(parent, name, entry, &metadata, reader),
            EntryKind::Directory => self.make_directory(path, metadata),
            EntryKind::Symlink(target) => {
                rustix::fs::symlinkat(target.as_slice(), parent, name).map_err(creating)?;
                Ok(self.finish_named(parent, name, true, &metadata)?)
            }
            EntryKind::HardLink(target) => self.make_link(path, target),
            EntryKind::Fifo => self.make_node(parent, name, FileType::Fifo, (0, 0), &metadata),
            EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. }
                if !self.options.ownership.keeps_owners() =>
            {
                Err(Rule::DeviceWithoutRoot.into())
            }
            EntryKind::CharDevice { major, minor } => self.make_node(
                parent,
                name,
                FileType::CharacterDevice,
                (*major, *minor),
                &metadata,
            ),
            EntryKind::BlockDevice { major, minor } => self.make_node(
                parent,
                name,
                FileType::BlockDevice,
                (*major, *minor),
                &metadata,
            ),
        }
    }

    /// Opens the directory that the next entry goes to, and makes it if no entry did.
    fn enter(&mut self, path: &[u8]) -> Result<(), Stop> {
        if path.is_empty() {
            self.parent = None;
            return Ok(());
        }
        if self.parent.as_ref().is_some_and(|(known, _)| known == path) {
            return Ok(());
        }
        let directory = match open_beneath(&self.root, path, STEP, Mode::empty()) {
            Err(Errno::NOENT) => self.make_parents(path)?,
            Err(Errno::NOTDIR | Errno::LOOP) if self.revive(path)? => self.make_parents(path)?,
            outcome => outcome.map_err(entering)?,
        };
        self.parent = Some((path.to_owned(), directory));
        Ok(())
    }

    /// The directory that was entered.
    fn parent(&self) -> BorrowedFd<'_> {
        let entered = self.parent.as_ref();
        entered.map_or(self.root.as_fd(), |(_, fd)| fd.as_fd())
    }

    fn make_parents(&mut self, path: &[u8]) -> Result<OwnedFd, Stop> {
        let mut directory = None;
        let mut end = 0;
        for name in path.split(|byte| *byte == b'/') {
            end += name.len();
            let above = directory.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            let next = match open_beneath(above, name, STEP, Mode::empty()) {
                Err(Errno::NOENT) => {
                    rustix::fs::mkdirat(above, name, UNFINISHED).map_err(creating)?;
                    // Not left to the umask of the process.
                    let mode = Mode::from_raw_mode(0o755);
                    rustix::fs::chmodat(above, name, mode, AtFlags::empty())
                        .map_err(step("set mode of"))?;
                    let next = open_beneath(above, name, STEP, Mode::empty()).map_err(entering)?;
                    self.implicit.insert(path[..end].to_owned());
                    self.deferred += end + DEFERRED_BYTES;
                    next
                }
                outcome => outcome.map_err(entering)?,
            };
            directory = Some(next);
            end += 1;
        }
        self.check_deferred()?;
        directory.ok_or_else(|| Rule::EmptyName.into())
    }

    fn make_file<R: BufRead>(
        &self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        entry: &Entry,
        metadata: &Metadata,
        reader: &mut Reader<R>,
    ) -> Result<(), Stop> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        // Nobody else gets into the directory above it yet. What the umask takes away is given later; the owner
        // has to write attributes as well.
        let mode = Mode::from_raw_mode(entry.mode & 0o777 | 0o600);
        let file = rustix::fs::openat(parent, name, flags | OFlags::CLOEXEC, mode);
        let mut file = File::from(file.map_err(creating)?);
        match &entry.sparse {
            None => write_data(&mut file, reader)?,
            Some(map) => {
                for extent in map {
                    write_extent(&file, *extent, reader)?;
                }
                file.set_len(entry.size)
                    .map_err(|error| ("set size of", error))?;
            }
        }
        metadata.apply(file.as_fd(), self.options.ownership, XattrPolicy::Required)?;
        if entry.size >= BEGIN_WRITING {
            begin_writing(&file);
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &[u8], metadata: Metadata) -> Result<(), Stop> {
        let (_, name) = split(path);
        let parent = self.parent();
        match rustix::fs::mkdirat(parent, name, UNFINISHED) {
            Err(Errno::EXIST) if self.implicit.remove(path) || self.layered.is_some() => {}
            outcome => outcome.map_err(creating)?,
        }
        self.defer_directory(path, metadata)
    }

    fn defer_directory(&mut self, path: &[u8], metadata: Metadata) -> Result<(), Stop> {
        let xattrs: usize = metadata
            .xattrs
            .iter()
            .map(|x| x.name.len() + x.value.len() + XATTR_BYTES)
            .sum();
        self.deferred += path.len() + xattrs + DEFERRED_BYTES;
        self.directories.push((path.to_owned(), metadata));
        self.check_deferred()
    }

    fn check_deferred(&self) -> Result<(), Stop> {
        if self.deferred > self.options.limits.max_deferred {
            return Err(Rule::TooMuchDeferred.into());
        }
        Ok(())
    }

    fn make_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), Stop> {
        let target = self.link_target(target)?;
        if target == path {
            return Err(Rule::LinkTargetMissing(self.name(&target).as_slice().into()).into());
        }
        if self.link(path, &target)? {
            return Ok(());
        }
        self.deferred += path.len() + target.len() + DEFERRED_BYTES;
        self.early_links.push(EarlyLink {
            path: path.to_owned(),
            target,
        });
        self.check_deferred()
    }

    /// The path beneath the root that a hard link leads to.
    fn link_target(&self, target: &[u8]) -> Result<Vec<u8>, Rule> {
        match self.naming.beneath(target, &self.options.limits) {
            Ok(Some(path)) if path.is_empty() => Err(Rule::LinkToDirectory(target.into())),
            Ok(Some(path)) => Ok(path),
            _ => Err(Rule::LinkOutside(target.into())),
        }
    }

    /// Links `path`, whose directory was entered, to `target`; false if that is not there (yet).
    fn link(&self, path: &[u8], target: &[u8]) -> Result<bool, Stop> {
        let shown = || EntryName::from(self.name(target).as_slice());
        if self.is_removed(target) {
            return Err(Rule::LinkTargetMissing(shown()).into());
        }
        let (_, name) = split(path);
        let (target_parent, target_name) = split(target);
        let parent = self.parent();
        let target_parent = match open_beneath(&self.root, target_parent, STEP, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(Rule::LinkThroughSymlink(shown()).into());
            }
            outcome => outcome.map_err(step("find the link target of"))?,
        };
        // Without AT_SYMLINK_FOLLOW a symbolic link as target is linked itself.
        let outcome =
            rustix::fs::linkat(&target_parent, target_name, parent, name, AtFlags::empty());
        match outcome {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(Errno::PERM) if is_directory(target_parent.as_fd(), target_name) => {
                Err(Rule::LinkToDirectory(shown()).into())
            }
            Err(error) => Err(creating(error)),
        }
    }

    fn make_node(
        &self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        file_type: FileType,
        (major, minor): (u32, u32),
        metadata: &Metadata,
    ) -> Result<(), Stop> {
        let device = rustix::fs::makedev(major, minor);
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mknodat(parent, name, file_type, mode, device).map_err(creating)?;
        Ok(self.finish_named(parent, name, false, metadata)?)
    }

    fn finish_named(
        &self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        is_link: bool,
        metadata: &Metadata,
    ) -> Result<(), Failed> {
        let ownership = self.options.ownership;
        metadata.apply_named(parent, name, is_link, ownership, XattrPolicy::Required)
    }

    /// The name that the archive has for a path beneath the root, but for what cleaning took away.
    fn name(&self, path: &[u8]) -> Vec<u8> {
        [self.naming.prefix(), path].concat()
    }

    /// Makes the links that waited, then gives the directories their attributes, the deepest first.
    pub(super) fn finish(mut self) -> Result<Finished, ExtractError> {
        let missing_links = self.finish_links()?;
        self.mark_opaque()?;
        // A directory's name is the beginning of those beneath it, so it sorts before them.
        self.directories.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (path, metadata) in &self.directories {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let applied = open_beneath(&self.root, path.as_slice(), flags, Mode::empty())
                .map_err(step("open"))
                .and_then(|fd| {
                    metadata.apply(fd.as_fd(), self.options.ownership, XattrPolicy::Required)
                });
            applied.map_err(|failed| Stop::from(failed).of(&self.name(path)))?;
        }
        let mut implied: Vec<Vec<u8>> = self.implicit.into_iter().collect();
        implied.sort();
        let mut whiteouts: Vec<Vec<u8>> = match self.layered {
            Some(layered) => layered.whiteouts.into_iter().collect(),
            None => Vec::new(),
        };
        whiteouts.sort();
        Ok(Finished {
            implied,
            missing_links,
            whiteouts,
        })
    }

    /// Links may wait for links. Going through them forward and once more backward is enough for every
    /// order that an archiver writes, and takes linear time for the others too.
    ///
    /// Gives those that wait for what only a layer below can have.
    fn finish_links(&mut self) -> Result<Vec<Link>, ExtractError> {
        let mut links = mem::take(&mut self.early_links);
        for _ in 0..2 {
            let mut waiting = Vec::new();
            for link in links {
                let made = self
                    .enter(split(&link.path).0)
                    .and_then(|()| self.link(&link.path, &link.target))
                    .map_err(|stop| stop.of(&self.name(&link.path)))?;
                if !made {
                    waiting.push(link);
                }
            }
            waiting.reverse();
            links = waiting;
        }
        match links.first() {
            Some(EarlyLink { path, target }) if self.layered.is_none() => {
                let rule = Rule::LinkTargetMissing(self.name(target).as_slice().into());
                Err(Refusal::new(&self.name(path), rule).into())
            }
            _ => Ok(links
                .into_iter()
                .map(|link| (link.path, link.target))
                .collect()),
        }
    }
}

/// Divides a path into directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn creating(error: Errno) -> Stop {
    match error {
        Errno::EXIST => Rule::Duplicate.into(),
        error => step("create")(error).into(),
    }
}

fn entering(error: Errno) -> Stop {
    match error {
        Errno::LOOP => Rule::BeneathSymlink.into(),
        Errno::NOTDIR => Rule::BeneathFile.into(),
        error => step("open the directory of")(error).into(),
    }
}

fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
