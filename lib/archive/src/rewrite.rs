//! Copying an image with another manifest in it.

mod tape;

use std::fmt;
use std::io::{self, BufReader, BufWriter, Read, Write};

use gantry_types::{Diagnostic, Kind};

use crate::aci::{AciError, STREAM_BUFFER, read_manifest_entry};
use crate::compress::{Compression, Decoder, Encoder};
use crate::limits::Limits;
use crate::member::Member;
use crate::refusal::{Refusal, Rule};
use crate::room;
use crate::tar::{END, Reader, TarError, data_padding, padding, resize};
pub use tape::HeadersError;
use tape::Tape;

/// An image could not be copied with another manifest; `E` is why the manifest could not be made.
#[derive(Debug)]
pub enum RewriteError<E> {
    /// The image cannot be read, or has no manifest.
    Image(AciError),
    /// The new manifest could not be made of the old one.
    Manifest(E),
    /// The copy could not be written.
    Output {
        /// Why.
        source: io::Error,
    },
}

impl<E: fmt::Display> fmt::Display for RewriteError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(formatter),
            Self::Manifest(error) => error.fmt(formatter),
            Self::Output { .. } => formatter.write_str("cannot write the image"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for RewriteError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Image(error) => error.source(),
            Self::Manifest(error) => error.source(),
            Self::Output { source } => Some(source),
        }
    }
}

impl<E: Diagnostic> Diagnostic for RewriteError<E> {
    fn kind(&self) -> Kind {
        match self {
            Self::Image(error) => error.kind(),
            Self::Manifest(error) => error.kind(),
            Self::Output { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::Output { source } => room::hint(source),
        }
    }
}

impl<E> From<AciError> for RewriteError<E> {
    fn from(error: AciError) -> Self {
        Self::Image(error)
    }
}

impl<E> From<TarError> for RewriteError<E> {
    fn from(error: TarError) -> Self {
        Self::Image(error.into())
    }
}

/// How a copy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RewriteOptions {
    /// Compression of the copy; `None` for that of the source.
    pub compression: Option<Compression>,
    /// Most threads that compress; the bytes do not depend on it. 0 counts as 1.
    pub threads: usize,
}

/// Copies an image from `source` to `out`, with `edit`'s answer in place of its manifest.
///
/// Every other entry is copied as it stands: header blocks of whatever format, extension headers, sparse
/// maps, data and padding, byte for byte. The manifest keeps its place and its headers, in which only the
/// size changes. What follows the end marker is dropped, and the marker is written whole. The copy has the
/// compression of the source unless `options` say otherwise. `out` is not flushed.
///
/// Memory is bounded however large the image is.
///
/// # Errors
///
/// [`RewriteError`]; what was written then is no image. An image without a manifest, or with two, is
/// refused.
pub fn replace_manifest<E>(
    source: impl Read,
    out: impl Write,
    options: RewriteOptions,
    edit: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<(), RewriteError<E>> {
    replace_manifest_with(source, out, options, &Limits::default(), edit)
}

/// [`replace_manifest`] with limits of the caller's choice.
///
/// # Errors
///
/// As [`replace_manifest`].
pub fn replace_manifest_with<E>(
    source: impl Read,
    out: impl Write,
    options: RewriteOptions,
    limits: &Limits,
    edit: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<(), RewriteError<E>> {
    let decoder = Decoder::new(source, limits).map_err(AciError::from)?;
    let compression = options.compression.unwrap_or(decoder.compression());
    let tape = Tape::new(BufReader::with_capacity(STREAM_BUFFER, decoder));
    let threads = options.threads.max(1);
    let encoder = Encoder::with_threads(out, compression, threads).map_err(output)?;
    let mut copy = Copy {
        reader: Reader::new(tape, limits),
        archive: BufWriter::with_capacity(STREAM_BUFFER, encoder),
        lead: 0,
        skip: 0,
    };
    let mut edit = Some(edit);
    while let Some(entry) = copy.reader.next_entry()? {
        let refuse = |rule: Rule| AciError::from(Refusal::new(&entry.path, rule));
        if Member::parse(&entry.path, limits).map_err(refuse)? != Member::Manifest {
            copy.entry()?;
            continue;
        }
        let Some(edit) = edit.take() else {
            let entry = b"manifest".as_slice().into();
            return Err(AciError::Duplicate { entry }.into());
        };
        let headers = copy.headers()?;
        let stored = read_manifest_entry(&entry, &mut copy.reader, limits)?;
        let manifest = edit(&stored).map_err(RewriteError::Manifest)?;
        let size = manifest.len() as u64;
        if size > limits.max_manifest {
            return Err(refuse(Rule::LargeManifest(limits.max_manifest)).into());
        }
        let headers = resize(&headers, size).ok_or_else(|| refuse(Rule::BadNumber("size")))?;
        for part in [&headers, &manifest, data_padding(size)] {
            copy.archive.write_all(part).map_err(output)?;
        }
        // The old manifest, and its padding, which comes before the next header.
        drop(copy.reader.source_mut().take());
        copy.lead = 0;
        copy.skip = data_padding(stored.len() as u64).len();
    }
    if edit.is_some() {
        return Err(AciError::ManifestMissing.into());
    }
    copy.finish()
}

/// A copy under way. What the tape has kept begins with what follows the data of the last entry.
struct Copy<R: io::BufRead, W: Write> {
    reader: Reader<Tape<R>>,
    archive: BufWriter<Encoder<W>>,
    /// Bytes of padding at the start of what is kept, to be copied.
    lead: usize,
    /// The same, to be dropped.
    skip: usize,
}

impl<R: io::BufRead, W: Write> Copy<R, W> {
    /// Copies the padding of the entry before; gives the headers of the one that was just read.
    fn headers<E>(&mut self) -> Result<Vec<u8>, RewriteError<E>> {
        let mut kept = self.reader.source_mut().take();
        kept.drain(..std::mem::take(&mut self.skip).min(kept.len()));
        let lead = std::mem::take(&mut self.lead).min(kept.len());
        self.archive.write_all(&kept[..lead]).map_err(output)?;
        kept.drain(..lead);
        Ok(kept)
    }

    /// Copies an entry as it is.
    fn entry<E>(&mut self) -> Result<(), RewriteError<E>> {
        let headers = self.headers()?;
        self.archive.write_all(&headers).map_err(output)?;
        self.reader.source_mut().keep(false);
        let mut copied = 0;
        loop {
            let data = self.reader.fill_data()?;
            if data.is_empty() {
                break;
            }
            self.archive.write_all(data).map_err(output)?;
            let length = data.len();
            self.reader.consume_data(length);
            copied += length as u64;
        }
        self.reader.source_mut().keep(true);
        // A sparse map in the data has passed already, but it fills whole blocks.
        self.lead = usize::try_from(padding(copied)).unwrap_or(0);
        Ok(())
    }

    /// Writes the end marker, and reads the source to its end: its checksum comes last.
    fn finish<E>(mut self) -> Result<(), RewriteError<E>> {
        self.headers()?;
        self.archive.write_all(&END).map_err(output)?;
        self.reader.source_mut().keep(false);
        self.reader.finish()?;
        let encoder = self.archive.into_inner();
        let encoder = encoder.map_err(|error| output(error.into_error()))?;
        encoder.finish().map_err(output)?;
        Ok(())
    }
}

fn output<E>(source: io::Error) -> RewriteError<E> {
    RewriteError::Output { source }
}

#[cfg(test)]
mod tests;
