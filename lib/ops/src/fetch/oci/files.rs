//! Files that hold images, read with a bound.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gantry_types::MAX_MANIFEST_BYTES;
use rustix::fs::OFlags;

use super::SourceError;

/// Opens a regular file, without waiting for the other end of a FIFO.
pub(super) fn open(path: &Path) -> Result<File, SourceError> {
    let read = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(read)?;
    match file.metadata().map_err(read)?.is_file() {
        true => Ok(file),
        false => Err(read(io::Error::other("not a regular file"))),
    }
}

/// Reads a document to its end, or fails where it is larger than any may be.
pub(super) fn read_document(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_MANIFEST_BYTES as u64;
    source.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is larger than {most} bytes"),
        )),
        false => Ok(bytes),
    }
}

/// Reads a document from a file.
pub(super) fn document(path: &Path) -> Result<Vec<u8>, SourceError> {
    read_document(open(path)?).map_err(|source| SourceError::Read {
        path: path.to_owned(),
        source,
    })
}
