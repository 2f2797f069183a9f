//! A directory listed as the image that would be built of it.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;

use gantry_types::{Diagnostic, Kind};

use super::{ListOptions, Listing, list};
use crate::aci::AciError;
use crate::compress::Compression;
use crate::write::{WriteError, WriteOptions, write_aci_without_id};

/// A directory cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListTreeError {
    /// A file of it cannot be read.
    #[error(transparent)]
    Read(#[from] WriteError),
    /// It breaks a rule or bound for images.
    #[error(transparent)]
    Image(#[from] AciError),
    /// No pipe could be made to read it through.
    #[error("cannot make a pipe")]
    Pipe {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for ListTreeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Image(error) => error.kind(),
            Self::Pipe { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Pipe { .. } => None,
        }
    }
}

/// Lists the tree beneath `rootfs` with the given manifest as [`write_aci`](crate::write::write_aci) would write it.
///
/// So the walk, hard links and attributes are those of a build, sockets are left out, and the list is
/// read by the one reader there is. The image ID is that of an archive whose manifest has the latest time
/// in the tree. A thread of its own walks the tree.
///
/// # Errors
///
/// [`ListTreeError`].
pub fn list_tree(
    manifest: &[u8],
    rootfs: BorrowedFd<'_>,
    options: &ListOptions,
) -> Result<Listing, ListTreeError> {
    let (reader, writer) = io::pipe().map_err(|source| ListTreeError::Pipe { source })?;
    let write_options = WriteOptions {
        compression: Compression::None,
        ..WriteOptions::default()
    };
    let (written, listed) = thread::scope(|scope| {
        let writing =
            scope.spawn(|| write_aci_without_id(manifest, rootfs, writer, &write_options));
        // The reader goes when the list is done or has failed, so that the writer never waits for it.
        let listed = list(reader, options);
        let written = writing
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (written, listed)
    });
    match (written, listed) {
        (Ok(_), Ok(listing)) => Ok(listing),
        // Where the list fails first, the writer fails over the pipe that went.
        (Ok(_) | Err(WriteError::Output { .. }), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error.into()),
    }
}
