//! Headers of an entry as they stand in an archive, made to announce another size.

use super::header::{CHECKSUM, Header, checksums};
use super::{BLOCK, number, padding, pax};

/// Gives the header blocks of an entry with another size of its data; whatever else they say stays.
///
/// `blocks` are those that a [`super::Reader`] has accepted for an entry without a sparse map: extension
/// headers with their data, then the header itself. A PAX record of the size is changed where there is one.
/// `None` if they are not that, or the size does not fit the eleven digits of a header.
pub(crate) fn resize(blocks: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut resized = Vec::with_capacity(blocks.len() + BLOCK);
    let mut rest = blocks;
    loop {
        let (block, after) = rest.split_first_chunk::<BLOCK>()?;
        let header = Header::new(block)?;
        let flag = header.type_flag();
        if !matches!(flag, b'x' | b'g' | b'L' | b'K') {
            resized.extend_from_slice(&with_size(block, size)?);
            return after.is_empty().then_some(resized);
        }
        let length = u64::try_from(header.size()?).ok()?;
        let padded = usize::try_from(length.checked_add(padding(length))?).ok()?;
        let data = after.get(..padded)?;
        rest = &after[padded..];
        let records = &data[..usize::try_from(length).ok()?];
        match (flag == b'x').then(|| with_size_record(records, size)) {
            Some(Some(records)) => {
                resized.extend_from_slice(&with_size(block, records.len() as u64)?);
                resized.extend_from_slice(&records);
                resized.resize(resized.len().next_multiple_of(BLOCK), 0);
            }
            _ => {
                resized.extend_from_slice(block);
                resized.extend_from_slice(data);
            }
        }
    }
}

/// The records with another size; `None` if they give none, or cannot be read.
fn with_size_record(records: &[u8], size: u64) -> Option<Vec<u8>> {
    let records = pax::parse(records)?;
    let gives_size = |record: &pax::Record<'_>| record.key == b"size" && !record.value.is_empty();
    if !records.iter().any(gives_size) {
        return None;
    }
    let digits = size.to_string();
    let mut changed = Vec::new();
    for record in records {
        let value = if gives_size(&record) {
            digits.as_bytes()
        } else {
            record.value
        };
        pax::append(&mut changed, record.key, value);
    }
    Some(changed)
}

fn with_size(block: &[u8; BLOCK], size: u64) -> Option<[u8; BLOCK]> {
    let mut block = *block;
    if !number::format(&mut block[124..136], size) {
        return None;
    }
    let (sum, _) = checksums(&block);
    // Six digits, a zero and a blank, as every tar writes it.
    number::format(
        &mut block[CHECKSUM.start..CHECKSUM.end - 1],
        sum.unsigned_abs(),
    );
    block[CHECKSUM.end - 1] = b' ';
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::super::{EntryKind, Reader};
    use super::*;
    use crate::limits::Limits;
    use gantry_testkit::archive::{ArchiveBuilder, RawHeader};

    fn size_after(blocks: &[u8], size: u64) -> u64 {
        let resized = resize(blocks, size).unwrap();
        let mut reader = Reader::new(resized.as_slice(), &Limits::default());
        let entry = reader.next_entry().unwrap().unwrap();
        assert_eq!(entry.kind, EntryKind::File);
        entry.size
    }

    #[test]
    fn the_size_changes_wherever_it_stands() {
        let file = || RawHeader::new(b'0', b"manifest", 7);
        let header = |builder: ArchiveBuilder| builder.entry(&file(), b"").unfinished();
        let plain = header(ArchiveBuilder::new());
        let pax = header(ArchiveBuilder::new().pax([("mtime", "1.5"), ("size", "7")]));
        let other = header(ArchiveBuilder::new().pax([("mtime", "1.5"), ("size", "")]));
        let long = header(ArchiveBuilder::new().gnu_long(b'L', b"./manifest"));
        let global = header(ArchiveBuilder::new().global_pax([("mtime", "1")]));
        let binary = ArchiveBuilder::new()
            .entry(&file().size_field(b"\x80\0\0\0\0\0\0\0\0\0\0\x07"), b"")
            .unfinished();
        for blocks in [plain, pax, other, long, global, binary] {
            for size in [0, 7, 511, 4 << 20, (8 << 30) - 1] {
                assert_eq!(size_after(&blocks, size), size);
            }
            assert_eq!(resize(&blocks, 8 << 30), None);
        }
    }

    #[test]
    fn all_else_stays() {
        let header = RawHeader::new(b'7', b"manifest", 7)
            .mode(0o4711)
            .owner(5, 6);
        let header = header.field(257, b"ustar  \0").field(265, b"someone");
        let builder =
            ArchiveBuilder::new().pax([("comment", "x"), ("size", "7"), ("mtime", "1.5")]);
        let blocks = builder.entry(&header, b"").unfinished();
        let back = resize(&resize(&blocks, 1234).unwrap(), 7).unwrap();
        assert_eq!(back, blocks);
    }

    #[test]
    fn what_is_no_header_of_an_entry_is_left_alone() {
        let blocks = ArchiveBuilder::new()
            .pax([("mtime", "1")])
            .file("manifest", "")
            .unfinished();
        for length in [0, 1, 512, 1024, 1535] {
            assert_eq!(resize(&blocks[..length], 1), None, "{length}");
        }
        assert_eq!(resize(&[blocks.as_slice(), &[0; 512]].concat(), 1), None);
        assert_eq!(resize(&[0; 512], 1), None);
    }
}
