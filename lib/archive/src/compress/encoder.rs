//! Compression with the same bytes on every run.

use std::fmt;
use std::io::{self, Write};

use bzip2::write::BzEncoder;
use liblzma::write::XzEncoder;

use super::Compression;
use super::gzip::GzipEncoder;

/// Compresses what is written to it; the header names no file, time or operating system.
///
/// Output depends on the version of the compression libraries, which `Cargo.lock` pins, and not on the
/// number of threads or on how the input was divided among calls.
/// [`Encoder::finish`] must be called: dropping an encoder leaves a truncated file.
pub struct Encoder<W: Write>(Inner<W>);

enum Inner<W: Write> {
    Plain(W),
    Gzip(GzipEncoder<W>),
    Bzip2(BzEncoder<W>),
    Xz(XzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// Starts a compressed file on `target`, at the level that each format's own tool takes by default.
    ///
    /// # Errors
    ///
    /// When the compressor cannot be set up, which is for want of memory, or the target fails.
    pub fn new(target: W, compression: Compression) -> io::Result<Self> {
        Self::with_threads(target, compression, 1)
    }

    /// [`Encoder::new`] with up to `threads` threads that compress, where the format lends itself to it,
    /// which is gzip. With 0 or 1 there are none but the caller's.
    ///
    /// # Errors
    ///
    /// As [`Encoder::new`]. Where the system refuses threads there are fewer.
    pub fn with_threads(target: W, compression: Compression, threads: usize) -> io::Result<Self> {
        Ok(Self(match compression {
            Compression::None => Inner::Plain(target),
            Compression::Gzip => Inner::Gzip(GzipEncoder::new(target, threads)?),
            Compression::Bzip2 => Inner::Bzip2(BzEncoder::new(target, bzip2::Compression::best())),
            Compression::Xz => Inner::Xz(XzEncoder::new(target, 6)),
            Compression::Zstd => Inner::Zstd(zstd::stream::write::Encoder::new(target, 3)?),
        }))
    }

    /// Writes the end of the file and gives the target back, unflushed.
    ///
    /// # Errors
    ///
    /// Those of the target.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Inner::Plain(target) => Ok(target),
            Inner::Gzip(encoder) => encoder.finish(),
            Inner::Bzip2(encoder) => encoder.finish(),
            Inner::Xz(encoder) => encoder.finish(),
            Inner::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Plain(target) => target.write(data),
            Inner::Gzip(encoder) => encoder.write(data),
            Inner::Bzip2(encoder) => encoder.write(data),
            Inner::Xz(encoder) => encoder.write(data),
            Inner::Zstd(encoder) => encoder.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Inner::Plain(target) => target.flush(),
            Inner::Gzip(encoder) => encoder.flush(),
            Inner::Bzip2(encoder) => encoder.flush(),
            Inner::Xz(encoder) => encoder.flush(),
            Inner::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl<W: Write> fmt::Debug for Encoder<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Encoder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gzip_header_names_no_file_time_or_system() {
        let mut encoder = Encoder::new(Vec::new(), Compression::Gzip).unwrap();
        encoder.write_all(b"data").unwrap();
        let bytes = encoder.finish().unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}
