//! Writing the headers of an entry: ustar, with PAX records for what it cannot hold and no others.

use std::borrow::Cow;

use super::header::{CHECKSUM, EntryKind, checksums};
use super::reader::Entry;
use super::sparse::encode_map;
use super::xattr::append_xattr;
use super::{BLOCK, number, padding, pax};

/// Longest name, prefix and link target of a ustar header, in bytes.
const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;

/// The header blocks of an entry: what stands in the archive before its data.
///
/// A sparse file is written as GNU tar's PAX format 1.0, which Go and bsdtar read too; its map is part of
/// what is given here. The same entry always gives the same bytes. User and group are numbers; the names
/// are `root` for 0
/// and blank otherwise, so that no account data of the machine gets in.
pub fn encode(entry: &Entry) -> Vec<u8> {
    let mut block = [0; BLOCK];
    let mut records = Vec::new();
    // Records are UTF-8 unless they say otherwise; bsdtar fails on others.
    let mut binary = false;
    let mut path = Cow::Borrowed(&entry.path);
    let mut stored = entry.size;
    let mut map = Vec::new();
    if let Some(extents) = &entry.sparse {
        map = encode_map(extents, entry.size);
        stored = map.len() as u64 + extents.iter().map(|extent| extent.length).sum::<u64>();
        pax::append(&mut records, b"GNU.sparse.major", b"1");
        pax::append(&mut records, b"GNU.sparse.minor", b"0");
        pax::append(&mut records, b"GNU.sparse.name", &entry.path);
        let size = entry.size.to_string();
        pax::append(&mut records, b"GNU.sparse.realsize", size.as_bytes());
        binary = std::str::from_utf8(&entry.path).is_err();
        path = Cow::Owned(sparse_path(&entry.path));
    }
    match split_path(&path) {
        Some((prefix, name)) => {
            put(&mut block[345..], prefix);
            put(&mut block, name);
        }
        None => {
            pax::append(&mut records, b"path", &path);
            binary |= std::str::from_utf8(&path).is_err();
            put(&mut block, &path[..NAME_BYTES]);
        }
    }
    if let EntryKind::HardLink(target) | EntryKind::Symlink(target) = &entry.kind {
        if target.len() > NAME_BYTES {
            pax::append(&mut records, b"linkpath", target);
            binary |= std::str::from_utf8(target).is_err();
        }
        put(&mut block[157..], &target[..target.len().min(NAME_BYTES)]);
    }
    let mut field = |range, key: &[u8], value: u64| {
        if !number::format(&mut block[range], value) {
            pax::append(&mut records, key, value.to_string().as_bytes());
        }
    };
    field(100..108, b"mode", u64::from(entry.mode & 0o7777));
    field(108..116, b"uid", entry.uid.into());
    field(116..124, b"gid", entry.gid.into());
    field(124..136, b"size", stored);
    let whole_seconds = u64::try_from(entry.mtime.seconds).ok();
    let plain_time = whole_seconds.filter(|_| entry.mtime.nanoseconds == 0);
    if !plain_time.is_some_and(|seconds| number::format(&mut block[136..148], seconds)) {
        pax::append(&mut records, b"mtime", entry.mtime.to_decimal().as_bytes());
        number::format(
            &mut block[136..148],
            whole_seconds.unwrap_or(0) & MAX_FIELD_TIME,
        );
    }
    let mut xattrs: Vec<_> = entry.xattrs.iter().collect();
    xattrs.sort();
    for xattr in xattrs {
        append_xattr(&mut records, xattr);
    }
    block[156] = match &entry.kind {
        EntryKind::File => b'0',
        EntryKind::HardLink(_) => b'1',
        EntryKind::Symlink(_) => b'2',
        EntryKind::CharDevice { .. } => b'3',
        EntryKind::BlockDevice { .. } => b'4',
        EntryKind::Directory => b'5',
        EntryKind::Fifo => b'6',
    };
    if let EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } =
        entry.kind
    {
        number::format(&mut block[329..337], major.into());
        number::format(&mut block[337..345], minor.into());
    }
    put(
        &mut block[265..],
        if entry.uid == 0 { b"root" } else { b"" },
    );
    put(
        &mut block[297..],
        if entry.gid == 0 { b"root" } else { b"" },
    );
    seal(&mut block);
    if records.is_empty() {
        return block.to_vec();
    }
    if binary {
        let text = std::mem::take(&mut records);
        pax::append(&mut records, b"hdrcharset", b"BINARY");
        records.extend_from_slice(&text);
    }
    let mut blocks = pax_header(entry, records.len());
    blocks.append(&mut records);
    blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    blocks.extend_from_slice(&block);
    blocks.append(&mut map);
    blocks
}

/// What tools without knowledge of sparse files extract the map and data to. Source: GNU tar manual,
/// "PAX Format, Version 1.0", less the number of the process, which no two runs share.
fn sparse_path(path: &[u8]) -> Vec<u8> {
    let base = path.iter().rposition(|byte| *byte == b'/');
    let (directory, base) = path.split_at(base.map_or(0, |slash| slash + 1));
    [directory, b"GNUSparseFile.0/", base].concat()
}

/// What a time field of eleven octal digits holds.
const MAX_FIELD_TIME: u64 = (1 << 33) - 1;

fn pax_header(entry: &Entry, size: usize) -> Vec<u8> {
    let mut block = [0; BLOCK];
    let base = entry
        .path
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    let name = [b"PaxHeaders/".as_slice(), base].concat();
    put(&mut block, &name[..name.len().min(NAME_BYTES)]);
    number::format(&mut block[100..108], 0o644);
    number::format(&mut block[108..116], 0);
    number::format(&mut block[116..124], 0);
    number::format(&mut block[124..136], size as u64);
    number::format(&mut block[136..148], 0);
    block[156] = b'x';
    seal(&mut block);
    block.to_vec()
}

fn put(field: &mut [u8], value: &[u8]) {
    field[..value.len()].copy_from_slice(value);
}

/// Sets magic, version and checksum.
fn seal(block: &mut [u8; BLOCK]) {
    put(&mut block[257..], b"ustar\x0000");
    let (sum, _) = checksums(block);
    number::format(
        &mut block[CHECKSUM.start..CHECKSUM.end - 1],
        sum.unsigned_abs(),
    );
    block[CHECKSUM.end - 1] = b' ';
}

/// Divides a path between the prefix and name fields; `None` if it does not fit.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME_BYTES {
        return Some((b"", path));
    }
    let first = path.len() - NAME_BYTES - 1;
    let slash = first + path.get(first..)?.iter().position(|byte| *byte == b'/')?;
    let (prefix, name) = (&path[..slash], &path[slash + 1..]);
    (!prefix.is_empty() && prefix.len() <= PREFIX_BYTES && !name.is_empty())
        .then_some((prefix, name))
}

/// The end marker: two blocks of zeros.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Zeros that pad `size` bytes of data to whole blocks.
pub fn data_padding(size: u64) -> &'static [u8] {
    &END[..usize::try_from(padding(size)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::super::{Extent, Reader, Timestamp, Xattr};
    use super::*;
    use crate::limits::Limits;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = EntryKind> {
        let target = "[a-z/]{1,300}".prop_map(String::into_bytes);
        prop_oneof![
            Just(EntryKind::File),
            Just(EntryKind::Directory),
            Just(EntryKind::Fifo),
            target.clone().prop_map(EntryKind::HardLink),
            target.prop_map(EntryKind::Symlink),
            (0_u32..4096, 0_u32..(1 << 20))
                .prop_map(|(major, minor)| EntryKind::CharDevice { major, minor }),
            (0_u32..4096, 0_u32..(1 << 20))
                .prop_map(|(major, minor)| EntryKind::BlockDevice { major, minor }),
        ]
    }

    fn xattrs() -> impl Strategy<Value = Vec<Xattr>> {
        let attribute = (
            "user\\.[a-z%=]{1,20}",
            prop::collection::vec(any::<u8>(), 0..50),
        );
        prop::collection::btree_map(attribute.0, attribute.1, 0..4).prop_map(|map| {
            map.into_iter()
                .map(|(name, value)| Xattr {
                    name: name.into_bytes(),
                    value,
                })
                .collect()
        })
    }

    prop_compose! {
        fn entries()(
            path in "[a-z\u{fc}./]{0,300}[a-z]",
            kind in kinds(),
            mode in 0_u32..0o10000,
            uid in 0..u32::MAX,
            gid in 0..u32::MAX,
            seconds in -(1_i64 << 40)..(1 << 40),
            nanoseconds in prop_oneof![Just(0), 0_u32..1_000_000_000],
            size in prop_oneof![0_u64..5000, 0_u64..(1 << 37)],
            xattrs in xattrs(),
            runs in prop::option::of(prop::collection::vec((1_u64..1 << 30, 1_u64..1 << 30), 0..40)),
        ) -> Entry {
            let mut size = if kind == EntryKind::File { size } else { 0 };
            let mtime = Timestamp { seconds, nanoseconds };
            let sparse = runs.filter(|_| kind == EntryKind::File).map(|runs| {
                let mut end = 0;
                let mut extents = Vec::new();
                for (hole, length) in runs {
                    extents.push(Extent { offset: end + hole, length });
                    end += hole + length;
                }
                size = size.max(end);
                if size > end {
                    extents.push(Extent { offset: size, length: 0 });
                }
                extents
            });
            Entry { path: path.into_bytes(), kind, mode, uid, gid, mtime, size, xattrs, sparse }
        }
    }

    proptest! {
        #[test]
        fn an_entry_written_is_read_back(entry in entries()) {
            let bytes = encode(&entry);
            prop_assert_eq!(bytes.len() % BLOCK, 0);
            let mut reader = Reader::new(bytes.as_slice(), &Limits::default());
            prop_assert_eq!(reader.next_entry().unwrap(), Some(entry));
        }
    }

    #[test]
    fn names_that_are_no_utf_8_are_declared_as_bytes() {
        let long = |byte: u8| Entry {
            path: vec![byte; 101],
            kind: EntryKind::Fifo,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            size: 0,
            xattrs: Vec::new(),
            sparse: None,
        };
        let declared =
            |entry: &Entry| encode(entry)[BLOCK..].starts_with(b"21 hdrcharset=BINARY\n");
        assert!(declared(&long(0xff)));
        assert!(!declared(&long(b'n')));
    }

    #[test]
    fn pax_records_appear_only_when_needed() {
        let plain = Entry {
            path: [b"rootfs/".as_slice(), &[b'd'; 100], b"/", &[b'f'; 100]].concat(),
            kind: EntryKind::File,
            mode: 0o4755,
            uid: 0o7_777_777,
            gid: 0,
            mtime: Timestamp {
                seconds: (1 << 33) - 1,
                nanoseconds: 0,
            },
            size: (8 << 30) - 1,
            xattrs: Vec::new(),
            sparse: None,
        };
        assert_eq!(encode(&plain).len(), BLOCK);
        let cases = [
            Entry {
                uid: 0o10_000_000,
                ..plain.clone()
            },
            Entry {
                size: 8 << 30,
                ..plain.clone()
            },
            Entry {
                mtime: Timestamp {
                    seconds: -1,
                    nanoseconds: 0,
                },
                ..plain.clone()
            },
            Entry {
                mtime: Timestamp {
                    seconds: 1,
                    nanoseconds: 1,
                },
                ..plain.clone()
            },
            Entry {
                path: vec![b'n'; 101],
                ..plain.clone()
            },
            Entry {
                kind: EntryKind::Symlink(vec![b't'; 101]),
                size: 0,
                ..plain
            },
        ];
        for entry in cases {
            assert_eq!(encode(&entry).len(), 3 * BLOCK, "{entry:?}");
        }
    }
}
