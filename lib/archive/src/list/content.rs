//! The digest of one file's content.

use std::io::BufRead;

use crate::digest::Sha256;
use crate::refusal::{Refusal, Rule};
use crate::tar::{Entry, Reader, TarError};

/// Zeros for holes.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// What the digests of one archive may still cost.
///
/// A hole takes no room in an archive and as much time as any other bytes to hash.
pub(super) struct Content {
    limit: u64,
    holes_left: u64,
}

impl Content {
    pub(super) fn new(max_holes: u64) -> Self {
        Self {
            limit: max_holes,
            holes_left: max_holes,
        }
    }
}

/// Hashes the content of the file that `reader` stands at, holes as zeros.
pub(super) fn digest<R: BufRead>(
    entry: &Entry,
    reader: &mut Reader<R>,
    content: &mut Content,
) -> Result<[u8; 32], TarError> {
    let mut hash = Sha256::default();
    let Some(extents) = &entry.sparse else {
        hash_data(reader, entry.size, &mut hash)?;
        return Ok(hash.finish());
    };
    let stored: u64 = extents.iter().map(|extent| extent.length).sum();
    let holes = entry.size.saturating_sub(stored);
    content.holes_left = match content.holes_left.checked_sub(holes) {
        Some(left) => left,
        None => return Err(Refusal::new(&entry.path, Rule::LargeHoles(content.limit)).into()),
    };
    let mut at = 0;
    for extent in extents {
        hash_zeros(extent.offset.saturating_sub(at), &mut hash);
        hash_data(reader, extent.length, &mut hash)?;
        at = extent.offset + extent.length;
    }
    hash_zeros(entry.size.saturating_sub(at), &mut hash);
    Ok(hash.finish())
}

fn hash_data<R: BufRead>(
    reader: &mut Reader<R>,
    mut left: u64,
    hash: &mut Sha256,
) -> Result<(), TarError> {
    while left > 0 {
        let data = reader.fill_data()?;
        let length = usize::try_from(left).map_or(data.len(), |left| left.min(data.len()));
        if length == 0 {
            // The map of a sparse file was checked against its data.
            break;
        }
        hash.update(&data[..length]);
        left -= length as u64;
        reader.consume_data(length);
    }
    Ok(())
}

fn hash_zeros(mut left: u64, hash: &mut Sha256) {
    while left > 0 {
        let length = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        hash.update(&ZEROS[..length]);
        left -= length as u64;
    }
}
