//! Writing an image: the same tree gives the same bytes.

mod layer;
mod sparse;
mod walk;

use std::io::{self, BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use gantry_types::{Diagnostic, ImageId, Kind};

use crate::aci::STREAM_BUFFER;
use crate::compress::{Compression, Encoder};
use crate::digest::Sha512Writer;
use crate::room;
use crate::tar::{END, Entry, EntryKind, Timestamp, data_padding, encode};
use walk::walk;

pub use layer::{Counted, WrittenLayer, write_layer};

/// Whose files the image says they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// As on disk.
    #[default]
    Keep,
    /// User and group 0, all of them.
    Root,
    /// The given user and group become 0, others stay: what a user without root owns, root owns in the
    /// image, unless [`Ownership::Noted`](crate::extract::Ownership::Noted) has left word of another owner.
    MapUserToRoot {
        /// User that becomes 0.
        uid: u32,
        /// Group that becomes 0.
        gid: u32,
    },
    /// The `count` users and groups from `first` on become 0 and up, others stay: those of a pod whose users
    /// are not the host's.
    Unshift {
        /// The user and group that become 0.
        first: u32,
        /// How many of each.
        count: u32,
    },
}

/// Largest number of directories below one another: each holds a descriptor during the walk, and what is
/// written can be read with the default limits.
const MAX_DEPTH: usize = 500;

/// How to write an image.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Compression of the file.
    pub compression: Compression,
    /// Whose the files are.
    pub owner: Owner,
    /// Seconds since 1970: later times are set back to it, and it is the manifest's own. Without it the
    /// manifest's time is the latest in the tree. Source: reproducible-builds.org, `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<i64>,
    /// Every file has that time, or 1970 without one, so that the image does not depend on when files were made.
    pub exact_times: bool,
    /// How many threads may compress; with 0 and 1 it is the caller's own. The bytes are the same.
    pub threads: usize,
}

/// An image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file of the tree could not be read.
    #[error("cannot {action} rootfs/{}", path.display())]
    File {
        /// What was tried, such as "open".
        action: &'static str,
        /// Path beneath the root directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file's size differs from what it was a moment before.
    #[error("rootfs/{} changed while it was read", path.display())]
    Changed {
        /// Path beneath the root directory.
        path: PathBuf,
    },
    /// In a layer such a name would remove a file of the layers below. Source: OCI image-spec, layer.md.
    #[error("rootfs/{} has a name that a layer cannot hold: .wh. marks what is removed", path.display())]
    Reserved {
        /// Path beneath the root directory.
        path: PathBuf,
    },
    /// The tree is deeper than any image may be.
    #[error("rootfs/{} lies more than {MAX_DEPTH} directories deep", path.display())]
    TooDeep {
        /// Path beneath the root directory.
        path: PathBuf,
    },
    /// The image file could not be written.
    #[error("cannot write the image")]
    Output {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for WriteError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Output { source } => room::hint(source),
            _ => None,
        }
    }
}

/// Writes an image of the tree beneath `rootfs` with the given manifest, and gives its ID.
///
/// The tree is walked in lexical order by byte, directories before what lies in them, and the manifest
/// comes last. The same tree, manifest and options give the same bytes: account names, access times and
/// attributes that the host sets (SELinux labels, for one) stay out, and whether zeros in a file are
/// holes on disk makes no difference. Sockets are left out, devices and FIFOs have no content, hard links
/// within the tree stay links; of a file with MiBs of zeros only the rest is stored, and the zeros become
/// holes again. `out` is not flushed.
///
/// # Errors
///
/// [`WriteError`]; what was written then is no image.
pub fn write_aci(
    manifest_json: &[u8],
    rootfs: BorrowedFd<'_>,
    out: impl Write,
    options: &WriteOptions,
) -> Result<ImageId, WriteError> {
    let hashed = Sha512Writer::new(encoder(out, options)?);
    let (encoder, digest) = write_tar(manifest_json, rootfs, hashed, options)?.finish();
    finish(encoder)?;
    Ok(ImageId::from_digest(digest))
}

/// [`write_aci`] for a caller who has no use for the ID, and saves the time to work it out.
///
/// # Errors
///
/// As [`write_aci`].
pub fn write_aci_without_id(
    manifest_json: &[u8],
    rootfs: BorrowedFd<'_>,
    out: impl Write,
    options: &WriteOptions,
) -> Result<(), WriteError> {
    let encoder = encoder(out, options)?;
    finish(write_tar(manifest_json, rootfs, encoder, options)?)
}

fn encoder<W: Write>(out: W, options: &WriteOptions) -> Result<Encoder<W>, WriteError> {
    Encoder::with_threads(out, options.compression, options.threads).map_err(output)
}

fn finish<W: Write>(encoder: Encoder<W>) -> Result<(), WriteError> {
    encoder.finish().map(drop).map_err(output)
}

fn output(source: io::Error) -> WriteError {
    WriteError::Output { source }
}

/// Writes the uncompressed archive, and gives the target back.
fn write_tar<W: Write>(
    manifest_json: &[u8],
    rootfs: BorrowedFd<'_>,
    target: W,
    options: &WriteOptions,
) -> Result<W, WriteError> {
    let mut archive = BufWriter::with_capacity(STREAM_BUFFER, target);
    let latest = walk(rootfs, &mut archive, options)?;
    let epoch = options.source_date_epoch;
    let manifest = Entry {
        path: b"manifest".to_vec(),
        kind: EntryKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        // With exact times the latest is that of all.
        mtime: epoch.map_or(latest, |seconds| Timestamp {
            seconds,
            nanoseconds: 0,
        }),
        size: manifest_json.len() as u64,
        xattrs: Vec::new(),
        sparse: None,
    };
    for part in [
        &encode(&manifest),
        manifest_json,
        data_padding(manifest.size),
        &END,
    ] {
        archive.write_all(part).map_err(output)?;
    }
    archive
        .into_inner()
        .map_err(|error| output(error.into_error()))
}

#[cfg(test)]
mod tests;
