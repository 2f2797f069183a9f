//! Numbers, types and structure of headers.

use super::{Case, aci, refused, with_devices};
use crate::archive::{ArchiveBuilder, RawHeader};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sizes();
    cases.extend(owners_and_modes());
    cases.extend(types());
    cases.extend(structure());
    cases
}

fn header(type_flag: u8) -> RawHeader {
    RawHeader::new(type_flag, b"rootfs/e", 0)
}

fn entry(header: &RawHeader) -> ArchiveBuilder {
    aci().entry(header, b"")
}

fn case(attack: &str, archive: ArchiveBuilder, rule: &'static str) -> Case {
    refused(attack, archive, "rootfs/e", rule)
}

/// What is wrong is met while the extension header is read.
fn in_pax(attack: &str, archive: ArchiveBuilder, rule: &'static str) -> Case {
    refused(attack, archive, "PaxHeaders/x", rule)
}

fn sizes() -> Vec<Case> {
    let invalid = "its size is not a valid number";
    let pax = |size: &str| aci().pax([("size", size)]).file("rootfs/e", "");
    let raw = |field: &[u8; 12]| entry(&header(b'0').size_field(field));
    // The header says 512 bytes, PAX none: whoever believes the header skips an entry.
    let hidden = aci().file("../victim", "").unfinished();
    let hidden = &hidden[hidden.len() - 512..];
    vec![
        case("negative size", raw(&[0xff; 12]), invalid),
        case(
            "overflowing size",
            raw(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            invalid,
        ),
        case(
            "size with hidden high bytes",
            raw(b"\x80\x01\0\0\0\0\0\0\0\0\0\x05"),
            invalid,
        ),
        case(
            "largest size",
            raw(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
            "exceed",
        ),
        case("letters for a size", raw(b"0000000zzzz\0"), invalid),
        case("size with a sign", raw(b"-0000000001\0"), invalid),
        in_pax("PAX size overflow", pax("18446744073709551616"), invalid),
        case(
            "PAX size near the largest",
            pax("18446744073709551615"),
            invalid,
        ),
        in_pax("negative PAX size", pax("-1"), invalid),
        in_pax("PAX size with a fraction", pax("1.5"), invalid),
        case("huge PAX size", pax("9223372036854775807"), "exceed"),
        case(
            "more data than there is",
            aci().entry(&RawHeader::new(b'0', b"rootfs/e", 1 << 20), b"x"),
            "truncated",
        ),
        refused(
            "an entry hidden behind a PAX size",
            aci()
                .pax([("size", "0")])
                .entry(&RawHeader::new(b'0', b"rootfs/e", 512), hidden),
            "../victim",
            "contains \"..\"",
        ),
        case(
            "size of a link",
            aci().entry(
                &RawHeader::new(b'2', b"rootfs/e", 512).link(b"x"),
                &[0; 512],
            ),
            "its type holds no data",
        ),
        case(
            "size of a directory",
            aci().entry(&RawHeader::new(b'5', b"rootfs/e", 512), &[0; 512]),
            "its type holds no data",
        ),
        case(
            "size of a FIFO",
            aci().entry(&RawHeader::new(b'6', b"rootfs/e", 512), &[0; 512]),
            "its type holds no data",
        ),
        case(
            "size of a device",
            aci().entry(&RawHeader::new(b'3', b"rootfs/e", 512), &[0; 512]),
            "its type holds no data",
        ),
        case(
            "size of a file that a slash makes a directory",
            aci().entry(&RawHeader::new(b'0', b"rootfs/e/", 512), &[0; 512]),
            "its type holds no data",
        ),
    ]
}

fn owners_and_modes() -> Vec<Case> {
    let pax = |key: &str, value: &str| aci().pax([(key, value)]).file("rootfs/e", "");
    vec![
        in_pax(
            "owner that means unchanged",
            pax("uid", "4294967295"),
            "its user is out of range",
        ),
        in_pax(
            "group that means unchanged",
            pax("gid", "4294967295"),
            "its group is out of range",
        ),
        in_pax(
            "owner that wraps to root",
            pax("uid", "4294967296"),
            "its user is out of range",
        ),
        in_pax(
            "negative owner",
            pax("uid", "-1"),
            "its user is not a valid number",
        ),
        case(
            "negative group",
            entry(&header(b'0').field(116, &[0xff; 8])),
            "its group is out of range",
        ),
        case(
            "letters for a mode",
            entry(&header(b'0').field(100, b"rwxrwxr\0")),
            "its mode is not a valid number",
        ),
        case(
            "letters for a time",
            entry(&header(b'0').field(136, b"yesterday!!\0")),
            "its time is not a valid number",
        ),
        in_pax(
            "a time beyond all",
            pax("mtime", "99999999999999999999"),
            "its time is not a valid number",
        ),
        in_pax(
            "a time that is none",
            pax("mtime", "nan"),
            "its time is not a valid number",
        ),
    ]
}

fn types() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (b'Z', "entry type 'Z' is not supported"),
        (b'M', "entry type 'M' is not supported"),
        (b'D', "entry type 'D' is not supported"),
        (b'V', "entry type 'V' is not supported"),
        (b'N', "entry type 'N' is not supported"),
        (b'X', "entry type 'X' is not supported"),
        (b'8', "entry type '8' is not supported"),
    ]
    .into_iter()
    .map(|(flag, rule)| case("a type that images do not have", entry(&header(flag)), rule))
    .collect();
    cases.extend([
        case(
            "device number beyond what Linux has",
            entry(&header(b'3').field(329, &[0x80, 0, 0, 0, 0, 1, 0, 0])),
            "device number is out of range",
        ),
        case(
            "negative device number",
            entry(&header(b'4').field(337, &[0xff; 8])),
            "device number is out of range",
        ),
        case(
            "letters for a device",
            entry(&header(b'4').field(337, b"sda1\0\0\0\0")),
            "device number is not a valid number",
        ),
        with_devices(case(
            "write into a device",
            aci().char_device("rootfs/e", 1, 1).file("rootfs/e", "x"),
            "same name",
        )),
        with_devices(refused(
            "beneath a device",
            aci().char_device("rootfs/e", 1, 1).file("rootfs/e/x", "x"),
            "rootfs/e/x",
            "not a directory",
        )),
        case(
            "symbolic link to an empty name",
            entry(&header(b'2')),
            "link target is empty",
        ),
    ]);
    cases
}

fn structure() -> Vec<Case> {
    let no_header = "no valid header at byte";
    let bad_sum = header(b'0').field(148, b"0000000\0").keep_checksum();
    vec![
        refused("wrong checksum", entry(&bad_sum), "", no_header),
        refused(
            "garbage between entries",
            aci().raw(&[b'x'; 512]).file("rootfs/e", ""),
            "",
            no_header,
        ),
        refused(
            "half an end marker, and more",
            aci().raw(&[0; 512]).file("rootfs/e", ""),
            "",
            no_header,
        ),
        refused(
            "extension headers for no entry",
            aci().pax([("path", "rootfs/e")]),
            "",
            "ends without the end marker",
        ),
    ]
}
