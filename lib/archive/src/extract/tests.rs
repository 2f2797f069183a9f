//! What hostile archives try, and what becomes of honest ones.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use gantry_testkit::needs_root;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::digest::Sha512;

/// A directory to extract to, beside files that nothing may touch.
struct Place {
    temporary: TempDir,
}

impl Place {
    fn new() -> Self {
        let temporary = TempDir::new().unwrap();
        fs::create_dir(temporary.path().join("target")).unwrap();
        fs::write(temporary.path().join("victim"), "untouched").unwrap();
        Self { temporary }
    }

    fn target(&self) -> std::path::PathBuf {
        self.temporary.path().join("target")
    }

    fn extract(&self, archive: &[u8], options: &ExtractOptions) -> Result<Extracted, ExtractError> {
        self.watched(|target| extract_aci(archive, target, options))
    }

    fn extract_rootfs(&self, archive: ArchiveBuilder) -> Result<(), ExtractError> {
        self.watched(|target| extract_rootfs(archive.finish().as_slice(), target, &options()))
    }

    fn watched<T>(&self, extract: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
        let target = File::open(self.target()).unwrap();
        let outcome = extract(target.as_fd());
        let names: Vec<_> = fs::read_dir(self.temporary.path()).unwrap().collect();
        assert_eq!(names.len(), 2, "something was made beside the target");
        let victim = self.temporary.path().join("victim");
        assert_eq!(fs::read(&victim).unwrap(), b"untouched");
        assert_eq!(fs::metadata(&victim).unwrap().nlink(), 1);
        outcome
    }
}

fn options() -> ExtractOptions {
    let ownership = match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    };
    ExtractOptions {
        ownership,
        ..ExtractOptions::default()
    }
}

fn header(type_flag: u8, name: &[u8]) -> RawHeader {
    RawHeader::new(type_flag, name, 0)
}

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

#[test]
fn limits_on_entries_totals_and_waiting_memory_hold() {
    let many = (0..100).fold(ArchiveBuilder::aci(), |archive, i| {
        archive.directory(&format!("rootfs/{i}"))
    });
    let cases = [
        (
            Limits {
                max_entries: 50,
                ..Limits::default()
            },
            "more than 50 entries",
        ),
        (
            Limits {
                max_deferred: 5000,
                ..Limits::default()
            },
            "too many directories",
        ),
        (
            Limits {
                max_output: 20_000,
                ..Limits::default()
            },
            "cannot read the archive",
        ),
    ];
    for (limits, expected) in cases {
        let options = ExtractOptions {
            limits,
            ..options()
        };
        let error = Place::new()
            .extract(&many.clone().finish(), &options)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_compression_bomb_stops_at_the_limit() {
    let mut bomb = Vec::new();
    let mut encoder =
        crate::compress::Encoder::new(&mut bomb, crate::compress::Compression::Gzip).unwrap();
    encoder
        .write_all(&ArchiveBuilder::aci().unfinished())
        .unwrap();
    let size = 64_u64 << 20;
    let head = ArchiveBuilder::new().entry(&RawHeader::new(b'0', b"rootfs/zeros", size), b"");
    encoder.write_all(&head.unfinished()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap();
    let limits = Limits {
        max_ratio: 100,
        ratio_floor: 1 << 20,
        ..Limits::default()
    };
    let place = Place::new();
    let error = place
        .extract(
            &bomb,
            &ExtractOptions {
                limits,
                ..options()
            },
        )
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "data expands more than 100 times on decompression");
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        fs::metadata(place.target().join("rootfs/zeros"))
            .unwrap()
            .len()
            < 8 << 20
    );
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let archive = ArchiveBuilder::aci()
        .file("rootfs/f", vec![b'a'; 1500])
        .hard_link("rootfs/h", "rootfs/f")
        .finish();
    for length in (0..archive.len() - 1024)
        .step_by(512)
        .chain([100, 700, 1100])
    {
        let outcome = Place::new().extract(&archive[..length], &options());
        assert!(outcome.is_err(), "cut at {length}");
    }
}

#[test]
fn a_wrong_checksum_and_garbage_between_entries_are_refused() {
    let header = RawHeader::new(b'0', b"rootfs/f", 0)
        .field(148, b"0000000\0")
        .keep_checksum();
    for archive in [
        ArchiveBuilder::aci().entry(&header, b"").finish(),
        ArchiveBuilder::aci()
            .raw(&[0; 512])
            .file("rootfs/f", "")
            .finish(),
    ] {
        let error = Place::new().extract(&archive, &options()).unwrap_err();
        assert!(
            error.to_string().contains("no valid header at byte"),
            "{error}"
        );
    }
}

#[test]
fn what_follows_the_end_marker_counts_for_the_id_only() {
    let archive = ArchiveBuilder::aci().finish();
    let tail = ArchiveBuilder::new().file("rootfs/ghost", "x").finish();
    let archive = [archive, tail].concat();
    let place = Place::new();
    let extracted = place.extract(&archive, &options()).unwrap();
    assert_eq!(extracted.image_id.digest(), &Sha512::of(&archive));
    assert!(!place.target().join("rootfs/ghost").exists());
    assert_eq!(
        (extracted.entries, extracted.bytes),
        (2, MANIFEST.len() as u64)
    );
}

#[test]
fn an_honest_archive_comes_out_as_it_says() {
    let archive = ArchiveBuilder::new()
        .directory("./")
        .hard_link("rootfs/early/again", "rootfs/early/link")
        .hard_link("rootfs/early/link", "./rootfs/file")
        .entry(&RawHeader::new(b'5', b"rootfs/", 0).mode(0o750), b"")
        .pax([("mtime", "-1.25"), ("SCHILY.xattr.user.key", "value")])
        .entry(
            &RawHeader::new(b'0', b"./rootfs/file", 3).mode(0o4755),
            b"abc",
        )
        .symlink("rootfs/link", "../../outside")
        .hard_link("rootfs/linked-link", "rootfs/link")
        .gnu_long(b'L', &[b"rootfs/".as_slice(), &[b'n'; 200]].concat())
        .file("x", "long")
        .entry(&RawHeader::new(b'5', b"rootfs/closed", 0).mode(0o500), b"")
        .file("rootfs/closed/inside", "x")
        .file("manifest", MANIFEST)
        .finish();
    let place = Place::new();
    let extracted = place.extract(&archive, &options()).unwrap();
    assert_eq!(extracted.manifest, MANIFEST.as_bytes());
    assert_eq!(extracted.image_id.digest(), &Sha512::of(&archive));
    let root = place.target().join("rootfs");
    assert_eq!(fs::metadata(&root).unwrap().mode() & 0o7777, 0o750);
    let file = fs::metadata(root.join("file")).unwrap();
    assert_eq!(
        (file.mode() & 0o7777, file.nlink(), file.len()),
        (0o4755, 3, 3)
    );
    assert_eq!((file.mtime(), file.mtime_nsec()), (-2, 750_000_000));
    assert_eq!(
        fs::metadata(root.join("early/again")).unwrap().ino(),
        file.ino()
    );
    let mut value = [0; 5];
    rustix::fs::getxattr(root.join("file"), "user.key", &mut value[..]).unwrap();
    assert_eq!(&value, b"value");
    assert_eq!(
        fs::read_link(root.join("linked-link")).unwrap(),
        Path::new("../../outside")
    );
    assert_eq!(fs::read(root.join("n".repeat(200))).unwrap(), b"long");
    let closed = fs::metadata(root.join("closed")).unwrap();
    assert_eq!((closed.mode() & 0o777, closed.mtime()), (0o500, 1));
    assert_eq!(
        fs::metadata(root.join("early")).unwrap().mode() & 0o777,
        0o755
    );
}

#[test]
fn every_sparse_format_of_gnu_tar_is_read() {
    let source = TempDir::new().unwrap();
    fs::create_dir(source.path().join("rootfs")).unwrap();
    fs::write(source.path().join("manifest"), MANIFEST).unwrap();
    let sparse = File::create(source.path().join("rootfs/sparse")).unwrap();
    for index in 0..30_u64 {
        sparse
            .write_all_at(&[b'a' + index as u8; 100], index << 20)
            .unwrap();
    }
    sparse.set_len(40 << 20).unwrap();
    let expected = Sha512::of(&fs::read(source.path().join("rootfs/sparse")).unwrap());
    let formats: [&[&str]; 4] = [
        &["--format=gnu"],
        &["--format=posix", "--sparse-version=0.0"],
        &["--format=posix", "--sparse-version=0.1"],
        &["--format=posix", "--sparse-version=1.0"],
    ];
    for format in formats {
        let output = Command::new("tar")
            .args(format)
            .args(["-S", "-c", "-f", "-", "manifest", "rootfs"])
            .current_dir(source.path())
            .output()
            .unwrap();
        assert!(
            output.stdout.len() < 1 << 20,
            "{format:?}: holes are not stored"
        );
        let place = Place::new();
        place
            .extract(&output.stdout, &options())
            .map_err(|e| format!("{format:?}: {e}"))
            .unwrap();
        let file = place.target().join("rootfs/sparse");
        assert!(
            Sha512::of(&fs::read(&file).unwrap()) == expected,
            "{format:?}"
        );
        assert!(
            fs::metadata(&file).unwrap().blocks() < 2048,
            "{format:?}: holes stay holes"
        );
    }
}

#[test]
fn without_root_owners_are_ignored_and_devices_refused() {
    let options = ExtractOptions {
        ownership: Ownership::CurrentUser,
        ..ExtractOptions::default()
    };
    let archive = ArchiveBuilder::aci()
        .pax([
            ("SCHILY.xattr.security.capability", "x"),
            ("SCHILY.xattr.trusted.key", "x"),
        ])
        .entry(
            &RawHeader::new(b'0', b"rootfs/f", 0).owner(12345, 54321),
            b"",
        )
        .fifo("rootfs/fifo");
    let place = Place::new();
    place.extract(&archive.clone().finish(), &options).unwrap();
    let file = fs::metadata(place.target().join("rootfs/f")).unwrap();
    assert_eq!(file.uid(), rustix::process::geteuid().as_raw());

    let with_device = archive.char_device("rootfs/null", 1, 3).finish();
    let error = Place::new().extract(&with_device, &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"archive entry "rootfs/null" is refused: devices cannot be created without root"#
    );
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.hint().is_some());
}

#[test]
fn with_root_owners_and_devices_are_kept() {
    if !needs_root() {
        return;
    }
    let archive = ArchiveBuilder::aci()
        .entry(
            &RawHeader::new(b'0', b"rootfs/f", 0)
                .owner(12345, 54321)
                .mode(0o6755),
            b"",
        )
        .char_device("rootfs/null", 1, 3)
        .finish();
    let place = Place::new();
    place.extract(&archive, &options()).unwrap();
    let file = fs::metadata(place.target().join("rootfs/f")).unwrap();
    assert_eq!(
        (file.uid(), file.gid(), file.mode() & 0o7777),
        (12345, 54321, 0o6755)
    );
    let device = fs::metadata(place.target().join("rootfs/null")).unwrap();
    assert_eq!(device.rdev(), rustix::fs::makedev(1, 3));
}

#[test]
fn a_target_that_holds_a_root_already_is_refused() {
    let place = Place::new();
    symlink("..", place.target().join("rootfs")).unwrap();
    let error = place
        .extract(&ArchiveBuilder::aci().finish(), &options())
        .unwrap_err();
    assert_eq!(error.to_string(), r#"cannot create "rootfs""#);
}

#[derive(Debug, Clone)]
enum Op {
    File(String),
    Directory(String),
    Symlink(String, String),
    HardLink(String, String),
}

#[test]
fn a_plain_archive_becomes_the_root() {
    let place = Place::new();
    let archive = ArchiveBuilder::new()
        .hard_link("early", "./bin/tool")
        .directory("./bin/")
        .file("./bin/tool", "tool")
        .hard_link("late", "bin/tool")
        .symlink("etc", "/victim")
        .file("rootfs/file", "nothing special")
        .file("manifest", "nothing special");
    place.extract_rootfs(archive).unwrap();
    let root = place.target().join("rootfs");
    assert_eq!(fs::metadata(&root).unwrap().mode() & 0o7777, 0o755);
    for name in ["bin/tool", "early", "late"] {
        assert_eq!(fs::read(root.join(name)).unwrap(), b"tool", "{name}");
    }
    assert_eq!(
        fs::read_link(root.join("etc")).unwrap(),
        Path::new("/victim")
    );
    assert!(root.join("rootfs/file").exists() && root.join("manifest").exists());
    assert_eq!(fs::read_dir(place.target()).unwrap().count(), 1);

    let place = Place::new();
    let top = header(b'5', b"./").mode(0o711);
    let archive = ArchiveBuilder::new().entry(&top, b"").file("a", "");
    place.extract_rootfs(archive).unwrap();
    let mode = fs::metadata(place.target().join("rootfs")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o711);
}

#[test]
fn a_plain_archive_is_held_to_the_same_rules() {
    let new = ArchiveBuilder::new;
    for (archive, message) in [
        (new().file("../victim", "x"), "contains \"..\""),
        (new().file("/victim", "x"), "is absolute"),
        (new().file("a", "").file("./a", ""), "the same name"),
        (
            new().symlink("up", "..").file("up/victim", "x"),
            "symbolic link",
        ),
        (new().entry(&header(b'0', b"."), b""), "name is empty"),
        (new().hard_link("a", "../victim"), "not beneath the root"),
        (new().hard_link("a", "/victim"), "not beneath the root"),
        (new().hard_link("a", "."), "is a directory"),
        (
            new().hard_link("a", "b"),
            "hard link to \"b\", which is not in the archive",
        ),
    ] {
        let place = Place::new();
        let error = place.extract_rootfs(archive).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn attributes_of_the_machine_that_made_the_archive_stay_there() {
    if !needs_root() {
        return;
    }
    let place = Place::new();
    let archive = ArchiveBuilder::aci()
        .pax([(
            "SCHILY.xattr.security.selinux",
            "system_u:object_r:init_exec_t:s0\0",
        )])
        .file("rootfs/a", "");
    place.extract(&archive.finish(), &options()).unwrap();
    let file = File::open(place.target().join("rootfs/a")).unwrap();
    let label = gantry_sys::xattr::get(
        gantry_sys::xattr::XattrTarget::Open(file.as_fd()),
        c"security.selinux",
    );
    assert_ne!(
        label.unwrap_or_default(),
        b"system_u:object_r:init_exec_t:s0\0"
    );
}

fn any_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("a"),
        Just("b"),
        Just(".."),
        Just("."),
        Just(""),
        Just("c")
    ];
    let start = prop_oneof![4 => Just("rootfs/"), 1 => Just(""), 1 => Just("/")];
    (start, prop::collection::vec(part, 0..4))
        .prop_map(|(start, parts)| start.to_owned() + &parts.join("/"))
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any_path().prop_map(Op::File),
        any_path().prop_map(Op::Directory),
        (any_path(), any_path()).prop_map(|(path, target)| Op::Symlink(path, target)),
        (any_path(), any_path()).prop_map(|(path, target)| Op::HardLink(path, target)),
    ]
}

proptest! {
    /// Whatever entries an archive has, in whatever order: nothing outside the target changes.
    #[test]
    fn nothing_leaves_the_target(ops in prop::collection::vec(any_op(), 0..12)) {
        let archive = ops.iter().fold(ArchiveBuilder::aci(), |archive, op| match op {
            Op::File(path) => archive.file(path, "x"),
            Op::Directory(path) => archive.directory(path),
            Op::Symlink(path, target) => archive.symlink(path, target),
            Op::HardLink(path, target) => archive.hard_link(path, target),
        });
        let _ = Place::new().extract(&archive.finish(), &options());
    }
}
