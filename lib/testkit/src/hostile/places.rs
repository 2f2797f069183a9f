//! Links on the way, roots that are replaced, and entries that come twice.

use super::{Case, aci, refused};
use crate::archive::{ArchiveBuilder, MANIFEST, RawHeader};

pub(super) fn cases(outside: &str) -> Vec<Case> {
    let mut cases = links_on_the_way(outside);
    cases.extend(roots());
    cases.extend(duplicates(outside));
    cases
}

fn links_on_the_way(outside: &str) -> Vec<Case> {
    let rule = "symbolic link lies on the way";
    let mut cases = Vec::new();
    for (attack, target) in [
        ("symlinked parent", "../.."),
        ("absolute symlinked parent", outside),
        ("symlink to the root", "/"),
        ("symlink to itself", "l"),
        ("symlink to where we stand", "/proc/self/cwd"),
        ("symlink to an open directory", "/proc/self/fd/3"),
        ("symlink to nothing", "nothing"),
    ] {
        let archive = aci()
            .symlink("rootfs/l", target)
            .file("rootfs/l/victim", "x");
        cases.push(refused(attack, archive, "rootfs/l/victim", rule));
    }
    let linked = || aci().symlink("rootfs/l", outside);
    cases.extend([
        refused(
            "harmless symlinked parent",
            aci()
                .directory("rootfs/d")
                .symlink("rootfs/l", "d")
                .file("rootfs/l/f", "x"),
            "rootfs/l/f",
            rule,
        ),
        refused(
            "symlinked grandparent",
            aci()
                .symlink("rootfs/l", "../..")
                .file("rootfs/l/target/x", "x"),
            "rootfs/l/target/x",
            rule,
        ),
        refused(
            "links in a chain",
            aci()
                .symlink("rootfs/a", "b")
                .symlink("rootfs/b", "../..")
                .file("rootfs/a/victim", "x"),
            "rootfs/a/victim",
            rule,
        ),
        refused(
            "directory through a link",
            linked().directory("rootfs/l/d"),
            "rootfs/l/d",
            rule,
        ),
        refused(
            "a directory that is there, through a link",
            linked().directory("rootfs/l/etc"),
            "rootfs/l/etc",
            rule,
        ),
        refused(
            "link through a link",
            linked().symlink("rootfs/l/m", "x"),
            "rootfs/l/m",
            rule,
        ),
        refused(
            "FIFO through a link",
            linked().fifo("rootfs/l/fifo"),
            "rootfs/l/fifo",
            rule,
        ),
        refused(
            "through a hard link to a symlink",
            linked()
                .hard_link("rootfs/h", "rootfs/l")
                .file("rootfs/h/victim", "x"),
            "rootfs/h/victim",
            rule,
        ),
        refused(
            "parent is a file",
            aci().file("rootfs/f", "").file("rootfs/f/x", ""),
            "rootfs/f/x",
            "not a directory",
        ),
        refused(
            "parent is a FIFO",
            aci().fifo("rootfs/f").file("rootfs/f/x", ""),
            "rootfs/f/x",
            "not a directory",
        ),
    ]);
    cases
}

fn roots() -> Vec<Case> {
    let new = ArchiveBuilder::new;
    let file = RawHeader::new(b'0', b".", 0);
    vec![
        refused(
            "root is a link",
            new().symlink("rootfs", "..").file("manifest", MANIFEST),
            "rootfs",
            "is not a directory",
        ),
        refused(
            "root replaced by a link",
            aci().symlink("rootfs", ".."),
            "rootfs",
            "is not a directory",
        ),
        refused(
            "root replaced by a file",
            aci().file("./rootfs", ""),
            "rootfs",
            "is not a directory",
        ),
        refused(
            "root replaced by a FIFO",
            aci().fifo("rootfs/."),
            "rootfs",
            "is not a directory",
        ),
        refused(
            "root hard-linked",
            aci().hard_link("rootfs", "manifest"),
            "rootfs",
            "is not a directory",
        ),
        refused(
            "a file at the top",
            aci().entry(&file, b""),
            "\".\"",
            "unrecognized file path in layout",
        ),
        refused(
            "manifest is a link",
            new().directory("rootfs").symlink("manifest", "/etc/passwd"),
            "manifest",
            "not a regular file",
        ),
        refused(
            "manifest is a hard link",
            new()
                .directory("rootfs")
                .file("rootfs/m", "")
                .hard_link("manifest", "rootfs/m"),
            "manifest",
            "not a regular file",
        ),
        refused(
            "manifest is a FIFO",
            new().directory("rootfs").fifo("manifest"),
            "manifest",
            "not a regular file",
        ),
        refused(
            "manifest is a directory",
            new().directory("rootfs").directory("manifest"),
            "manifest",
            "not a regular file",
        ),
        refused(
            "manifest of many megabytes",
            new()
                .directory("rootfs")
                .entry(&RawHeader::new(b'0', b"manifest", 1 << 30), b""),
            "manifest",
            "is larger than",
        ),
        refused(
            "no root",
            new().file("manifest", MANIFEST),
            "",
            "no rootfs found",
        ),
        refused(
            "no manifest",
            new().directory("rootfs"),
            "",
            "no image manifest found",
        ),
    ]
}

fn duplicates(outside: &str) -> Vec<Case> {
    let rule = "same name";
    let victim = format!("{outside}/victim");
    let mut cases = vec![
        refused(
            "duplicate manifest",
            aci().file("manifest", MANIFEST),
            "manifest",
            "duplicate file entry in archive",
        ),
        refused(
            "duplicate by dots",
            aci().file("rootfs/e", "a").file("./rootfs/./e", "b"),
            "./rootfs/./e",
            rule,
        ),
        refused(
            "duplicate directory",
            aci().directory("rootfs/e").directory("rootfs/e/"),
            "rootfs/e/",
            rule,
        ),
    ];
    for (attack, archive) in [
        (
            "duplicate file",
            aci().file("rootfs/e", "a").file("rootfs/e", "b"),
        ),
        (
            "duplicate implicit directory",
            aci()
                .file("rootfs/e/f", "")
                .directory("rootfs/e")
                .directory("rootfs/e"),
        ),
        (
            "link that replaces a file",
            aci().file("rootfs/e", "").symlink("rootfs/e", &victim),
        ),
        (
            "link that replaces a directory",
            aci().directory("rootfs/e").symlink("rootfs/e", outside),
        ),
        (
            "link that replaces an implicit directory",
            aci().file("rootfs/e/f", "").symlink("rootfs/e", outside),
        ),
        (
            "write through a link",
            aci().symlink("rootfs/e", &victim).file("rootfs/e", "x"),
        ),
        (
            "write through a link to nothing",
            aci()
                .symlink("rootfs/e", &format!("{outside}/new"))
                .file("rootfs/e", "x"),
        ),
        (
            "mode and owner through a link",
            aci().symlink("rootfs/e", outside).directory("rootfs/e"),
        ),
        (
            "write into a FIFO, which waits for a reader",
            aci().fifo("rootfs/e").file("rootfs/e", "x"),
        ),
        (
            "FIFO over a file",
            aci().file("rootfs/e", "x").fifo("rootfs/e"),
        ),
    ] {
        cases.push(refused(attack, archive, "rootfs/e", rule));
    }
    cases
}
