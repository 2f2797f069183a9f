//! What can go wrong with a build in progress before its own work starts.

use std::io;
use std::path::PathBuf;

use gantry_types::{Diagnostic, Kind, ManifestError};

use crate::room::is_full;

/// A build in progress could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no `.acbuild`, or what an interrupted `begin` or `end` left of it.
    #[error("no build in progress in this working dir - try \"acbuild begin\"")]
    NoBuild,
    /// Another command works on the same build.
    #[error("lock already held - is another acbuild running in this working dir?")]
    Locked,
    /// The build belongs to another user.
    #[error("permission denied: please run this as a user with appropriate privileges")]
    Permission,
    /// The build was begun in a mode this tool does not know.
    #[error("invalid build mode: {mode}")]
    Mode {
        /// The mode.
        mode: String,
    },
    /// A file of the build could not be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest is longer than any manifest may be.
    #[error("{} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file or directory.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The manifest was changed by hand into something that is none.
    #[error("the manifest of this build is not valid")]
    Manifest {
        /// Why.
        source: ManifestError,
    },
}

impl Diagnostic for OpenError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoBuild => Kind::Usage,
            _ => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest { .. } => {
                Some("mend .acbuild/currentaci/manifest or start over with \"acbuild end\"".into())
            }
            Self::Io { source, .. } => room(source),
            _ => None,
        }
    }
}

/// What to try after `error`, if it is about room.
pub(super) fn room(error: &io::Error) -> Option<String> {
    is_full(error).then(|| "make room there, or work elsewhere with --work-path DIR".into())
}

/// Adds what was worked on to an I/O error.
pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(rustix::io::Errno) -> OpenError {
    let path = path.into();
    |errno| match errno {
        rustix::io::Errno::ACCESS | rustix::io::Errno::PERM => OpenError::Permission,
        errno => OpenError::Io {
            path,
            source: errno.into(),
        },
    }
}
