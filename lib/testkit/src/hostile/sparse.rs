//! Sparse files whose maps lie.

use super::{Case, aci, refused};
use crate::archive::{ArchiveBuilder, RawHeader};

pub(super) fn cases() -> Vec<Case> {
    let malformed = "sparse map is malformed";
    let case = |attack: &str, archive, rule| refused(attack, archive, "rootfs/s", rule);
    vec![
        case(
            "extent beyond the end",
            in_data(b"1\n0\n5\n", 4, b"12345"),
            malformed,
        ),
        case(
            "extents that overlap",
            in_data(b"2\n0\n3\n2\n2\n", 9, b"12345"),
            malformed,
        ),
        case(
            "extents out of order",
            in_data(b"2\n5\n3\n0\n2\n", 9, b"12345"),
            malformed,
        ),
        case(
            "too little data",
            in_data(b"1\n0\n9\n", 9, b"12345"),
            malformed,
        ),
        case(
            "too much data",
            in_data(b"1\n0\n2\n", 9, b"12345"),
            malformed,
        ),
        case(
            "an extent that wraps around",
            in_data(b"1\n18446744073709551615\n2\n", 9, b"12"),
            malformed,
        ),
        case("a map of letters", in_data(b"one\n", 9, b""), malformed),
        case(
            "a map that does not end",
            in_data(b"9\n0\n1\n", 9, b""),
            malformed,
        ),
        case("sparse bomb", in_data(b"0\n", 1 << 62, b""), "exceed"),
        case(
            "a bomb of many sparse files",
            (0..5).fold(aci(), |archive, i| {
                let size = (60_u64 << 30).to_string();
                let name = if i == 4 {
                    "rootfs/s".to_owned()
                } else {
                    format!("rootfs/{i}")
                };
                archive
                    .pax([
                        ("GNU.sparse.major", "0"),
                        ("GNU.sparse.minor", "1"),
                        ("GNU.sparse.size", size.as_str()),
                        ("GNU.sparse.map", ""),
                    ])
                    .file(&name, "")
            }),
            "exceed",
        ),
        case(
            "sparse map bomb",
            in_data(b"99999999\n", 9, b""),
            "more than 262144 extents",
        ),
        case(
            "a version of the future",
            pax([("GNU.sparse.major", "2"), ("GNU.sparse.size", "9")]),
            malformed,
        ),
        case(
            "no size",
            pax([("GNU.sparse.major", "0"), ("GNU.sparse.map", "")]),
            "its real size is not a valid number",
        ),
        case(
            "half an extent",
            pax([("GNU.sparse.size", "9"), ("GNU.sparse.map", "1")]),
            malformed,
        ),
        case(
            "an offset without a length",
            pax([("GNU.sparse.size", "9"), ("GNU.sparse.offset", "1")]),
            malformed,
        ),
        refused(
            "a length without an offset",
            pax([("GNU.sparse.size", "9"), ("GNU.sparse.numbytes", "1")]),
            "PaxHeaders/x",
            malformed,
        ),
        refused(
            "a negative extent",
            pax([("GNU.sparse.size", "9"), ("GNU.sparse.offset", "-1")]),
            "PaxHeaders/x",
            malformed,
        ),
        case(
            "sparse link",
            aci().pax([("GNU.sparse.map", "")]).symlink("rootfs/s", "x"),
            malformed,
        ),
        case(
            "sparse hard link",
            aci()
                .file("rootfs/f", "")
                .pax([("GNU.sparse.map", "")])
                .hard_link("rootfs/s", "rootfs/f"),
            malformed,
        ),
        case(
            "old GNU map beyond the end",
            old_gnu(b"00000000004\0", 1, false),
            malformed,
        ),
        case(
            "old GNU map of nonsense",
            old_gnu(b"extent here\0", 1, false),
            malformed,
        ),
        case(
            "old GNU map without end",
            old_gnu(b"00000000000\0", 12_500, true),
            "more than 262144 extents",
        ),
    ]
}

/// Format 1.0: the map stands before the data.
fn in_data(map: &[u8], size: u64, data: &[u8]) -> ArchiveBuilder {
    let mut stored = map.to_vec();
    stored.resize(stored.len().next_multiple_of(512), 0);
    stored.extend_from_slice(data);
    let size = size.to_string();
    aci()
        .pax([
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "rootfs/s"),
            ("GNU.sparse.realsize", size.as_str()),
        ])
        .file("rootfs/GNUSparseFile.0/s", stored)
}

/// Formats 0.0 and 0.1.
fn pax<const N: usize>(records: [(&str, &str); N]) -> ArchiveBuilder {
    aci().pax(records).file("rootfs/s", "")
}

/// Type `S` for a file of three bytes: the first extent at `offset`, then so many extension blocks of
/// twenty-one extents without length.
fn old_gnu(offset: &[u8; 12], blocks: usize, extended: bool) -> ArchiveBuilder {
    let header = RawHeader::new(b'S', b"rootfs/s", 3)
        .field(257, b"ustar  \0")
        .field(386, offset)
        .field(398, b"00000000003\0")
        .field(482, &[u8::from(extended)])
        .field(483, b"00000000003\0");
    let archive = aci().entry(&header, b"");
    if !extended {
        return archive.raw(&[b'x'; 512]);
    }
    let mut block = b"00000000000\0".repeat(42);
    block.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    archive.raw(&block.repeat(blocks))
}
