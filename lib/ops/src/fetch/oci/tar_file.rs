//! An archive whose members are read in any order.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use gantry_archive::compress::{Compression, Decoder};
use gantry_archive::limits::Limits;
use gantry_archive::tar::{EntryKind, Reader};

use super::SourceError;
use super::files;

/// Buffer for the headers, in bytes.
const BUFFER: usize = 128 << 10;

/// A tar file, and where its members lie.
#[derive(Debug)]
pub(super) struct TarFile {
    file: File,
    path: PathBuf,
    members: HashMap<String, Member>,
}

/// Where a regular file lies in an archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    offset: u64,
    pub(super) size: u64,
}

impl TarFile {
    /// Opens an archive and finds its members. One that is compressed is decompressed to a file without a name in
    /// `scratch`, since its members are needed in another order than they have.
    pub(super) fn open(path: &Path, scratch: &Path) -> Result<Self, SourceError> {
        let read = |source| SourceError::Read {
            path: path.to_owned(),
            source,
        };
        let limits = Limits::default();
        let file = files::open(path)?;
        let copy = file.try_clone().map_err(read)?;
        let mut decoder = Decoder::new(copy, &limits).map_err(|source| SourceError::Format {
            path: path.to_owned(),
            format: "archive",
            reason: source.to_string(),
        })?;
        let file = match decoder.compression() {
            Compression::None => file,
            _ => {
                let mut plain = tempfile::tempfile_in(scratch).map_err(read)?;
                io::copy(&mut decoder, &mut plain).map_err(read)?;
                plain
            }
        };
        let members = members(&file, &limits).map_err(|reason| SourceError::Format {
            path: path.to_owned(),
            format: "archive",
            reason,
        })?;
        Ok(Self {
            file,
            path: path.to_owned(),
            members,
        })
    }

    /// Path of the archive.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The member of this name.
    pub(super) fn member(&self, name: &str) -> Option<Member> {
        self.members.get(name).copied()
    }

    /// Reads a member from its byte `from` on.
    pub(super) fn reader(&self, member: Member, from: u64) -> MemberReader<'_> {
        let from = from.min(member.size);
        MemberReader {
            file: &self.file,
            offset: member.offset + from,
            left: member.size - from,
        }
    }

    /// Reads a small member, which an archive of the format has.
    pub(super) fn document(
        &self,
        name: &str,
        format: &'static str,
    ) -> Result<Vec<u8>, SourceError> {
        let member = self.member(name).ok_or_else(|| SourceError::Format {
            path: self.path.clone(),
            format,
            reason: format!("it has no {name}"),
        })?;
        files::read_document(self.reader(member, 0)).map_err(|source| SourceError::Read {
            path: self.path.join(name),
            source,
        })
    }
}

/// Where the regular files of an archive lie, by name; links to them count as them.
fn members(file: &File, limits: &Limits) -> Result<HashMap<String, Member>, String> {
    let start = MemberReader {
        file,
        offset: 0,
        left: u64::MAX,
    };
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER, start), limits);
    let mut members = HashMap::new();
    let mut links = Vec::new();
    loop {
        let entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(error) => return Err(error.to_string()),
        };
        let name = clean(&String::from_utf8_lossy(&entry.path));
        match entry.kind {
            EntryKind::File if entry.sparse.is_none() => {
                let member = Member {
                    offset: reader.position(),
                    size: entry.size,
                };
                members.insert(name, member);
            }
            // Docker wrote a layer that two images share once, and links to it.
            EntryKind::HardLink(target) => {
                links.push((name, clean(&String::from_utf8_lossy(&target))));
            }
            EntryKind::Symlink(target) => {
                let target = String::from_utf8_lossy(&target).into_owned();
                let directory = name.rsplit_once('/').map_or("", |(above, _)| above);
                links.push((name.clone(), clean(&format!("{directory}/{target}"))));
            }
            _ => {}
        }
    }
    for (name, target) in links {
        if let Some(member) = members.get(&target).copied() {
            members.entry(name).or_insert(member);
        }
    }
    Ok(members)
}

/// A name without `.`, `..` and doubled slashes; it is looked up in a table only.
fn clean(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Reads a part of a file by position, so that several threads can.
#[derive(Debug)]
pub(super) struct MemberReader<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl Read for MemberReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let length = self.file.read_at(&mut buffer[..most], self.offset)?;
        self.offset += length as u64;
        self.left -= length as u64;
        Ok(length)
    }
}
