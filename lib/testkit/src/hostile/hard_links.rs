//! Hard links: to what lies outside, to what is none of the archive's, and in odd orders.

use super::{Case, aci, refused};
use crate::archive::RawHeader;

pub(super) fn cases(outside: &str) -> Vec<Case> {
    let victim = format!("{outside}/victim");
    let mut cases = Vec::new();
    for (attack, target) in [
        ("hard link outside", "../victim"),
        ("absolute hard link", "/etc/passwd"),
        ("hard link to a real file", victim.as_str()),
        ("hard link to the manifest", "manifest"),
        ("hard link by dots", "rootfs/../../victim"),
        ("hard link to a stray name", "etc/passwd"),
        ("hard link to the top", "."),
    ] {
        let archive = aci().hard_link("rootfs/h", target);
        cases.push(refused(attack, archive, "rootfs/h", "not beneath the root"));
    }
    let through = "behind a symbolic link";
    let missing = "not in the archive";
    let rows = [
        (
            "through a link",
            aci()
                .symlink("rootfs/l", "../..")
                .hard_link("rootfs/h", "rootfs/l/victim"),
            through,
        ),
        (
            "through an absolute link",
            aci()
                .symlink("rootfs/l", outside)
                .hard_link("rootfs/h", "rootfs/l/victim"),
            through,
        ),
        (
            "through a link that comes later",
            aci()
                .hard_link("rootfs/h", "rootfs/l/victim")
                .symlink("rootfs/l", outside),
            through,
        ),
        (
            "to a directory",
            aci()
                .directory("rootfs/d")
                .hard_link("rootfs/h", "rootfs/d"),
            "is a directory",
        ),
        (
            "to the root",
            aci().hard_link("rootfs/h", "rootfs"),
            "is a directory",
        ),
        (
            "to nothing",
            aci().hard_link("rootfs/h", "rootfs/missing"),
            missing,
        ),
        (
            "to itself",
            aci().hard_link("rootfs/h", "rootfs/h"),
            missing,
        ),
        (
            "in a ring",
            aci()
                .hard_link("rootfs/h", "rootfs/b")
                .hard_link("rootfs/b", "rootfs/h"),
            missing,
        ),
        (
            "PAX linkpath outside",
            aci()
                .file("rootfs/f", "")
                .pax([("linkpath", "../victim")])
                .hard_link("rootfs/h", "rootfs/f"),
            "not beneath the root",
        ),
        (
            "GNU long link outside",
            aci()
                .file("rootfs/f", "")
                .gnu_long(b'K', victim.as_bytes())
                .hard_link("rootfs/h", "rootfs/f"),
            "not beneath the root",
        ),
        (
            "over a file",
            aci()
                .file("rootfs/f", "")
                .file("rootfs/h", "")
                .hard_link("rootfs/h", "rootfs/f"),
            "same name",
        ),
        (
            "written through",
            aci()
                .file("rootfs/f", "")
                .hard_link("rootfs/h", "rootfs/f")
                .file("rootfs/h", "x"),
            "same name",
        ),
        (
            "early, over a file",
            aci()
                .hard_link("rootfs/h", "rootfs/f")
                .file("rootfs/f", "")
                .file("rootfs/h", ""),
            "same name",
        ),
        (
            "early, over a directory that was made for a file",
            aci()
                .hard_link("rootfs/h", "rootfs/l")
                .symlink("rootfs/l", outside)
                .file("rootfs/h/victim", "x"),
            "same name",
        ),
        (
            "without target",
            aci().entry(&RawHeader::new(b'1', b"rootfs/h", 0), b""),
            "link target is empty",
        ),
        (
            "zero in the target",
            aci()
                .pax([("linkpath", "rootfs/f\0x")])
                .hard_link("rootfs/h", "rootfs/f"),
            "contains a zero byte",
        ),
    ];
    cases.extend(rows.map(|(attack, archive, rule)| {
        refused(&format!("hard link {attack}"), archive, "rootfs/h", rule)
    }));
    // Readers disagree on whether data follows a link that has a size; here it does not, for none of
    // GNU tar, Go and us.
    let hidden = aci().file("../victim", "x").unfinished();
    let hidden = &hidden[hidden.len() - 1024..];
    let link = RawHeader::new(b'1', b"rootfs/h", 512).link(b"rootfs/f");
    cases.push(refused(
        "an entry hidden in the data of a hard link",
        aci().file("rootfs/f", "").entry(&link, b"").raw(hidden),
        "../victim",
        "contains \"..\"",
    ));
    cases
}
