//! Decompression with bounds on output, expansion and memory.

use std::fmt;
use std::io::{self, Read};
use std::mem;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use gantry_types::{Diagnostic, Kind};
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::input::Input;
use super::{BZIP2, Compression, GZIP, SNIFF_BYTES, sniff};
use crate::limits::Limits;

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
}

impl Diagnostic for DecodeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::Environment,
            Self::UnknownType => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::UnknownType => Some(
                "an image is a POSIX tar archive, plain or compressed with gzip, bzip2, xz or zstd"
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
}

/// Decodes an image file of any known compression.
///
/// Reads the source to its end. As with gzip(1) and bzip2(1), what follows the last member of a gzip or
/// bzip2 file is ignored (zero padding of tapes and blocks, usually); after an xz or zstd stream only
/// what those formats allow may follow. A truncated file is an error of the kind `UnexpectedEof`, except
/// that a plain archive has no end of its own to miss.
pub struct Decoder<R: Read> {
    inner: Inner<R>,
    compression: Compression,
    produced: u64,
    limits: Limits,
}

enum Inner<R: Read> {
    Plain(Input<R>),
    Gzip(GzDecoder<Input<R>>),
    Bzip2(BzDecoder<Input<R>>),
    Xz(XzDecoder<Input<R>>),
    Zstd(zstd::stream::read::Decoder<'static, Input<R>>),
    Ended,
}

impl<R: Read> Decoder<R> {
    /// Looks at the first bytes of `source` and chooses the decoder.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they cannot be read or are of no known kind.
    pub fn new(source: R, limits: &Limits) -> Result<Self, DecodeError> {
        let read = |source| DecodeError::Read { source };
        let mut input = Input::new(source);
        let head = input.peek(SNIFF_BYTES).map_err(read)?;
        let compression = sniff(head).ok_or(DecodeError::UnknownType)?;
        let inner = match compression {
            Compression::None => Inner::Plain(input),
            Compression::Gzip => Inner::Gzip(GzDecoder::new(input)),
            Compression::Bzip2 => Inner::Bzip2(BzDecoder::new(input)),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(limits.decoder_memory, CONCATENATED)
                    .map_err(io::Error::from)
                    .map_err(read)?;
                Inner::Xz(XzDecoder::new_stream(input, stream))
            }
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(read)?;
                let window_log = limits.decoder_memory.max(1).ilog2();
                decoder.window_log_max(window_log).map_err(read)?;
                Inner::Zstd(decoder)
            }
        };
        Ok(Self {
            inner,
            compression,
            produced: 0,
            limits: limits.clone(),
        })
    }

    /// What was recognised.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn consumed(&self) -> u64 {
        match &self.inner {
            Inner::Plain(input) => input.total(),
            Inner::Gzip(decoder) => decoder.get_ref().total(),
            Inner::Bzip2(decoder) => decoder.get_ref().total(),
            Inner::Xz(decoder) => decoder.get_ref().total(),
            Inner::Zstd(decoder) => decoder.get_ref().total(),
            Inner::Ended => u64::MAX,
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

    /// Called at the end of a member: starts the next one, or reads the source to its end.
    fn next_member(&mut self) -> io::Result<()> {
        let mut input = match mem::replace(&mut self.inner, Inner::Ended) {
            Inner::Gzip(decoder) => decoder.into_inner(),
            Inner::Bzip2(decoder) => decoder.into_inner(),
            Inner::Xz(decoder) => decoder.into_inner(),
            Inner::Zstd(decoder) => decoder.finish(),
            Inner::Plain(_) | Inner::Ended => return Ok(()),
        };
        match self.compression {
            Compression::Gzip if input.peek(GZIP.len())? == GZIP => {
                self.inner = Inner::Gzip(GzDecoder::new(input));
            }
            Compression::Bzip2 if input.peek(BZIP2.len())? == BZIP2 => {
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
        } else if self.produced > limits.ratio_floor
            && self.produced / limits.max_ratio.max(1) > self.consumed()
        {
            LimitError::Ratio {
                limit: limits.max_ratio,
            }
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
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
mod tests {
    use super::super::Encoder;
    use super::*;
    use std::io::Write;

    const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Zstd,
    ];

    /// Bytes with the tar magic in its place, so that they are recognised uncompressed too.
    fn sample() -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..100_000_u32)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        bytes[257..262].copy_from_slice(b"ustar");
        bytes
    }

    fn encode(compression: Compression, data: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), compression).unwrap();
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(data: &[u8], limits: &Limits) -> io::Result<Vec<u8>> {
        let mut decoder = Decoder::new(data, limits).map_err(io::Error::other)?;
        let mut output = Vec::new();
        decoder.read_to_end(&mut output)?;
        Ok(output)
    }

    #[test]
    fn every_compression_gives_the_bytes_back() {
        let data = sample();
        for compression in ALL {
            let encoded = encode(compression, &data);
            assert_eq!(sniff(&encoded), Some(compression));
            assert!(
                decode(&encoded, &Limits::default()).unwrap() == data,
                "{compression:?}"
            );
        }
    }

    #[test]
    fn members_one_after_the_other_are_one_stream() {
        let data = sample();
        let (first, second) = data.split_at(33_333);
        for compression in ALL.into_iter().skip(1) {
            let encoded = [encode(compression, first), encode(compression, second)].concat();
            assert!(
                decode(&encoded, &Limits::default()).unwrap() == data,
                "{compression:?}"
            );
        }
    }

    #[test]
    fn what_follows_a_gzip_or_bzip2_file_is_ignored_as_its_own_tool_does() {
        let data = sample();
        for compression in [Compression::Gzip, Compression::Bzip2] {
            for tail in [
                vec![0; 1],
                vec![0; 10_240],
                b"garbage".to_vec(),
                b"\x1f".to_vec(),
            ] {
                let encoded = [encode(compression, &data), tail].concat();
                let mut source = encoded.as_slice();
                let mut decoder = Decoder::new(&mut source, &Limits::default()).unwrap();
                let mut output = Vec::new();
                decoder.read_to_end(&mut output).unwrap();
                assert!(output == data);
                assert_eq!(decoder.read(&mut [0; 8]).unwrap(), 0);
                drop(decoder);
                assert!(source.is_empty(), "the source is read to its end");
            }
        }
    }

    #[test]
    fn trailing_garbage_after_xz_and_zstd_is_an_error() {
        for compression in [Compression::Xz, Compression::Zstd] {
            let encoded = [encode(compression, &sample()), b"garbage".to_vec()].concat();
            assert!(
                decode(&encoded, &Limits::default()).is_err(),
                "{compression:?}"
            );
        }
        let padded = [encode(Compression::Xz, &sample()), vec![0; 8]].concat();
        assert!(
            decode(&padded, &Limits::default()).is_ok(),
            "xz stream padding"
        );
    }

    #[test]
    fn a_truncated_file_is_an_error_wherever_it_is_cut() {
        let data = sample();
        for compression in ALL.into_iter().skip(1) {
            let encoded = encode(compression, &data[..700]);
            for length in 6..encoded.len() {
                let cut = decode(&encoded[..length], &Limits::default());
                assert!(
                    cut.is_err(),
                    "{compression:?} cut at {length} of {}",
                    encoded.len()
                );
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_checked_data_is_an_error() {
        for compression in [Compression::Gzip, Compression::Bzip2, Compression::Xz] {
            let mut encoded = encode(compression, &sample());
            let middle = encoded.len() / 2;
            encoded[middle] ^= 0x10;
            assert!(
                decode(&encoded, &Limits::default()).is_err(),
                "{compression:?}"
            );
        }
    }

    #[test]
    fn output_and_expansion_are_bounded() {
        let mut zeros = vec![0; 8 << 20];
        zeros[257..262].copy_from_slice(b"ustar");
        let limit_of = |error: io::Error| {
            *error
                .get_ref()
                .unwrap()
                .downcast_ref::<LimitError>()
                .unwrap()
        };
        for compression in ALL {
            let limits = Limits {
                max_output: 1 << 20,
                ..Limits::default()
            };
            let error = decode(&encode(compression, &zeros), &limits).unwrap_err();
            assert_eq!(limit_of(error), LimitError::Output { limit: 1 << 20 });
        }
        for compression in ALL.into_iter().skip(1) {
            let limits = Limits {
                max_ratio: 100,
                ratio_floor: 1 << 20,
                ..Limits::default()
            };
            let error = decode(&encode(compression, &zeros), &limits).unwrap_err();
            assert_eq!(limit_of(error), LimitError::Ratio { limit: 100 });
            let limits = Limits {
                max_ratio: 100,
                ..Limits::default()
            };
            assert!(
                decode(&encode(compression, &zeros), &limits).is_ok(),
                "below the floor"
            );
        }
    }

    #[test]
    fn memory_for_windows_is_bounded() {
        let limits = Limits {
            decoder_memory: 64 << 10,
            ..Limits::default()
        };
        for compression in [Compression::Xz, Compression::Zstd] {
            let encoded = encode(compression, &vec![7; 4 << 20]);
            assert!(decode(&encoded, &limits).is_err(), "{compression:?}");
        }
    }

    #[test]
    fn an_unknown_file_is_refused_in_the_words_of_the_original() {
        for data in [&b""[..], b"{}", &[0; 1024]] {
            let error = Decoder::new(data, &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), "unknown image filetype");
        }
    }
}
