//! One pass over an archive.

use std::io::{self, BufRead, BufReader, Read};

use gantry_types::ImageId;

use super::content::{Content, digest};
use super::{FileKind, FileList, ListOptions, ListedFile, Survey};
use crate::aci::{AciError, Layout, Names, STREAM_BUFFER};
use crate::compress::Decoder;
use crate::digest::Sha512Reader;
use crate::member::{Member, Naming};
use crate::refusal::{Refusal, Rule};
use crate::tar::{Entry, EntryKind, Reader};

/// What is done about a problem: to give it back ends the scan.
type OnProblem<'a> = dyn FnMut(AciError) -> Result<(), AciError> + 'a;

/// Reads an archive to its end, or to where it cannot be read on.
pub(super) fn scan(
    source: impl Read,
    options: &ListOptions,
    on_problem: &mut OnProblem<'_>,
) -> Result<Survey, AciError> {
    let decoder = Decoder::new(source, &options.limits)?;
    let compression = decoder.compression();
    let stream = Counted {
        source: Sha512Reader::new(decoder),
        bytes: 0,
    };
    let stream = BufReader::with_capacity(STREAM_BUFFER, stream);
    let mut reader = Reader::new(stream, &options.limits);
    let mut scan = Scan {
        options,
        layout: Layout::default(),
        names: Names::default(),
        manifest_entry: None,
        manifest_seen: false,
        rootfs_seen: false,
        files: FileList::default(),
        position: 0,
        content: Content::new(options.limits.max_hashed_holes),
    };
    let end = scan.entries(&mut reader, on_problem)?;
    let whole = end.is_none();
    if let Some(problem) = end {
        on_problem(problem)?;
    }
    // Of an archive that breaks off nobody knows what else it held.
    if whole && !scan.manifest_seen {
        on_problem(AciError::ManifestMissing)?;
    }
    if whole && !scan.rootfs_seen {
        on_problem(AciError::RootfsMissing)?;
    }
    let stream = match reader.finish() {
        Ok(stream) => {
            let Counted { source, bytes } = stream.into_inner();
            Some((ImageId::from_digest(source.finish().1), bytes))
        }
        Err(problem) if whole => {
            on_problem(problem.into())?;
            None
        }
        // Said already.
        Err(_) => None,
    };
    Ok(Survey {
        compression,
        manifest: scan.layout.into_manifest().zip(scan.manifest_entry),
        files: scan.files,
        stream,
        problems: Vec::new(),
    })
}

struct Scan<'a> {
    options: &'a ListOptions,
    layout: Layout,
    names: Names,
    manifest_entry: Option<ListedFile>,
    manifest_seen: bool,
    rootfs_seen: bool,
    files: FileList,
    position: u64,
    content: Content,
}

impl Scan<'_> {
    /// Takes in all entries; gives the problem that ends reading, if one does.
    fn entries<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        on_problem: &mut OnProblem<'_>,
    ) -> Result<Option<AciError>, AciError> {
        loop {
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(None),
                Err(problem) => return Ok(Some(problem.into())),
            };
            match self.entry(entry, reader) {
                Ok(()) => {}
                // The reader stands somewhere inside the archive, or there is no room for more.
                Err(problem @ AciError::Archive(_)) if !about_one_entry(&problem) => {
                    return Ok(Some(problem));
                }
                Err(problem) => on_problem(problem)?,
            }
            self.position += 1;
        }
    }

    fn entry<R: BufRead>(&mut self, entry: Entry, reader: &mut Reader<R>) -> Result<(), AciError> {
        let limits = &self.options.limits;
        match Member::parse(&entry.path, limits) {
            Ok(Member::Manifest) => self.manifest_seen = true,
            Ok(Member::Rootfs) => self.rootfs_seen = true,
            _ => {}
        }
        let manifest_before = self.layout.has_manifest();
        let path = self.layout.place(&entry, reader, limits)?;
        if !manifest_before && self.layout.has_manifest() {
            self.manifest_entry = Some(self.listed(b"manifest", &entry)?);
        }
        let Some(path) = path else { return Ok(()) };
        if !self.names.insert(&path) {
            // A second `rootfs` is no error, as upstream; what it says of the root counts as little as
            // the second of other names.
            return match path.is_empty() {
                true => Ok(()),
                false => Err(AciError::Duplicate {
                    entry: [b"rootfs/", path.as_slice()].concat().as_slice().into(),
                }),
            };
        }
        let mut file = self.listed(&path, &entry)?;
        let refuse = |rule| AciError::from(Refusal::new(&entry.path, rule));
        if self.options.digests && entry.kind == EntryKind::File {
            file.digest = Some(digest(&entry, reader, &mut self.content)?);
        }
        self.files.push(file, limits.max_list).map_err(refuse)
    }

    fn listed(&self, path: &[u8], entry: &Entry) -> Result<ListedFile, AciError> {
        let limits = &self.options.limits;
        let kind = match &entry.kind {
            EntryKind::File => FileKind::File,
            EntryKind::HardLink(target) => {
                let target = match Naming::Image.beneath(target, limits) {
                    Ok(Some(beneath)) if !beneath.is_empty() => beneath,
                    Ok(_) | Err(Rule::AbsoluteName | Rule::ParentInName) => {
                        let rule = Rule::LinkOutside(target.as_slice().into());
                        return Err(Refusal::new(&entry.path, rule).into());
                    }
                    Err(rule) => return Err(Refusal::new(&entry.path, rule).into()),
                };
                FileKind::HardLink(target.into())
            }
            EntryKind::Symlink(target) => FileKind::Symlink(target.as_slice().into()),
            EntryKind::Directory => FileKind::Directory,
            EntryKind::CharDevice { major, minor } => FileKind::CharDevice {
                major: *major,
                minor: *minor,
            },
            EntryKind::BlockDevice { major, minor } => FileKind::BlockDevice {
                major: *major,
                minor: *minor,
            },
            EntryKind::Fifo => FileKind::Fifo,
        };
        let mut xattrs = entry.xattrs.clone();
        xattrs.sort();
        Ok(ListedFile {
            path: path.into(),
            kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            size: entry.size,
            xattrs: xattrs.into(),
            digest: None,
            position: self.position,
        })
    }
}

/// Whether a problem concerns one entry alone, after which the next can be read.
fn about_one_entry(problem: &AciError) -> bool {
    let AciError::Archive(crate::tar::TarError::Refused(refusal)) = problem else {
        return false;
    };
    !matches!(refusal.rule, Rule::LargeList(_))
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}
