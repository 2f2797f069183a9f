//! What there is at a path, and what it is taken for.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use gantry_archive::compress::{self, DecodeError, SNIFF_BYTES};

use crate::input::open_input;

use super::{LayoutError, Subject, ValidateError};
use crate::layout::read_manifest;

/// A file whose beginning was looked at. It may be a pipe.
#[derive(Debug)]
pub(super) struct Source {
    head: Vec<u8>,
    /// How much of `head` was read again.
    taken: usize,
    file: File,
}

/// What is to be checked, and what it is taken for.
#[derive(Debug)]
pub(super) enum Target {
    /// A directory.
    Layout,
    /// The text of a manifest, cut one byte beyond the limit.
    Manifest(Vec<u8>),
    /// An image file.
    Image(Source),
}

impl Target {
    /// Looks at what there is at `path`. The order of the checks is that of the original.
    pub(super) fn find(path: &Path, subject: Option<Subject>) -> Result<Self, ValidateError> {
        let inaccessible = |source| ValidateError::Access {
            path: path.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(inaccessible)?;
        if metadata.is_dir() {
            return match subject {
                None | Some(Subject::Layout) => Ok(Self::Layout),
                Some(Subject::Image | Subject::Manifest) => Err(ValidateError::Directory {
                    path: path.to_owned(),
                }),
            };
        }
        let unreadable = |source| ValidateError::Open {
            path: path.to_owned(),
            source,
        };
        let mut source = Source::open(path).map_err(unreadable)?;
        let looks = || source.looks_like();
        match subject.or_else(looks) {
            Some(Subject::Layout) => Err(ValidateError::Layout {
                path: path.to_owned(),
                source: LayoutError::NotADirectory {
                    path: path.to_owned(),
                },
            }),
            Some(Subject::Manifest) => {
                let text = read_manifest(&mut source).map_err(unreadable)?;
                Ok(Self::Manifest(text))
            }
            Some(Subject::Image) => Ok(Self::Image(source)),
            None => Err(ValidateError::Unknown {
                path: path.to_owned(),
            }),
        }
    }
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = open_input(path)?;
        let mut head = Vec::with_capacity(SNIFF_BYTES);
        file.by_ref()
            .take(SNIFF_BYTES as u64)
            .read_to_end(&mut head)?;
        Ok(Self {
            head,
            taken: 0,
            file,
        })
    }

    fn looks_like(&self) -> Option<Subject> {
        if compress::sniff(&self.head).is_some() {
            Some(Subject::Image)
        } else if compress::looks_like_text(&self.head) {
            Some(Subject::Manifest)
        } else {
            None
        }
    }

    /// Checks that what begins like a gzip file has a gzip header: the original tells that apart from what
    /// is wrong further on, and stops at it. Source: RFC 1952, 2.3.
    pub(super) fn check_header(&self) -> Result<(), DecodeError> {
        let flaw = match self.head.get(2) {
            _ if !self.head.starts_with(b"\x1f\x8b") => return Ok(()),
            Some(8) if self.head.len() >= 10 => return Ok(()),
            Some(8) | None => io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"),
            Some(_) => io::Error::new(io::ErrorKind::InvalidData, "invalid gzip header"),
        };
        Err(DecodeError::Read { source: flaw })
    }

    /// Goes back to the beginning; `false` for a pipe.
    pub(super) fn rewind(&mut self) -> bool {
        let back = self
            .file
            .seek(SeekFrom::Start(self.head.len() as u64))
            .is_ok();
        if back {
            self.taken = 0;
        }
        back
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = &self.head[self.taken..];
        if head.is_empty() {
            return self.file.read(buffer);
        }
        let length = head.len().min(buffer.len());
        buffer[..length].copy_from_slice(&head[..length]);
        self.taken += length;
        Ok(length)
    }
}
