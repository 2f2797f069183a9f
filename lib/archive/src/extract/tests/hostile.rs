//! What hostile archives try, by entry, and what stops them.

use super::*;

/// Extracts an archive that must be refused, and gives the message.
fn refusal(archive: ArchiveBuilder) -> String {
    let place = Place::new();
    let error = place.extract(&archive.finish(), &options()).unwrap_err();
    assert!(matches!(error, ExtractError::Image(_)), "{error}");
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    error.to_string()
}

#[test]
fn hostile_entries_are_refused_by_name_and_rule() {
    let aci = ArchiveBuilder::aci;
    let long_name = "rootfs/".to_owned() + &"n".repeat(5000);
    let deep_name = "rootfs".to_owned() + &"/d".repeat(600);
    let cases: Vec<(&str, ArchiveBuilder, &str)> = vec![
        (
            "traversal by name",
            aci().file("rootfs/../../victim", "x"),
            "contains \"..\"",
        ),
        (
            "traversal at the start",
            aci().file("../victim", "x"),
            "contains \"..\"",
        ),
        (
            "traversal that comes back",
            aci().file("rootfs/a/../b", "x"),
            "contains \"..\"",
        ),
        (
            "traversal at the end",
            aci().directory("rootfs/a/.."),
            "contains \"..\"",
        ),
        (
            "absolute name",
            aci().file("/tmp/victim", "x"),
            "is absolute",
        ),
        ("two slashes", aci().file("//rootfs/x", "x"), "is absolute"),
        (
            "PAX path override",
            aci().pax([("path", "../victim")]).file("rootfs/x", "x"),
            "contains \"..\"",
        ),
        (
            "absolute PAX path",
            aci().pax([("path", "/victim")]).file("rootfs/x", "x"),
            "is absolute",
        ),
        (
            "GNU long name",
            aci().gnu_long(b'L', b"rootfs/../../victim").file("x", "x"),
            "contains \"..\"",
        ),
        (
            "PAX sparse name",
            aci()
                .pax([
                    ("GNU.sparse.name", "../victim"),
                    ("GNU.sparse.major", "0"),
                    ("GNU.sparse.minor", "1"),
                    ("GNU.sparse.size", "0"),
                    ("GNU.sparse.map", ""),
                ])
                .file("rootfs/x", ""),
            "contains \"..\"",
        ),
        (
            "ustar prefix",
            aci().entry(&header(b'0', b"victim").field(345, b".."), b""),
            "contains \"..\"",
        ),
        (
            "zero in a PAX path",
            aci().pax([("path", "rootfs/a\0b")]).file("x", ""),
            "zero byte",
        ),
        (
            "empty name",
            aci().entry(&header(b'0', b""), b""),
            "is empty",
        ),
        (
            "long name",
            aci().pax([("path", long_name.as_str())]).file("x", ""),
            "longer than 4095",
        ),
        (
            "deep name",
            aci().pax([("path", deep_name.as_str())]).file("x", ""),
            "directories deep",
        ),
        (
            "stray file",
            aci().file("etc/passwd", "x"),
            "unrecognized file path in layout: \"etc/passwd\"",
        ),
        (
            "near rootfs",
            aci().file("rootfsX/y", "x"),
            "unrecognized file path in layout",
        ),
        (
            "a file at the top",
            aci().entry(&header(b'0', b"."), b""),
            "unrecognized file path in layout",
        ),
        // Links on the way.
        (
            "symlinked parent",
            aci()
                .symlink("rootfs/l", "../..")
                .file("rootfs/l/victim", "x"),
            "symbolic link lies on the way",
        ),
        (
            "absolute symlinked parent",
            aci()
                .symlink("rootfs/l", "/tmp")
                .file("rootfs/l/victim", "x"),
            "symbolic link lies on the way",
        ),
        (
            "harmless symlinked parent",
            aci()
                .directory("rootfs/d")
                .symlink("rootfs/l", "d")
                .file("rootfs/l/f", "x"),
            "symbolic link lies on the way",
        ),
        (
            "symlinked grandparent",
            aci()
                .symlink("rootfs/l", "../..")
                .file("rootfs/l/target/x", "x"),
            "symbolic link lies on the way",
        ),
        (
            "directory through a link",
            aci().symlink("rootfs/l", "/tmp").directory("rootfs/l/d"),
            "symbolic link lies on the way",
        ),
        (
            "link through a link",
            aci().symlink("rootfs/l", "/").symlink("rootfs/l/m", "x"),
            "symbolic link lies on the way",
        ),
        (
            "parent is a file",
            aci().file("rootfs/f", "").file("rootfs/f/x", ""),
            "not a directory",
        ),
        (
            "link that replaces",
            aci()
                .file("rootfs/f", "")
                .symlink("rootfs/f", "/tmp/victim"),
            "same name",
        ),
        (
            "write through a link",
            aci()
                .symlink("rootfs/f", "../../victim")
                .file("rootfs/f", "x"),
            "same name",
        ),
        (
            "directory over a link",
            aci().symlink("rootfs/d", "../..").directory("rootfs/d"),
            "same name",
        ),
        // Roots.
        (
            "root is a link",
            ArchiveBuilder::new()
                .symlink("rootfs", "..")
                .file("manifest", MANIFEST),
            "rootfs is not a directory",
        ),
        (
            "root replaced by a link",
            aci().symlink("rootfs", ".."),
            "rootfs is not a directory",
        ),
        (
            "root replaced by a file",
            aci().file("./rootfs", ""),
            "rootfs is not a directory",
        ),
        (
            "root hard-linked",
            aci().hard_link("rootfs", "manifest"),
            "rootfs is not a directory",
        ),
        (
            "manifest is a link",
            ArchiveBuilder::new()
                .directory("rootfs")
                .symlink("manifest", "/etc/passwd"),
            "not a regular file",
        ),
        (
            "manifest is a hard link",
            ArchiveBuilder::new()
                .directory("rootfs")
                .file("rootfs/m", "")
                .hard_link("manifest", "rootfs/m"),
            "not a regular file",
        ),
        // Duplicates.
        (
            "duplicate file",
            aci().file("rootfs/f", "a").file("rootfs/f", "b"),
            "same name",
        ),
        (
            "duplicate by dots",
            aci().file("rootfs/f", "a").file("./rootfs/./f", "b"),
            "same name",
        ),
        (
            "duplicate directory",
            aci().directory("rootfs/d").directory("rootfs/d/"),
            "same name",
        ),
        (
            "duplicate implicit directory",
            aci()
                .file("rootfs/d/f", "")
                .directory("rootfs/d")
                .directory("rootfs/d"),
            "same name",
        ),
        (
            "duplicate manifest",
            aci().file("manifest", MANIFEST),
            "duplicate file entry in archive: manifest",
        ),
        // Hard links.
        (
            "hard link outside",
            aci().hard_link("rootfs/h", "../victim"),
            "not beneath the root",
        ),
        (
            "absolute hard link",
            aci().hard_link("rootfs/h", "/etc/passwd"),
            "not beneath the root",
        ),
        (
            "hard link to the manifest",
            aci().hard_link("rootfs/h", "manifest"),
            "not beneath the root",
        ),
        (
            "hard link by dots",
            aci().hard_link("rootfs/h", "rootfs/../../victim"),
            "not beneath the root",
        ),
        (
            "hard link through a link",
            aci()
                .symlink("rootfs/l", "../..")
                .hard_link("rootfs/h", "rootfs/l/victim"),
            "behind a symbolic link",
        ),
        (
            "hard link to a directory",
            aci()
                .directory("rootfs/d")
                .hard_link("rootfs/h", "rootfs/d"),
            "is a directory",
        ),
        (
            "hard link to the root",
            aci().hard_link("rootfs/h", "rootfs"),
            "is a directory",
        ),
        (
            "hard link to nothing",
            aci().hard_link("rootfs/h", "rootfs/missing"),
            "not in the archive",
        ),
        (
            "hard link to itself",
            aci().hard_link("rootfs/h", "rootfs/h"),
            "not in the archive",
        ),
        (
            "hard links in a ring",
            aci()
                .hard_link("rootfs/a", "rootfs/b")
                .hard_link("rootfs/b", "rootfs/a"),
            "not in the archive",
        ),
        (
            "PAX linkpath",
            aci()
                .file("rootfs/f", "")
                .pax([("linkpath", "../victim")])
                .hard_link("rootfs/h", "rootfs/f"),
            "not beneath the root",
        ),
        (
            "hard link over a file",
            aci()
                .file("rootfs/f", "")
                .file("rootfs/h", "")
                .hard_link("rootfs/h", "rootfs/f"),
            "same name",
        ),
        (
            "write through a hard link",
            aci()
                .file("rootfs/f", "")
                .hard_link("rootfs/h", "rootfs/f")
                .file("rootfs/h", "x"),
            "same name",
        ),
        (
            "early hard link over a file",
            aci()
                .hard_link("rootfs/h", "rootfs/f")
                .file("rootfs/f", "")
                .file("rootfs/h", ""),
            "same name",
        ),
        (
            "symlink to nothing",
            aci().entry(&header(b'2', b"rootfs/l"), b""),
            "link target is empty",
        ),
        // Numbers.
        (
            "negative size",
            aci().entry(&header(b'0', b"rootfs/f").size_field(&[0xff; 12]), b""),
            "its size is not a valid number",
        ),
        (
            "overflowing size",
            aci().entry(
                &header(b'0', b"rootfs/f")
                    .size_field(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                b"",
            ),
            "its size is not a valid number",
        ),
        (
            "size with hidden high bytes",
            aci().entry(
                &header(b'0', b"rootfs/f").size_field(b"\x80\x01\0\0\0\0\0\0\0\0\0\x05"),
                b"",
            ),
            "its size is not a valid number",
        ),
        (
            "largest size",
            aci().entry(
                &header(b'0', b"rootfs/f")
                    .size_field(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
                b"",
            ),
            "exceed",
        ),
        (
            "PAX size overflow",
            aci()
                .pax([("size", "18446744073709551616")])
                .file("rootfs/f", ""),
            "its size is not a valid number",
        ),
        (
            "negative PAX size",
            aci().pax([("size", "-1")]).file("rootfs/f", ""),
            "its size is not a valid number",
        ),
        (
            "huge PAX size",
            aci()
                .pax([("size", "9223372036854775807")])
                .file("rootfs/f", ""),
            "exceed",
        ),
        (
            "letters for a size",
            aci().entry(&header(b'0', b"rootfs/f").size_field(b"0000000zzzz\0"), b""),
            "its size is not a valid number",
        ),
        (
            "owner that means unchanged",
            aci().pax([("uid", "4294967295")]).file("rootfs/f", ""),
            "its user is out of range",
        ),
        (
            "negative group",
            aci().entry(&header(b'0', b"rootfs/f").field(116, &[0xff; 8]), b""),
            "its group is out of range",
        ),
        (
            "letters for a mode",
            aci().entry(&header(b'0', b"rootfs/f").field(100, b"rwxrwxr\0"), b""),
            "its mode is not a valid number",
        ),
        (
            "size of a link",
            aci().entry(
                &RawHeader::new(b'2', b"rootfs/l", 512).link(b"x"),
                &[0; 512],
            ),
            "its type holds no data",
        ),
        (
            "size of a directory",
            aci().entry(&RawHeader::new(b'5', b"rootfs/d", 512), &[0; 512]),
            "its type holds no data",
        ),
        (
            "device number",
            aci().entry(
                &header(b'3', b"rootfs/n").field(329, &[0x80, 0, 0, 0, 0, 1, 0, 0]),
                b"",
            ),
            "device number is out of range",
        ),
        // Extension headers.
        (
            "huge PAX header",
            aci().entry(&RawHeader::new(b'x', b"x", 8 << 30), b""),
            "extension header is larger",
        ),
        (
            "huge long name",
            aci().entry(&RawHeader::new(b'L', b"x", 2 << 20), b""),
            "extension header is larger",
        ),
        (
            "broken PAX records",
            aci().entry(&RawHeader::new(b'x', b"x", 9), b"99 path=x"),
            "PAX extension header is malformed",
        ),
        (
            "two PAX headers",
            aci()
                .pax([("path", "rootfs/a")])
                .pax([("path", "rootfs/b")])
                .file("x", ""),
            "two extension headers",
        ),
        (
            "two long names",
            aci()
                .gnu_long(b'L', b"rootfs/a")
                .gnu_long(b'L', b"rootfs/b")
                .file("x", ""),
            "two extension headers",
        ),
        (
            "long name and PAX path",
            aci()
                .gnu_long(b'L', b"rootfs/a")
                .pax([("path", "rootfs/b")])
                .file("x", ""),
            "two extension headers",
        ),
        (
            "global path",
            aci().global_pax([("path", "rootfs/a")]).file("x", ""),
            "a global header sets path",
        ),
        (
            "global size",
            aci().global_pax([("size", "0")]).file("rootfs/x", ""),
            "a global header sets size",
        ),
        (
            "overlay attribute",
            aci()
                .pax([("SCHILY.xattr.trusted.overlay.redirect", "/")])
                .directory("rootfs/d"),
            "reserved for the host",
        ),
        (
            "nameless attribute",
            aci().pax([("SCHILY.xattr.", "x")]).directory("rootfs/d"),
            "no valid name",
        ),
        (
            "unknown type",
            aci().entry(&header(b'Z', b"rootfs/z"), b""),
            "entry type 'Z' is not supported",
        ),
        (
            "multi-volume",
            aci().entry(&header(b'M', b"rootfs/z"), b""),
            "entry type 'M' is not supported",
        ),
        // Sparse files.
        (
            "sparse beyond its end",
            sparse_1_0(b"1\n0\n5\n", 4, b"12345"),
            "sparse map is malformed",
        ),
        (
            "sparse overlap",
            sparse_1_0(b"2\n0\n3\n2\n2\n", 9, b"12345"),
            "sparse map is malformed",
        ),
        (
            "sparse with too little data",
            sparse_1_0(b"1\n0\n9\n", 9, b"12345"),
            "sparse map is malformed",
        ),
        ("sparse bomb", sparse_1_0(b"0\n", 1 << 62, b""), "exceed"),
        (
            "sparse map bomb",
            sparse_1_0(b"99999999\n", 9, b""),
            "more than 262144 extents",
        ),
        (
            "sparse link",
            aci().pax([("GNU.sparse.map", "")]).symlink("rootfs/l", "x"),
            "sparse map is malformed",
        ),
    ];
    for (attack, archive, expected) in cases {
        let message = refusal(archive);
        assert!(message.contains(expected), "{attack}: {message}");
    }
}

fn sparse_1_0(map: &[u8], size: u64, data: &[u8]) -> ArchiveBuilder {
    let mut stored = map.to_vec();
    stored.resize(stored.len().next_multiple_of(512), 0);
    stored.extend_from_slice(data);
    let size = size.to_string();
    ArchiveBuilder::aci()
        .pax([
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "rootfs/sparse"),
            ("GNU.sparse.realsize", size.as_str()),
        ])
        .file("rootfs/GNUSparseFile.0/sparse", stored)
}
