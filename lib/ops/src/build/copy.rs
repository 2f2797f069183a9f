//! Copying files from the host into the image in the making.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_archive::copy::{self as archive, CopyOptions, PatternError, Patterns};
use gantry_archive::extract::Ownership;
use gantry_types::{Diagnostic, Kind};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use super::begin::holds;
use super::context::{Build, UNFINISHED, read_file};
use super::error::{OpenError, at, room};
use super::history::RecordError;
use super::place::{Place, components, open_dir_all, open_parent, open_place};
use super::remove::remove_tree;

/// Longest `.acbuildignore`, in bytes.
const MAX_IGNORE: u64 = 1 << 20;

/// Name of the file that says what of its directory is not to be copied.
const IGNORE: &str = ".acbuildignore";

/// How files are copied into the image.
#[derive(Debug, Clone, Default)]
pub struct CopyChoices {
    /// User and group of the copies, in place of those of the originals.
    pub owner: Option<(u32, u32)>,
    /// What is left out of a directory, besides what its file `.acbuildignore` says.
    pub exclude: Vec<Vec<u8>>,
}

/// Files could not be copied into the image.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The build could not be opened or read.
    #[error(transparent)]
    Build(#[from] OpenError),
    /// The source does not exist.
    #[error("no such file or directory: {}", path.display())]
    NotFound {
        /// The file or directory.
        path: PathBuf,
    },
    /// The source could not be opened.
    #[error("cannot read {}", path.display())]
    Source {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The source holds the build, which would be copied into itself.
    #[error("{} holds the build itself", path.display())]
    HoldsBuild {
        /// The file or directory.
        path: PathBuf,
    },
    /// A source such as `..` has no name of its own to be copied to.
    #[error("{} has no name that it could have in the image", path.display())]
    Nameless {
        /// The file or directory.
        path: PathBuf,
    },
    /// The target exists, and copying would have to mix or replace.
    #[error("{} in the image: file exists", path.display())]
    Exists {
        /// The file or directory.
        path: PathBuf,
    },
    /// The target of several sources is a file.
    #[error("target {path:?} is not a directory")]
    NotADirectory {
        /// The file or directory.
        path: PathBuf,
    },
    /// The target cannot be reached or made in the image.
    #[error("cannot make {} in the image", path.display())]
    Target {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is to be left out cannot be understood.
    #[error("cannot tell what to leave out of {}", path.display())]
    Exclude {
        /// The source, or the file in it that says so.
        path: PathBuf,
        /// Why.
        source: PatternError,
    },
    /// The file that says what is to be left out cannot be read.
    #[error("cannot read {}", path.display())]
    Ignore {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The image does not know whom the copies are to belong to.
    #[error("{file} of the image has no {name:?}")]
    NoAccount {
        /// The name.
        name: String,
        /// The file that was looked into.
        file: String,
    },
    /// Nothing can hold the owner that the copies are to have.
    #[error("files of the image cannot belong to {uid}:{gid} here")]
    Owner {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// The copy broke off.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: archive::CopyError,
    },
    /// The files are there, but the history could not be recorded.
    #[error(transparent)]
    History(#[from] RecordError),
}

impl Diagnostic for CopyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Source { .. } | Self::Target { .. } | Self::Owner { .. } => Kind::Environment,
            Self::Ignore { source, .. } => source.kind(),
            Self::Copy { source, .. } => source.kind(),
            Self::History(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::HoldsBuild { .. } => Some("put the build elsewhere with --work-path DIR".into()),
            Self::NoAccount { .. } => {
                Some("numbers need no entry: --chown 1000:1000".into())
            }
            Self::Owner { .. } => Some(
                "become root, get a range of IDs in /etc/subuid and /etc/subgid, or put the build on a file \
                 system with extended attributes with --work-path DIR"
                    .into(),
            ),
            Self::Copy { source, .. } => source.hint(),
            Self::Target { source, .. } => room(source),
            Self::History(error) => error.hint(),
            _ => None,
        }
    }
}

impl Build {
    /// Copies `from` to the path `to` of the image; missing parents are made.
    ///
    /// Mode, time and extended attributes are kept, the owner too if root copies. A file replaces a
    /// file; nothing else is replaced. A directory may have a file `.acbuildignore`, which is not copied itself.
    ///
    /// # Errors
    ///
    /// [`CopyError`]; the image is then as it was, but for parents made.
    pub fn copy(
        &self,
        from: &Path,
        to: &Path,
        choices: &CopyChoices,
        history: Option<&str>,
    ) -> Result<(), CopyError> {
        self.copy_one(from, &components(to), choices)?;
        self.record_copy(history)
    }

    /// Copies each of `sources` into the directory `dir` of the image, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// As [`Build::copy`]; sources before the failing one are in the image.
    pub fn copy_to_dir(
        &self,
        sources: &[PathBuf],
        dir: &Path,
        choices: &CopyChoices,
        history: Option<&str>,
    ) -> Result<(), CopyError> {
        let root = self.rootfs()?;
        let dir_components = components(dir);
        open_dir_all(root.as_fd(), &dir_components).map_err(|errno| match errno {
            Errno::NOTDIR => CopyError::NotADirectory {
                path: dir.to_owned(),
            },
            errno => target_error(&dir_components, errno),
        })?;
        for source in sources {
            let name = source
                .file_name()
                .ok_or_else(|| CopyError::Nameless {
                    path: source.clone(),
                })?
                .to_owned();
            let mut to = dir_components.clone();
            to.push(name);
            self.copy_one(source, &to, choices)?;
        }
        self.record_copy(history)
    }

    fn record_copy(&self, history: Option<&str>) -> Result<(), CopyError> {
        Ok(self.record(history)?)
    }

    /// Copies beside the image first, so that what appears in it is complete.
    fn copy_one(
        &self,
        from: &Path,
        to: &[OsString],
        choices: &CopyChoices,
    ) -> Result<(), CopyError> {
        let kind = self.source_kind(from)?;
        let options = self.copy_options(from, kind, choices)?;
        let root = self.rootfs()?;
        let place = if kind == FileType::RegularFile {
            open_place(root.as_fd(), to)
        } else {
            // Making a directory, link or device does not follow a link of that name.
            open_parent(root.as_fd(), to)
        };
        let place = place
            .map_err(|errno| target_error(to, errno))?
            .ok_or_else(|| CopyError::Exists { path: shown(to) })?;
        check_vacant(&place, kind).map_err(|errno| target_error(to, errno))?;

        let staging = self.context.dir();
        let broken = |source: io::Error| CopyError::Target {
            path: shown(to),
            source,
        };
        remove_tree(staging, UNFINISHED).map_err(broken)?;
        let name = OsStr::from_bytes(UNFINISHED.to_bytes());
        let copied = archive::copy_tree((CWD, from), (staging, name), &options)
            .map_err(|source| CopyError::Copy {
                path: from.to_owned(),
                source,
            })
            .and_then(|()| {
                move_into(staging, &place, kind).map_err(|errno| target_error(to, errno))
            });
        if copied.is_err() {
            // The first error counts; what this leaves, the next command removes.
            let _ = remove_tree(staging, UNFINISHED);
        }
        copied
    }

    fn copy_options(
        &self,
        from: &Path,
        kind: FileType,
        choices: &CopyChoices,
    ) -> Result<CopyOptions, CopyError> {
        let ownership = match choices.owner {
            None => self.copied,
            Some(_) if rustix::process::geteuid().is_root() => Ownership::Keep,
            Some((0, 0)) => Ownership::CurrentUser,
            Some(_) if archive::can_note_owners(self.context.dir()) => Ownership::Noted,
            Some((uid, gid)) => return Err(CopyError::Owner { uid, gid }),
        };
        let exclude = match kind {
            FileType::Directory => exclusions(from, &choices.exclude)?,
            _ => Patterns::default(),
        };
        Ok(CopyOptions {
            ownership,
            owner: choices.owner,
            exclude,
        })
    }

    fn source_kind(&self, from: &Path) -> Result<FileType, CopyError> {
        let failed = |errno| match errno {
            Errno::NOENT => CopyError::NotFound {
                path: from.to_owned(),
            },
            errno => CopyError::Source {
                path: from.to_owned(),
                source: io::Error::from(errno),
            },
        };
        let stat = rustix::fs::statat(CWD, from, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let dir = rustix::fs::open(from, flags, Mode::empty()).map_err(failed)?;
            if holds(dir.as_fd(), self.context.dir()).map_err(failed)? {
                return Err(CopyError::HoldsBuild {
                    path: from.to_owned(),
                });
            }
        }
        Ok(kind)
    }
}

/// What of the directory `from` is not to be copied.
fn exclusions(from: &Path, given: &[Vec<u8>]) -> Result<Patterns, CopyError> {
    let file = from.join(IGNORE);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let read = rustix::fs::open(from, flags, Mode::empty())
        .map_err(at(from))
        .and_then(|dir| read_file(dir.as_fd(), IGNORE, MAX_IGNORE));
    let text = read.map_err(|source| CopyError::Ignore {
        path: file.clone(),
        source,
    })?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| CopyError::Exclude { path, source }
    };
    let mut patterns = match &text {
        Some(text) => Patterns::parse(text).map_err(failed(&file))?,
        None => Patterns::default(),
    };
    for line in given {
        patterns.add(line).map_err(failed(from))?;
    }
    if text.is_some() {
        patterns.add(IGNORE.as_bytes()).map_err(failed(&file))?;
    }
    Ok(patterns)
}

/// Whose the files of an image in the making are: only root can give files away.
pub(super) fn current_ownership() -> Ownership {
    if rustix::process::geteuid().is_root() {
        Ownership::Keep
    } else {
        Ownership::CurrentUser
    }
}

/// Refuses to replace anything but a file by a file.
fn check_vacant(place: &Place, kind: FileType) -> Result<(), Errno> {
    match rustix::fs::statat(&place.dir, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
        Ok(stat) => match (kind, FileType::from_raw_mode(stat.st_mode)) {
            (FileType::RegularFile, FileType::RegularFile) => Ok(()),
            _ => Err(Errno::EXIST),
        },
    }
}

fn move_into(staging: BorrowedFd<'_>, place: &Place, kind: FileType) -> Result<(), Errno> {
    if kind != FileType::Directory {
        return rustix::fs::renameat(staging, UNFINISHED, &place.dir, &place.name);
    }
    // A directory that its owner may not write to cannot be moved, for moving changes its `..`.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let writable = |mode: Mode| mode | Mode::RWXU;
    let before = rustix::fs::statat(staging, UNFINISHED, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_raw_mode(before.st_mode);
    if writable(mode) != mode {
        rustix::fs::chmodat(staging, UNFINISHED, writable(mode), AtFlags::empty())?;
    }
    let moved = rustix::fs::openat(staging, UNFINISHED, flags, Mode::empty())?;
    rustix::fs::renameat(staging, UNFINISHED, &place.dir, &place.name)?;
    // Some file systems count the new `..` as a change of the directory.
    rustix::fs::futimens(&moved, &modification_time(&before))?;
    if writable(mode) != mode {
        rustix::fs::fchmod(&moved, mode)?;
    }
    Ok(())
}

fn modification_time(stat: &Stat) -> Timestamps {
    let omit = Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_OMIT,
    };
    let modified = Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: stat.st_mtime_nsec as _,
    };
    Timestamps {
        last_access: omit,
        last_modification: modified,
    }
}

fn target_error(to: &[OsString], errno: Errno) -> CopyError {
    match errno {
        Errno::EXIST => CopyError::Exists { path: shown(to) },
        errno => CopyError::Target {
            path: shown(to),
            source: errno.into(),
        },
    }
}

fn shown(to: &[OsString]) -> PathBuf {
    Path::new("/").join(to.iter().collect::<PathBuf>())
}
