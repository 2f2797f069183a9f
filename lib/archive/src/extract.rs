//! Extraction beneath a directory.

mod layer;
mod tree;

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::BorrowedFd;

use gantry_types::{Diagnostic, ImageId, Kind, UserRange};
use rustix::fs::{AtFlags, Mode, OFlags};

use crate::aci::{AciError, Layout};
use crate::compress::Decoder;
use crate::digest::Sha512;
use crate::limits::Limits;
use crate::member::Naming;
use crate::pipeline::read_ahead;
use crate::refusal::{EntryName, Refusal, Rule};
use crate::room;
use crate::tar::{EntryKind, Reader};
use tree::Tree;

pub use crate::metadata::is_kept;
pub use layer::{ExtractedLayer, check_layer, extract_layer};

/// Whose files extraction makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ownership {
    /// As the archive says; needs root.
    #[default]
    Keep,
    /// As the archive says, seen from a user namespace that has these IDs of the host; needs root.
    Shifted(UserRange),
    /// The user's who extracts: owners are ignored, devices refused, privileged attributes left out.
    CurrentUser,
    /// The same, with the owner of each file and directory noted in an attribute of it, where the file system takes
    /// that: an image that is made of them without root has the owners again.
    Noted,
}

impl Ownership {
    /// Whether files get the owners that the archive names, and not that of who extracts.
    pub fn keeps_owners(self) -> bool {
        !matches!(self, Self::CurrentUser | Self::Noted)
    }
}

/// How to extract.
#[derive(Debug, Clone, Default)]
pub struct ExtractOptions {
    /// Whose the files are.
    pub ownership: Ownership,
    /// Bounds on the archive.
    pub limits: Limits,
    /// With two or more, decompression and hashing have threads of their own beside the caller's, which
    /// makes the files; with 0 and 1 there are none. What is extracted does not depend on it.
    pub threads: usize,
}

/// What was extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// The manifest as stored; not parsed.
    pub manifest: Vec<u8>,
    /// SHA-512 of the whole uncompressed stream, with what follows the end marker.
    pub image_id: ImageId,
    /// Number of entries.
    pub entries: u64,
    /// Sum of the sizes of all files, holes included.
    pub bytes: u64,
    /// Directories beneath `rootfs` that no entry named, made for what lies in them; sorted.
    pub implied: Vec<Vec<u8>>,
}

/// An image could not be extracted. What was extracted before is left for the caller to remove.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The image itself is at fault.
    #[error(transparent)]
    Image(#[from] AciError),
    /// The file system refused.
    #[error("cannot {action} {entry:?}")]
    File {
        /// What was tried, such as "create".
        action: &'static str,
        /// The entry of the archive.
        entry: EntryName,
        /// Why.
        source: io::Error,
    },
}

impl From<Refusal> for ExtractError {
    fn from(refusal: Refusal) -> Self {
        Self::Image(refusal.into())
    }
}

impl Diagnostic for ExtractError {
    fn kind(&self) -> Kind {
        match self {
            Self::Image(error) => error.kind(),
            Self::File { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.hint(),
            Self::File { source, .. } => room::hint(source),
        }
    }
}

/// Extracts an image, compressed or not, to `manifest` and `rootfs` beneath an empty directory.
///
/// Nothing outside `target` is touched, whatever the archive says: every look-up is beneath a directory
/// descriptor and follows no symbolic link, no entry replaces another, and hard links lead to files of
/// this archive only. Missing parent directories are made with mode 0755. Directories get their
/// attributes at the end. Nothing is synced: the caller does that once for the whole tree.
///
/// # Errors
///
/// [`ExtractError`]. What was extracted until then stays; the caller removes the directory.
pub fn extract_aci(
    source: impl Read + Send,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<Extracted, ExtractError> {
    extract_aci_and_tell(source, target, options, &mut || {})
}

/// As [`extract_aci`], and calls `on_way` on the caller's thread again and again, for a report on how far
/// the source has got.
///
/// # Errors
///
/// As [`extract_aci`].
pub fn extract_aci_and_tell(
    source: impl Read + Send,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
    on_way: &mut dyn FnMut(),
) -> Result<Extracted, ExtractError> {
    let decoder = Decoder::new(source, &options.limits).map_err(AciError::from)?;
    let mut hash = Sha512::default();
    let mut tap = |bytes: &[u8]| hash.update(bytes);
    let (_, extracted) = read_ahead(decoder, Some(&mut tap), options.threads, |inner| {
        extract_stream(Telling { inner, on_way }, target, options)
    });
    let content = extracted?;
    Ok(Extracted {
        manifest: content.manifest,
        image_id: ImageId::from_digest(hash.finish()),
        entries: content.entries,
        bytes: content.bytes,
        implied: content.implied,
    })
}

/// What [`Extracted`] says, but for the image ID, which is about the stream and not what is in it.
struct Content {
    manifest: Vec<u8>,
    entries: u64,
    bytes: u64,
    implied: Vec<Vec<u8>>,
}

/// Extracts what is decompressed, to its very end.
fn extract_stream(
    stream: impl BufRead,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<Content, ExtractError> {
    let limits = &options.limits;
    let mut reader = Reader::new(stream, limits);
    let mut layout = Layout::default();
    let mut tree = Tree::create(target, options, Naming::Image)?;
    let (mut entries, mut bytes) = (0, 0);
    while let Some(entry) = reader.next_entry().map_err(AciError::from)? {
        entries += 1;
        bytes += entry.size;
        if let Some(path) = layout.place(&entry, &mut reader, limits)? {
            tree.add(&path, entry, &mut reader)?;
        }
    }
    let manifest = layout.finish()?;
    let implied = tree.finish()?.implied;
    write_manifest(target, &manifest)?;
    reader.finish().map_err(AciError::from)?;
    Ok(Content {
        manifest,
        entries,
        bytes,
        implied,
    })
}

/// Calls back whenever more is asked for.
struct Telling<'a, R> {
    inner: R,
    on_way: &'a mut dyn FnMut(),
}

impl<R: BufRead> BufRead for Telling<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        (self.on_way)();
        self.inner.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.inner.consume(length);
    }
}

impl<R: BufRead> Read for Telling<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.on_way)();
        self.inner.read(buffer)
    }
}

/// Extracts a plain archive of a root file system, compressed or not, to `rootfs` beneath an empty
/// directory.
///
/// The rules are those of [`extract_aci`]. The root directory has mode 0755 if no entry stands for it.
///
/// # Errors
///
/// As [`extract_aci`].
pub fn extract_rootfs(
    source: impl Read + Send,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<(), ExtractError> {
    let decoder = Decoder::new(source, &options.limits).map_err(AciError::from)?;
    let (_, extracted) = read_ahead(decoder, None, options.threads, |stream| {
        extract_rootfs_stream(stream, target, options)
    });
    extracted
}

fn extract_rootfs_stream(
    stream: impl BufRead,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<(), ExtractError> {
    let limits = &options.limits;
    let mut reader = Reader::new(stream, limits);
    let mut tree = Tree::create(target, options, Naming::Root)?;
    let mut root_named = false;
    while let Some(entry) = reader.next_entry().map_err(AciError::from)? {
        let refuse = |rule| Refusal::new(&entry.path, rule);
        let path = Naming::Root.beneath(&entry.path, limits);
        let path = path.map_err(refuse)?.unwrap_or_default();
        if path.is_empty() {
            if entry.kind != EntryKind::Directory {
                return Err(refuse(Rule::EmptyName).into());
            }
            root_named = true;
        }
        tree.add(&path, entry, &mut reader)?;
    }
    tree.finish()?;
    reader.finish().map_err(AciError::from)?;
    if !root_named {
        let mode = Mode::from_raw_mode(0o755);
        rustix::fs::chmodat(target, "rootfs", mode, AtFlags::empty()).map_err(|error| {
            ExtractError::File {
                action: "set mode of",
                entry: b".".as_slice().into(),
                source: error.into(),
            }
        })?;
    }
    Ok(())
}

fn write_manifest(target: BorrowedFd<'_>, manifest: &[u8]) -> Result<(), ExtractError> {
    let failed = |action, source| ExtractError::File {
        action,
        entry: b"manifest".as_slice().into(),
        source,
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let file = rustix::fs::openat(target, "manifest", flags, mode)
        .map_err(|error| failed("create", error.into()))?;
    File::from(file)
        .write_all(manifest)
        .map_err(|error| failed("write", error))
}

#[cfg(test)]
mod tests;
