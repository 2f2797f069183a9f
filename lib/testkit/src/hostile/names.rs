//! Names that lead out of the root, or hide where they lead.

use super::{Case, aci, refused};
use crate::archive::RawHeader;

pub(super) fn cases(outside: &str) -> Vec<Case> {
    let long = "rootfs/".to_owned() + &"n".repeat(5000);
    let deep = "rootfs".to_owned() + &"/d".repeat(600);
    let dots = "contains \"..\"";
    let stray = "unrecognized file path in layout";
    let mut cases = Vec::new();
    for (attack, name) in [
        ("traversal", "rootfs/../../victim"),
        ("traversal at the start", "../victim"),
        ("traversal that comes back", "rootfs/a/../b"),
        ("traversal to the root itself", "rootfs/.."),
        ("traversal beyond the layout", ".."),
        (
            "traversal between dots and slashes",
            "./rootfs//.//../..//victim",
        ),
        (
            "traversal of many steps",
            "rootfs/../../../../../../../../../../etc/passwd",
        ),
    ] {
        cases.push(refused(attack, aci().file(name, "x"), name, dots));
    }
    for (attack, name) in [
        ("absolute name", "/victim".to_owned()),
        ("two slashes", "//rootfs/x".to_owned()),
        ("absolute name of a real file", format!("{outside}/victim")),
    ] {
        cases.push(refused(
            attack,
            aci().file(&name, "x"),
            &name,
            "is absolute",
        ));
    }
    for (attack, name) in [
        ("a file beside the root", "etc/passwd"),
        ("near rootfs", "rootfsX/y"),
        ("rootfs in capitals", "ROOTFS/x"),
        ("manifest in capitals", "Manifest"),
        ("below the manifest", "manifest/x"),
        ("a Cyrillic letter in rootfs", "r\u{43e}otfs/x"),
        ("rootfs and a space", "rootfs /x"),
    ] {
        cases.push(refused(attack, aci().file(name, "x"), name, stray));
    }
    cases.extend([
        refused(
            "backslashes",
            aci().file(r"rootfs\..\victim", "x"),
            r"rootfs\\..\\victim",
            stray,
        ),
        refused(
            "an invisible letter in rootfs",
            aci().file("rootfs\u{200b}/x", "x"),
            r"rootfs\u{200b}/x",
            stray,
        ),
        refused(
            "a directory that climbs",
            aci().directory("rootfs/a/.."),
            "rootfs/a/..",
            dots,
        ),
        refused(
            "a link that climbs",
            aci().symlink("rootfs/../l", "x"),
            "rootfs/../l",
            dots,
        ),
        refused(
            "PAX path",
            aci().pax([("path", "../victim")]).file("rootfs/x", "x"),
            "../victim",
            dots,
        ),
        refused(
            "absolute PAX path",
            aci().pax([("path", "/victim")]).file("rootfs/x", "x"),
            "/victim",
            "is absolute",
        ),
        refused(
            "GNU long name",
            aci().gnu_long(b'L', b"rootfs/../../victim").file("x", "x"),
            "rootfs/../../victim",
            dots,
        ),
        refused(
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
            "../victim",
            dots,
        ),
        refused(
            "ustar prefix",
            aci().entry(&RawHeader::new(b'0', b"victim", 0).field(345, b".."), b""),
            "../victim",
            dots,
        ),
        refused(
            "absolute ustar prefix",
            aci().entry(&RawHeader::new(b'0', b"victim", 0).field(345, b"/etc"), b""),
            "/etc/victim",
            "is absolute",
        ),
        refused(
            "zero in a PAX path",
            aci().pax([("path", "rootfs/a\0b")]).file("x", ""),
            r"rootfs/a\0b",
            "zero byte",
        ),
        refused(
            "empty name",
            aci().entry(&RawHeader::new(b'0', b"", 0), b""),
            "\"\"",
            "is empty",
        ),
        refused(
            "long name",
            aci().pax([("path", long.as_str())]).file("x", ""),
            "rootfs/nnnn",
            "longer than 4095",
        ),
        refused(
            "deep name",
            aci().pax([("path", deep.as_str())]).file("x", ""),
            "rootfs/d/d/d",
            "directories deep",
        ),
        refused(
            "letters that move the cursor of a terminal",
            aci().file("rootfs/\u{1b}[2J/../x", ""),
            r"rootfs/\u{1b}[2J/../x",
            dots,
        ),
        refused(
            "text that runs backwards",
            aci().file("rootfs/\u{202e}/../x", ""),
            r"rootfs/\u{202e}/../x",
            dots,
        ),
    ]);
    cases
}
