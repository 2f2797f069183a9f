//! Decompression with bounds on output, expansion and memory.

mod xz;
mod zstd_frames;

use std::fmt;
use std::io::{self, Read};
use std::mem;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use gantry_types::{Diagnostic, Kind};

use self::xz::XzStreams;
use self::zstd_frames::ZstdFrames;
use super::input::Input;
use super::{BZIP2, Compression, GZIP, SNIFF_BYTES, sniff};
use crate::limits::Limits;
use crate::tar::is_tar_header;

/// A stream cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes could not be read.
    #[error("cannot read the image file")]
    Read {
        /// Why.
        source: io::Error,
    },
    /// The first bytes are neither a known compression nor a tar archive.
    #[error("unknown image filetype")]
    UnknownType,
    /// The first bytes are a tar header from before POSIX, which the original tools do not take either.
    #[error("unknown image filetype")]
    OldTar,
}

impl Diagnostic for DecodeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::Environment,
            Self::UnknownType | Self::OldTar => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::UnknownType => Some(
                "an image is a POSIX tar archive, plain or compressed with gzip, bzip2, xz or zstd"
                    .to_owned(),
            ),
            Self::OldTar => Some(
                "it looks like a tar archive of the old v7 format; write it with `tar --format=posix`"
                    .to_owned(),
            ),
        }
    }
}

/// A bound of [`Limits`] on decompression was passed. Comes inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// More output than [`Limits::max_output`].
    #[error("uncompressed data exceeds the limit of {limit} bytes")]
    Output {
        /// The limit.
        limit: u64,
    },
    /// More expansion than [`Limits::max_ratio`]: a decompression bomb.
    #[error("data expands more than {limit} times on decompression")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// A window or dictionary larger than [`Limits::decoder_memory`].
    #[error("decompression needs more than {limit} bytes of memory")]
    Memory {
        /// The limit.
        limit: u64,
    },
}

impl LimitError {
    fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }
}

/// A window or dictionary of more bytes than this is large: the output of such a stream counts as a bomb
/// from here on, whatever [`Limits::ratio_floor`] says. Bombs thus fill no more memory with it, and
/// honest streams, which expand by tens, may have what `xz -9` and `zstd --long=26` ask for.
const LARGE_WINDOW: u64 = 32 << 20;

/// Decodes an image file of any known compression.
///
/// Reads the source to its end. As with gzip(1) and bzip2(1), what follows the last member of a gzip or
/// bzip2 file is ignored (zero padding of tapes and blocks, usually) unless it is the beginning of
/// another one; after an xz or zstd stream only what those formats allow may follow. A truncated file is an error of the kind `UnexpectedEof`, except
/// that a plain archive has no end of its own to miss.
pub struct Decoder<R: Read> {
    inner: Inner<R>,
    compression: Compression,
    produced: u64,
    /// The kind of the first error: what comes after one means nothing.
    failed: Option<io::ErrorKind>,
    limits: Limits,
}

enum Inner<R: Read> {
    Plain(Input<R>),
    Gzip(GzDecoder<Input<R>>),
    Bzip2(BzDecoder<Input<R>>),
    Xz(XzStreams<R>),
    Zstd(ZstdFrames<R>),
    Ended,
}

impl<R: Read> Decoder<R> {
    /// Looks at the first bytes of `source` and chooses the decoder.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they cannot be read or are of no known kind.
    pub fn new(source: R, limits: &Limits) -> Result<Self, DecodeError> {
        Self::open(source, limits, false)
    }

    /// As [`Decoder::new`], but takes what it does not know for what it is, uncompressed: somebody else said
    /// that it is a tar archive, and it may be an empty one.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Read`].
    pub fn of_tar(source: R, limits: &Limits) -> Result<Self, DecodeError> {
        Self::open(source, limits, true)
    }

    fn open(source: R, limits: &Limits, is_tar: bool) -> Result<Self, DecodeError> {
        let read = |source| DecodeError::Read { source };
        let mut input = Input::new(source);
        let head = input.peek(SNIFF_BYTES).map_err(read)?;
        let compression = match sniff(head) {
            Some(compression) => compression,
            None if is_tar => Compression::None,
            None if is_tar_header(head) => return Err(DecodeError::OldTar),
            None => return Err(DecodeError::UnknownType),
        };
        let inner = match compression {
            Compression::None => Inner::Plain(input),
            Compression::Gzip => Inner::Gzip(GzDecoder::new(input)),
            Compression::Bzip2 => Inner::Bzip2(BzDecoder::new(input)),
            Compression::Xz => {
                Inner::Xz(XzStreams::new(input, limits.decoder_memory).map_err(read)?)
            }
            Compression::Zstd => {
                Inner::Zstd(ZstdFrames::new(input, limits.decoder_memory).map_err(read)?)
            }
        };
        Ok(Self {
            inner,
            compression,
            produced: 0,
            failed: None,
            limits: limits.clone(),
        })
    }

    /// What was recognised.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn consumed(&self) -> u64 {
        match &self.inner {
            Inner::Plain(input) => input.consumed(),
            Inner::Gzip(decoder) => decoder.get_ref().consumed(),
            Inner::Bzip2(decoder) => decoder.get_ref().consumed(),
            Inner::Xz(decoder) => decoder.get_ref().consumed(),
            Inner::Zstd(decoder) => decoder.get_ref().consumed(),
            Inner::Ended => u64::MAX,
        }
    }

    /// Output that is not held against the ratio.
    fn ratio_floor(&self) -> u64 {
        let large = match &self.inner {
            Inner::Xz(decoder) => decoder.has_large_window(),
            Inner::Zstd(decoder) => decoder.has_large_window(),
            Inner::Plain(_) | Inner::Gzip(_) | Inner::Bzip2(_) | Inner::Ended => false,
        };
        match large {
            true => self.limits.ratio_floor.min(LARGE_WINDOW),
            false => self.limits.ratio_floor,
        }
    }

    fn read_member(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(input) => input.read(buffer),
            Inner::Gzip(decoder) => decoder.read(buffer),
            Inner::Bzip2(decoder) => decoder.read(buffer),
            Inner::Xz(decoder) => decoder.read(buffer),
            Inner::Zstd(decoder) => decoder.read(buffer),
            Inner::Ended => Ok(0),
        }
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.read_member(buffer)?;
            if length > 0 {
                self.produced += length as u64;
                self.check_limits()?;
                return Ok(length);
            }
            self.next_member()?;
            if matches!(self.inner, Inner::Ended | Inner::Plain(_)) {
                return Ok(0);
            }
        }
    }

    /// Called at the end of a member: starts the next one, or reads the source to its end.
    fn next_member(&mut self) -> io::Result<()> {
        let mut input = match mem::replace(&mut self.inner, Inner::Ended) {
            Inner::Gzip(decoder) => decoder.into_inner(),
            Inner::Bzip2(decoder) => decoder.into_inner(),
            Inner::Xz(decoder) => decoder.into_inner(),
            Inner::Zstd(decoder) => decoder.into_inner(),
            Inner::Plain(_) | Inner::Ended => return Ok(()),
        };
        match self.compression {
            Compression::Gzip if is_gzip_member(input.peek(GZIP.len())?) => {
                self.inner = Inner::Gzip(GzDecoder::new(input));
            }
            Compression::Bzip2 if is_bzip2_member(input.peek(BZIP2.len() + 1)?) => {
                self.inner = Inner::Bzip2(BzDecoder::new(input));
            }
            _ => input.drain()?,
        }
        Ok(())
    }

    fn check_limits(&self) -> io::Result<()> {
        let limits = &self.limits;
        let error = if self.produced > limits.max_output {
            LimitError::Output {
                limit: limits.max_output,
            }
        } else if self.produced > self.ratio_floor()
            && self.produced / limits.max_ratio.max(1) > self.consumed()
        {
            LimitError::Ratio {
                limit: limits.max_ratio,
            }
        } else {
            return Ok(());
        };
        Err(error.into_io())
    }
}

/// Whether gzip(1) takes these two bytes, or the only one there is, for the beginning of another member;
/// anything else it ignores.
fn is_gzip_member(head: &[u8]) -> bool {
    !head.is_empty() && GZIP.starts_with(head)
}

/// Whether bzip2(1) takes these four bytes, or fewer at the end of the file, for the beginning of another
/// member, so that what is wrong with it is an error; anything else it ignores.
fn is_bzip2_member(head: &[u8]) -> bool {
    let (magic, level) = head.split_at(head.len().min(BZIP2.len()));
    !head.is_empty()
        && BZIP2.starts_with(magic)
        && level
            .first()
            .is_none_or(|level| matches!(level, b'1'..=b'9'))
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(kind) = self.failed {
            // Some decoders must not be asked again: bzip2's panics.
            return Err(io::Error::new(kind, "decompression has failed before"));
        }
        let outcome = self.read_on(buffer);
        self.failed = outcome.as_ref().err().map(io::Error::kind);
        outcome
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("compression", &self.compression)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
