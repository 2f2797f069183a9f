//! Errors of the store.

use std::io;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, ImageId, Kind};

use crate::room::Amount;
use crate::store::VERSION;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Something does not fit on the file system, which was found out before or after it was tried.
    #[error(
        "no room for {what}: {} are needed, and the file system of {} has {} free",
        Amount(*needed), path.display(), Amount(*free)
    )]
    NoRoom {
        /// What does not fit, such as a download.
        what: String,
        /// Directory of the store.
        path: PathBuf,
        /// Bytes that it needs besides what is there of it.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A later release wrote the store.
    #[error(
        "the store at {} has version {found} and is newer than this tool, which knows up to {known}",
        path.display()
    )]
    Newer {
        /// Directory of the store.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Latest version that this tool knows.
        known: u32,
    },
    /// No release of this tool laid the store out.
    #[error(
        "the store at {} has version {found}, which is older than any that this tool knows",
        path.display()
    )]
    Older {
        /// Directory of the store.
        path: PathBuf,
        /// Version found.
        found: u32,
    },
    /// A store without a version holds records that are none of ours.
    #[error("the store at {} does not say its version, and holds records that cannot be read", path.display())]
    Unversioned {
        /// Directory of the store.
        path: PathBuf,
    },
    /// In a shared data directory somebody has taken the place that is the caller's.
    #[error("{} should be a directory of ours, and belongs to somebody else", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// The caller does not belong to the group that shares the data directory.
    #[error("no access to the store of {}, which root and the members of group {group} share", path.display())]
    NotMember {
        /// The data directory.
        path: PathBuf,
        /// Name or number of the group.
        group: String,
    },
    /// `store/version` holds something else than a number.
    #[error("{} does not hold the version of a store", path.display())]
    Version {
        /// The file.
        path: PathBuf,
    },
    /// A record is damaged.
    #[error("image record {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        source: serde_json::Error,
    },
    /// A record is a valid one of another image, or too large for one.
    #[error("image record {} {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No such image.
    #[error("image {} is not in the store", id.short())]
    Missing {
        /// Which.
        id: ImageId,
    },
    /// A fetch or a starting pod is using the image.
    #[error("image {} is in use by a running fetch or prepare", id.short())]
    InUse {
        /// Which.
        id: ImageId,
    },
}

impl StoreError {
    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }

    /// File that the error is about, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::NoRoom { path, .. }
            | Self::Newer { path, .. }
            | Self::Older { path, .. }
            | Self::Unversioned { path }
            | Self::Version { path }
            | Self::NotOurs { path }
            | Self::NotMember { path, .. }
            | Self::Damaged { path, .. }
            | Self::Foreign { path, .. } => Some(path),
            Self::Missing { .. } | Self::InUse { .. } => None,
        }
    }
}

impl Diagnostic for StoreError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } => Kind::Usage,
            _ => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => {
                Some("use the release that wrote it, or another --dir".to_owned())
            }
            Self::Older { path, .. } => Some(format!(
                "move {} away and fetch the images again",
                path.display()
            )),
            Self::Unversioned { path } => Some(format!(
                "move {} away and fetch the images again, or write {VERSION} into its file version if \
                 this release wrote it",
                path.display()
            )),
            Self::NotOurs { path } => Some(format!(
                "have root look into {} and remove it",
                path.display()
            )),
            Self::NotMember { group, .. } => Some(format!(
                "become a member (`usermod -aG {group} USER` as root, then log in again), run as root, or choose a \
                 directory of your own with --dir"
            )),
            Self::Version { path } => Some(format!(
                "write 1 into {} if the store is ours",
                path.display()
            )),
            Self::Damaged { path, .. } | Self::Foreign { path, .. } => Some(format!(
                "remove {} and fetch the image again",
                path.display()
            )),
            Self::InUse { .. } => Some("try again when it has ended".to_owned()),
            Self::Io { source, path, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    Some("run as root, or choose a directory of your own with --dir".to_owned())
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(make_room(path)),
                _ => None,
            },
            Self::NoRoom { path, .. } => Some(make_room(path)),
            Self::Missing { .. } => None,
        }
    }
}

fn make_room(path: &Path) -> String {
    format!(
        "make room on the file system of {}; `rkt image gc` and `rkt gc` need none",
        path.display()
    )
}

/// A prefix does not name one image.
///
/// The texts are those of the original, which scripts look for.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Fewer than two hex digits.
    #[error("image ID too short")]
    TooShort,
    /// Not `sha512-` and hex digits.
    #[error("wrong key prefix")]
    WrongPrefix,
    /// Several images start like this.
    #[error("ambiguous image ID: {prefix:?}")]
    Ambiguous {
        /// The prefix.
        prefix: String,
    },
    /// No image starts like this.
    #[error("no image IDs found")]
    None,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnostic for ResolveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Ambiguous { .. } => Some("give more digits".to_owned()),
            _ => None,
        }
    }
}
