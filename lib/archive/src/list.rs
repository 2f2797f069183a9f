//! What lies in an image: one record per entry, in the order of the archive, without the content.

mod content;
mod scan;
mod tree;

use std::io::Read;

use gantry_types::ImageId;

use crate::aci::AciError;
use crate::compress::Compression;
use crate::limits::Limits;
use crate::refusal::Rule;
use crate::tar::{Timestamp, Xattr};
use scan::scan;

pub use tree::{ListTreeError, list_tree};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// Another name for the file at this path beneath the root, as the list names it.
    HardLink(Box<[u8]>),
    /// A symbolic link to any text.
    Symlink(Box<[u8]>),
    /// A directory.
    Directory,
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// One entry of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Cleaned path beneath the root, without a slash at either end; empty for the root itself.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: FileKind,
    /// Permissions with setuid, setgid and sticky bit.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Time of last change of the content.
    pub mtime: Timestamp,
    /// Size of a file with its holes, in bytes; 0 for everything else.
    pub size: u64,
    /// Extended attributes, as the archive has them.
    pub xattrs: Box<[Xattr]>,
    /// SHA-256 of a file's content, holes read as zeros; only if asked for, and only for files.
    pub digest: Option<[u8; 32]>,
    /// How many entries stand before it in the archive.
    pub position: u64,
}

/// The files of an image, in the order of the archive.
///
/// Each takes [`FileList::ENTRY_BYTES`] and its name, link target and extended attributes, so that a
/// million ordinary entries are some 200 MiB; [`Limits::max_list`] bounds the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileList {
    files: Vec<ListedFile>,
    bytes: usize,
}

impl FileList {
    /// Memory of one entry besides its name, link target and attributes, in bytes.
    pub const ENTRY_BYTES: usize = size_of::<ListedFile>();

    /// The files.
    pub fn files(&self) -> &[ListedFile] {
        &self.files
    }

    /// Appends a file, unless the list would take more than `max_bytes`.
    fn push(&mut self, file: ListedFile, max_bytes: usize) -> Result<(), Rule> {
        let text = match &file.kind {
            FileKind::HardLink(text) | FileKind::Symlink(text) => text.len(),
            _ => 0,
        };
        let xattrs = file.xattrs.iter();
        let xattrs: usize = xattrs
            .map(|xattr| size_of::<Xattr>() + xattr.name.len() + xattr.value.len())
            .sum();
        self.bytes += Self::ENTRY_BYTES + file.path.len() + text + xattrs;
        if self.bytes > max_bytes {
            return Err(Rule::LargeList(max_bytes));
        }
        self.files.push(file);
        Ok(())
    }
}

impl IntoIterator for FileList {
    type Item = ListedFile;
    type IntoIter = std::vec::IntoIter<ListedFile>;

    fn into_iter(self) -> Self::IntoIter {
        self.files.into_iter()
    }
}

/// How to list an image.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Hashes the content of each file.
    pub digests: bool,
    /// Bounds on the archive.
    pub limits: Limits,
}

/// What lies in an image.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listing {
    /// The compression of the file.
    pub compression: Compression,
    /// The manifest as it is stored; not parsed.
    pub manifest: Vec<u8>,
    /// The manifest's own entry; its path is `manifest`.
    pub manifest_entry: ListedFile,
    /// Everything at and beneath `rootfs`.
    pub files: FileList,
    /// SHA-512 of the whole uncompressed stream.
    pub image_id: ImageId,
    /// Size of that stream, in bytes.
    pub stream_bytes: u64,
}

/// What could be seen of an archive that may be damaged or no image.
#[derive(Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The compression of the file.
    pub compression: Compression,
    /// The manifest as it is stored, and its own entry.
    pub manifest: Option<(Vec<u8>, ListedFile)>,
    /// Everything at and beneath `rootfs` up to the first fault that ends reading; of several entries
    /// with one name only the first.
    pub files: FileList,
    /// SHA-512 of the whole uncompressed stream and its size in bytes, if it could be decompressed to
    /// its end.
    pub stream: Option<(ImageId, u64)>,
    /// Everything wrong with it, in the order found, [`Survey::MAX_PROBLEMS`] at most.
    pub problems: Vec<AciError>,
}

impl Survey {
    /// The most problems kept: a hostile archive can have one in each entry.
    pub const MAX_PROBLEMS: usize = 100;
}

/// Lists a whole image, compressed or not, and checks it against the layout rules.
///
/// # Errors
///
/// [`AciError`] with the first rule broken, [`Rule::LargeList`] among them. The manifest's content is
/// not looked at.
pub fn list(source: impl Read, options: &ListOptions) -> Result<Listing, AciError> {
    let survey = scan(source, options, &mut Err)?;
    let (manifest, manifest_entry) = survey.manifest.ok_or(AciError::ManifestMissing)?;
    // A stream that cannot be read to its end is an error of the scan.
    let (image_id, stream_bytes) = survey.stream.ok_or(AciError::ManifestMissing)?;
    Ok(Listing {
        compression: survey.compression,
        manifest,
        manifest_entry,
        files: survey.files,
        image_id,
        stream_bytes,
    })
}

/// Lists as much of an image as can be read, and everything that is wrong with it.
///
/// # Errors
///
/// [`DecodeError`](crate::compress::DecodeError) for a file that is no archive at all.
pub fn survey(source: impl Read, options: &ListOptions) -> Result<Survey, AciError> {
    let mut problems = Vec::new();
    let mut survey = scan(source, options, &mut |problem| {
        if problems.len() < Survey::MAX_PROBLEMS {
            problems.push(problem);
        }
        Ok(())
    })?;
    survey.problems = problems;
    Ok(survey)
}

#[cfg(test)]
mod tests;
