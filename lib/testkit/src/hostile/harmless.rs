//! Archives that look as if they attacked, or would attack another system or a careless extractor: here
//! they are what they say.

use super::{Case, aci, extracted, with_devices};
use crate::archive::{ArchiveBuilder, MANIFEST, RawHeader};

pub(super) fn cases(outside: &str) -> Vec<Case> {
    let mut cases = names();
    cases.extend(links(outside));
    cases.extend(headers());
    cases
}

fn names() -> Vec<Case> {
    let files = |names: &[&str]| {
        names
            .iter()
            .fold(aci(), |archive, name| archive.file(name, *name))
    };
    let deep = "rootfs".to_owned() + &"/d".repeat(500);
    vec![
        extracted(
            "names that differ in case only",
            files(&["rootfs/A/x", "rootfs/a/X", "rootfs/a/x"]),
        ),
        extracted(
            "names that differ in composition only",
            files(&["rootfs/\u{fc}", "rootfs/u\u{308}", "rootfs/U\u{308}"]),
        ),
        extracted(
            "dots that are none",
            files(&[
                "rootfs/\u{ff0e}\u{ff0e}/x",
                "rootfs/\u{2025}/x",
                "rootfs/.../x",
            ]),
        ),
        extracted(
            "dots in longer bytes than UTF-8 allows",
            aci().entry(&RawHeader::new(b'0', b"rootfs/\xc0\xae\xc0\xae/x", 0), b""),
        ),
        extracted(
            "dots with something invisible",
            files(&["rootfs/..\u{200d}/x", "rootfs/.\u{200b}./x", "rootfs/.. /x"]),
        ),
        extracted(
            "backslashes and drives",
            files(&[r"rootfs/..\..\victim", r"rootfs/C:\x", "rootfs/con"]),
        ),
        extracted(
            "what terminals and shells take for orders",
            files(&[
                "rootfs/-rf",
                "rootfs/$(x)",
                "rootfs/a\nb",
                "rootfs/\u{1b}[2J",
                "rootfs/ ",
            ]),
        ),
        extracted(
            "names of whiteouts",
            files(&[
                "rootfs/f",
                "rootfs/.wh.f",
                "rootfs/d/.wh..wh..opq",
                "rootfs/.wh..",
                "rootfs/.wh...",
                "rootfs/.wh.",
            ]),
        ),
        extracted(
            "names of the layout within the root",
            files(&["rootfs/manifest", "rootfs/rootfs/manifest"]),
        ),
        extracted(
            "deep nesting",
            aci().pax([("path", deep.as_str())]).directory("x"),
        ),
        extracted(
            "dots and slashes that mean nothing",
            ArchiveBuilder::new()
                .directory("./")
                .file("././manifest", MANIFEST)
                .directory(".//rootfs//")
                .directory("rootfs")
                .file("rootfs//.//x", ""),
        ),
    ]
}

fn links(outside: &str) -> Vec<Case> {
    vec![
        extracted(
            "links to anywhere, which nobody follows",
            aci()
                .symlink("rootfs/up", "../../../../../..")
                .symlink("rootfs/outside", outside)
                .symlink("rootfs/self", "self")
                .symlink("rootfs/proc", "/proc/self/mem"),
        ),
        extracted(
            "a hard link to a symbolic link, which is the same link",
            aci()
                .symlink("rootfs/l", &format!("{outside}/victim"))
                .hard_link("rootfs/h", "rootfs/l"),
        ),
        extracted(
            "hard links before their target, and to one another",
            aci()
                .hard_link("rootfs/a", "rootfs/b")
                .hard_link("rootfs/b", "rootfs/d/c")
                .file("rootfs/d/c", "x"),
        ),
        extracted(
            "a FIFO that nobody opens",
            aci().fifo("rootfs/f").hard_link("rootfs/g", "rootfs/f"),
        ),
        with_devices(extracted(
            "devices, which nobody opens",
            aci()
                .char_device("rootfs/null", 1, 3)
                .char_device("rootfs/whiteout", 0, 0)
                .char_device("rootfs/mem", 1, 1),
        )),
    ]
}

fn headers() -> Vec<Case> {
    let hidden = aci().file("../victim", "").unfinished();
    let hidden = &hidden[hidden.len() - 512..];
    vec![
        extracted(
            "an entry in the data, which a PAX size covers",
            aci()
                .pax([("size", "512")])
                .entry(&RawHeader::new(b'0', b"rootfs/f", 0), hidden),
        ),
        extracted(
            "entries behind the end",
            aci().raw(&[0; 1024]).file("../victim", "x"),
        ),
        extracted(
            "a long name that ends at its first zero",
            aci()
                .gnu_long(b'L', b"rootfs/a\0/../../victim")
                .file("x", ""),
        ),
        extracted(
            "records that take others back",
            aci()
                .pax([
                    ("path", "../victim"),
                    ("path", ""),
                    ("size", "9"),
                    ("size", ""),
                ])
                .file("rootfs/f", ""),
        ),
        extracted(
            "attributes of other systems and of the machine",
            aci()
                .pax([
                    ("SCHILY.xattr.com.apple.quarantine", "x"),
                    ("SCHILY.xattr.security.selinux", "system_u:object_r:x_t:s0"),
                    ("LIBARCHIVE.xattr.user.x", "eA"),
                    ("SCHILY.acl.ace", "owner@:rw::allow"),
                ])
                .file("rootfs/f", ""),
        ),
        extracted(
            "a root that nobody may enter",
            aci().entry(&RawHeader::new(b'5', b"rootfs", 0).mode(0), b""),
        ),
        extracted(
            "permission bits and more",
            aci().entry(
                &RawHeader::new(b'0', b"rootfs/f", 0).field(100, b"7777777\0"),
                b"",
            ),
        ),
    ]
}
