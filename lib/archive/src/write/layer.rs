//! Writing a layer of an OCI image: what has changed in a tree.

use std::io::{BufWriter, Write};
use std::os::fd::BorrowedFd;

use super::walk::walk_layer;
use super::{WriteError, WriteOptions, encoder, finish, output};
use crate::aci::STREAM_BUFFER;
use crate::digest::{Sha256, Sha256Writer};
use crate::snapshot::Snapshot;
use crate::tar::END;

/// A layer that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenLayer {
    /// SHA-256 of the uncompressed archive.
    pub diff_id: [u8; 32],
    /// Number of entries.
    pub entries: u64,
}

/// Writes what has changed beneath `rootfs` since `before`: files and directories that are new or different, and
/// whiteouts for those that are gone. With an empty snapshot that is all of it.
///
/// The same changes give the same bytes, as [`write_aci`](super::write_aci) explains. Source: OCI image-spec 1.1,
/// layer.md.
///
/// # Errors
///
/// [`WriteError`]; what was written then is no layer.
pub fn write_layer(
    rootfs: BorrowedFd<'_>,
    before: &Snapshot,
    out: impl Write,
    options: &WriteOptions,
) -> Result<WrittenLayer, WriteError> {
    let hashed = Sha256Writer::new(encoder(out, options)?);
    let mut archive = BufWriter::with_capacity(STREAM_BUFFER, hashed);
    let entries = walk_layer(rootfs, before, &mut archive, options)?;
    archive.write_all(&END).map_err(output)?;
    let hashed = archive
        .into_inner()
        .map_err(|error| output(error.into_error()))?;
    let (encoder, diff_id) = hashed.finish();
    finish(encoder)?;
    Ok(WrittenLayer { diff_id, entries })
}

/// The SHA-256 of what passes through a writer, and how much that is, in bytes.
#[derive(Debug, Default)]
pub struct Counted<W> {
    target: W,
    hash: Sha256,
    length: u64,
}

impl<W: Write> Counted<W> {
    /// Begins with the next byte written.
    pub fn new(target: W) -> Self {
        Self {
            target,
            hash: Sha256::default(),
            length: 0,
        }
    }

    /// The writer, the digest and the length.
    pub fn finish(self) -> (W, [u8; 32], u64) {
        (self.target, self.hash.finish(), self.length)
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let length = self.target.write(data)?;
        self.hash.update(&data[..length]);
        self.length += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.target.flush()
    }
}
