//! PAX and GNU extension headers, extended attributes and access control lists.

use super::{Case, aci, refused};
use crate::archive::{ArchiveBuilder, RawHeader};

pub(super) fn cases(outside: &str) -> Vec<Case> {
    let mut cases = headers();
    cases.extend(global(outside));
    cases.extend(attributes());
    cases
}

fn headers() -> Vec<Case> {
    let two = "two extension headers";
    let large = "extension header is larger";
    let malformed = "PAX extension header is malformed";
    let broken = |records: &[u8]| {
        let header = RawHeader::new(b'x', b"PaxHeaders/x", records.len() as u64);
        aci().entry(&header, records).file("rootfs/e", "")
    };
    let pax = "PaxHeaders/x";
    let long = "././@LongLink";
    let mut cases = vec![
        refused(
            "huge PAX header",
            aci().entry(&RawHeader::new(b'x', b"PaxHeaders/x", 8 << 30), b""),
            pax,
            large,
        ),
        refused(
            "huge global header",
            aci().entry(&RawHeader::new(b'g', b"PaxHeaders/x", 2 << 20), b""),
            pax,
            large,
        ),
        refused(
            "huge long name",
            aci().entry(&RawHeader::new(b'L', b"././@LongLink", 2 << 20), b""),
            long,
            large,
        ),
        refused(
            "huge long link",
            aci().entry(&RawHeader::new(b'K', b"././@LongLink", 2 << 20), b""),
            long,
            large,
        ),
        refused(
            "negative size of a PAX header",
            aci().entry(
                &RawHeader::new(b'x', b"PaxHeaders/x", 0).size_field(&[0xff; 12]),
                b"",
            ),
            pax,
            "its size is not a valid number",
        ),
        refused(
            "two PAX headers",
            aci()
                .pax([("path", "rootfs/a")])
                .pax([("path", "rootfs/b")])
                .file("x", ""),
            pax,
            two,
        ),
        refused(
            "two long names",
            aci()
                .gnu_long(b'L', b"rootfs/a")
                .gnu_long(b'L', b"rootfs/b")
                .file("x", ""),
            long,
            two,
        ),
        refused(
            "two long links",
            aci()
                .gnu_long(b'K', b"a")
                .gnu_long(b'K', b"b")
                .symlink("rootfs/l", "x"),
            long,
            two,
        ),
        refused(
            "long name and PAX path",
            aci()
                .gnu_long(b'L', b"rootfs/a")
                .pax([("path", "rootfs/b")])
                .file("x", ""),
            pax,
            two,
        ),
        refused(
            "PAX path and long name",
            aci()
                .pax([("path", "rootfs/b")])
                .gnu_long(b'L', b"rootfs/a")
                .file("x", ""),
            long,
            two,
        ),
    ];
    for (attack, records) in [
        ("PAX record beyond the end", &b"99 path=x\n"[..]),
        ("PAX record of no length", b"0 path=x\n"),
        ("PAX record of a negative length", b"-9 path=x\n"),
        ("PAX record that ends elsewhere", b"7 path=x\n"),
        ("PAX record without a value", b"7 path\n"),
        ("PAX record without a keyword", b"5 =x\n"),
        ("PAX record with a zero in the keyword", b"10 pa\0th=x\n"),
        (
            "PAX record of endless digits",
            b"000000000000000000000009 path=x\n",
        ),
        ("no PAX records at all", b"path=rootfs/x\n"),
    ] {
        cases.push(refused(attack, broken(records), pax, malformed));
    }
    cases
}

fn global(outside: &str) -> Vec<Case> {
    let victim = format!("{outside}/victim");
    [
        ("path", "rootfs/a", "a global header sets path"),
        ("linkpath", victim.as_str(), "a global header sets linkpath"),
        ("size", "0", "a global header sets size"),
        (
            "SCHILY.xattr.user.x",
            "x",
            "a global header sets SCHILY.xattr.user.x",
        ),
        (
            "SCHILY.acl.access",
            "user::rwx,group::rwx,other::rwx",
            "a global header sets SCHILY.acl.access",
        ),
        (
            "GNU.sparse.name",
            "x",
            "a global header sets GNU.sparse.name",
        ),
    ]
    .into_iter()
    .map(|(key, value, rule)| {
        let archive = aci().global_pax([(key, value)]).file("rootfs/e", "");
        refused(
            "a global header for all",
            archive,
            "pax_global_header",
            rule,
        )
    })
    .collect()
}

fn attributes() -> Vec<Case> {
    let large = "v".repeat(70_000);
    let long = "SCHILY.xattr.user.".to_owned() + &"n".repeat(300);
    let acl = "access control list is malformed";
    let with = |key: &str, value: &[u8]| -> ArchiveBuilder {
        aci().pax([(key.as_bytes(), value)]).directory("rootfs/e")
    };
    // Where an attribute's name is wrong, its header is refused, otherwise the entry.
    let rows = [
        (
            "an overlay that leads elsewhere",
            with("SCHILY.xattr.trusted.overlay.redirect", b"/"),
            "reserved for the host",
        ),
        (
            "an opaque overlay of a user",
            with("SCHILY.xattr.user.overlay.opaque", b"y"),
            "reserved for the host",
        ),
        (
            "a nameless attribute",
            with("SCHILY.xattr.", b"x"),
            "no valid name",
        ),
        (
            "a zero in an attribute's name",
            with("SCHILY.xattr.user.a%00b", b"x"),
            "no valid name",
        ),
        (
            "an overlay's attribute in disguise",
            with("SCHILY.xattr.trusted%2Eoverlay.opaque", b"y"),
            "reserved for the host",
        ),
        (
            "a long name of an attribute",
            with(&long, b"x"),
            "no valid name",
        ),
        (
            "a large attribute",
            with("SCHILY.xattr.user.x", large.as_bytes()),
            "is larger than 65536 bytes",
        ),
    ];
    let mut cases: Vec<Case> = rows
        .into_iter()
        .map(|(attack, archive, rule)| refused(attack, archive, "PaxHeaders/x", rule))
        .collect();
    cases.extend(
        [
            (
                "an access control list of one line",
                with("SCHILY.acl.access", b"user::rwx"),
                acl,
            ),
            (
                "an access control list of nobody",
                with("SCHILY.acl.default", b"\n,\n"),
                acl,
            ),
            (
                "an access control list with a name",
                with(
                    "SCHILY.acl.access",
                    b"user::rwx,user:lisa:rwx,group::r-x,mask::rwx,other::---",
                ),
                "names \"lisa\" without a number",
            ),
            (
                "an access control list that is cut",
                with("SCHILY.xattr.system.posix_acl_access", b"\x02\0\0\0\x01\0"),
                acl,
            ),
        ]
        .map(|(attack, archive, rule)| refused(attack, archive, "rootfs/e", rule)),
    );
    cases
}
