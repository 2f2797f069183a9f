//! Which parts of a file are stored, and which are zeros that become holes again.
//!
//! What is zero is found by looking at the content: where a file system has holes depends on the file
//! system and on how the file came there, and two copies of a tree have to give the same archive.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::tar::Extent;

/// Zeros are left out by whole chunks of this size, in bytes, counted from the start of the file.
///
/// Large enough that ordinary files are stored as every tar program does it, and small beside a disk
/// image.
const CHUNK: u64 = 1 << 20;

/// Bytes that are looked at first: few chunks begin with so many zeros and hold something else.
const PROBE: usize = 4096;

/// Extents that one map may have. More are joined with the zeros between them, so that every reader
/// takes the archive. Source: `Limits::max_extents`.
const MAX_EXTENTS: usize = 100_000;

/// The stored parts of a file, or `None` if it has no chunk of zeros. `buffer` is for scratch.
pub(super) fn map(file: &File, size: u64, buffer: &mut [u8]) -> io::Result<Option<Vec<Extent>>> {
    let mut extents: Vec<Extent> = Vec::new();
    let mut stored = 0;
    let mut offset = 0;
    while offset + CHUNK <= size {
        if is_zero(file, offset, buffer)? {
            offset = next_data(file, offset + CHUNK, size)?;
            continue;
        }
        push(&mut extents, offset, CHUNK);
        stored += CHUNK;
        offset += CHUNK;
    }
    if offset < size {
        push(&mut extents, offset, size - offset);
        stored += size - offset;
    }
    Ok((stored < size).then_some(extents))
}

fn push(extents: &mut Vec<Extent>, offset: u64, length: u64) {
    let full = extents.len() == MAX_EXTENTS;
    match extents.last_mut() {
        Some(last) if last.offset + last.length == offset || full => {
            last.length = offset + length - last.offset;
        }
        _ => extents.push(Extent { offset, length }),
    }
}

/// The first chunk from `offset` on that the file system does not know to be a hole.
///
/// This only saves reading zeros that are not stored anywhere; what it skips is zero in any case.
fn next_data(file: &File, offset: u64, size: u64) -> io::Result<u64> {
    // The last chunk may be a short one, which is always stored.
    let last = size / CHUNK * CHUNK;
    match rustix::fs::seek(file.as_fd(), SeekFrom::Data(offset)) {
        Ok(data) => Ok((data / CHUNK * CHUNK).clamp(offset, last.max(offset))),
        // Nothing but holes from here to the end.
        Err(Errno::NXIO) => Ok(last.max(offset)),
        // A file system without the call has no holes to tell of.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(offset),
        Err(error) => Err(error.into()),
    }
}

/// Whether the chunk at `offset` is nothing but zeros; one that is cut short is not.
fn is_zero(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
    let mut done = 0;
    let mut wanted = PROBE.min(buffer.len());
    while done < CHUNK {
        let left = usize::try_from(CHUNK - done).unwrap_or(usize::MAX);
        let part = &mut buffer[..wanted.min(left)];
        match file.read_at(part, offset + done) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(false),
            Ok(length) if part[..length].iter().any(|byte| *byte != 0) => return Ok(false),
            Ok(length) => {
                done += length as u64;
                wanted = buffer.len();
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = CHUNK;

    fn map_of(parts: &[(u64, &[u8])], size: u64) -> Option<Vec<(u64, u64)>> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(size).unwrap();
        for (offset, data) in parts {
            file.write_all_at(data, *offset).unwrap();
        }
        let map = map(&file, size, &mut vec![0; 64 << 10]).unwrap()?;
        Some(map.iter().map(|e| (e.offset, e.length)).collect())
    }

    #[test]
    fn whole_chunks_of_zeros_are_left_out() {
        for (parts, size, expected) in [
            (&[][..], 0, None),
            (&[], MIB - 1, None),
            (&[], MIB, Some(vec![])),
            (&[], MIB + 5, Some(vec![(MIB, 5)])),
            (&[(0, &b"x"[..])], 2 * MIB, Some(vec![(0, MIB)])),
            (&[(MIB - 1, &b"xy"[..])], 2 * MIB, None),
            (
                &[(2 * MIB - 1, &b"x"[..]), (7 * MIB, b"x")],
                8 * MIB + 100,
                Some(vec![(MIB, MIB), (7 * MIB, MIB + 100)]),
            ),
            (&[(0, &b"x"[..])], 1 << 40, Some(vec![(0, MIB)])),
        ] {
            assert_eq!(map_of(parts, size), expected, "{parts:?} {size}");
        }
    }

    #[test]
    fn zeros_on_disk_are_like_holes() {
        let zeros = vec![0; 3 << 20];
        let parts = [(0, &b"begin"[..]), (MIB, &zeros), (5 * MIB, b"end")];
        assert_eq!(
            map_of(&parts, 6 * MIB),
            Some(vec![(0, MIB), (5 * MIB, MIB)])
        );
        assert_eq!(
            map_of(&[parts[0], parts[2]], 6 * MIB),
            map_of(&parts, 6 * MIB)
        );
    }

    #[test]
    fn a_map_stays_within_what_readers_take() {
        let mut extents = Vec::new();
        for number in 0..MAX_EXTENTS as u64 + 10 {
            push(&mut extents, number * 2 * CHUNK, CHUNK);
        }
        assert_eq!(extents.len(), MAX_EXTENTS);
        let last = extents[MAX_EXTENTS - 1];
        let end = (MAX_EXTENTS as u64 + 9) * 2 * CHUNK + CHUNK;
        assert_eq!(last.offset + last.length, end);
    }
}
