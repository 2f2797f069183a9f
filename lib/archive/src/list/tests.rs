use std::os::fd::AsFd;

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};

use super::*;
use crate::digest::{Sha256, Sha512};

fn digests() -> ListOptions {
    ListOptions {
        digests: true,
        limits: Limits::default(),
    }
}

fn listed(archive: ArchiveBuilder) -> Result<Listing, AciError> {
    list(archive.finish().as_slice(), &digests())
}

fn paths(files: &FileList) -> Vec<String> {
    let paths = files.files().iter().map(|file| &file.path);
    paths
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect()
}

#[test]
fn every_entry_is_listed_in_its_order_with_what_it_has() {
    let header = RawHeader::new(b'0', b"./rootfs/usr//bin/su", 3)
        .mode(0o4755)
        .owner(7, 8);
    let archive = ArchiveBuilder::new()
        .directory("./rootfs/")
        .pax([("SCHILY.xattr.user.z", "2"), ("SCHILY.xattr.user.a", "1")])
        .entry(&header, b"abc")
        .hard_link("rootfs/su", "./rootfs/usr/bin/su")
        .file("manifest", MANIFEST)
        .symlink("rootfs/link", "/etc/x")
        .char_device("rootfs/null", 1, 3)
        .fifo("rootfs/pipe");
    let bytes = archive.clone().finish();
    let listing = listed(archive).unwrap();
    assert_eq!(
        paths(&listing.files),
        ["", "usr/bin/su", "su", "link", "null", "pipe"]
    );
    let [root, su, link, symlink, null, pipe] = listing.files.files() else {
        unreachable!("six files");
    };
    assert_eq!((root.position, pipe.position), (0, 6));
    assert_eq!((su.mode, su.uid, su.gid, su.size), (0o4755, 7, 8, 3));
    assert_eq!(su.mtime.seconds, 1);
    assert_eq!(su.digest, Some(Sha256::of(b"abc")));
    let names: Vec<_> = su.xattrs.iter().map(|xattr| &*xattr.name).collect();
    assert_eq!(names, [b"user.a", b"user.z"]);
    assert_eq!(link.kind, FileKind::HardLink((*b"usr/bin/su").into()));
    assert_eq!((link.size, link.digest), (0, None));
    assert_eq!(symlink.kind, FileKind::Symlink((*b"/etc/x").into()));
    assert_eq!(null.kind, FileKind::CharDevice { major: 1, minor: 3 });
    assert_eq!(pipe.kind, FileKind::Fifo);
    assert_eq!(listing.manifest, MANIFEST.as_bytes());
    assert_eq!(listing.manifest_entry.position, 3);
    assert_eq!(listing.stream_bytes, bytes.len() as u64);
    assert_eq!(listing.image_id, ImageId::from_digest(Sha512::of(&bytes)));
}

#[test]
fn a_sparse_file_has_the_digest_of_its_content() {
    // Five bytes of a file of twelve: "ab" at 1 and "cde" at 6.
    let sparse = ArchiveBuilder::aci()
        .pax([
            ("GNU.sparse.size", "12"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "1,2,6,3"),
        ])
        .file("rootfs/a", "abcde");
    let sparse = listed(sparse).unwrap().files;
    let content = b"\0ab\0\0\0cde\0\0\0";
    let file = &sparse.files()[1];
    assert_eq!((file.size, file.digest), (12, Some(Sha256::of(content))));
    let plain = listed(ArchiveBuilder::aci().file("rootfs/a", content)).unwrap();
    assert_eq!(plain.files.files()[1].digest, file.digest);
}

#[test]
fn holes_and_names_have_limits() {
    let hole = |size: &str| {
        let records = [
            ("GNU.sparse.size", size),
            ("GNU.sparse.numblocks", "0"),
            ("GNU.sparse.map", ""),
        ];
        ArchiveBuilder::aci().pax(records).file("rootfs/a", "")
    };
    let error = listed(hole("99999999999")).unwrap_err().to_string();
    assert!(error.contains("holes of sparse files"), "{error}");
    assert!(
        list(
            hole("99999999999").finish().as_slice(),
            &ListOptions::default()
        )
        .is_ok()
    );

    let many = (0..50).fold(ArchiveBuilder::aci(), |archive, index| {
        archive.file(&format!("rootfs/{index}"), "")
    });
    let limits = Limits {
        max_list: 40 * FileList::ENTRY_BYTES,
        ..Limits::default()
    };
    let options = ListOptions {
        digests: false,
        limits,
    };
    let bytes = many.finish();
    let error = list(bytes.as_slice(), &options).unwrap_err().to_string();
    assert!(error.contains("the list of files takes more"), "{error}");
    let survey = survey(bytes.as_slice(), &options).unwrap();
    assert!((30..40).contains(&survey.files.files().len()));
    assert!(survey.stream.is_some(), "the rest was read all the same");
    assert_eq!(survey.problems.len(), 1);
}

#[test]
fn a_list_is_of_valid_images_only() {
    for (archive, message) in [
        (
            ArchiveBuilder::new().directory("rootfs"),
            "no image manifest found in layout",
        ),
        (
            ArchiveBuilder::new().file("manifest", MANIFEST),
            "no rootfs found in layout",
        ),
        (
            ArchiveBuilder::aci()
                .file("rootfs/a", "")
                .file("rootfs/./a", ""),
            "duplicate file entry in archive: rootfs/a",
        ),
        (
            ArchiveBuilder::aci().file("stray", ""),
            "unrecognized file path in layout: \"stray\"",
        ),
        (
            ArchiveBuilder::aci().hard_link("rootfs/a", "../a"),
            "hard link to \"../a\", which is not beneath the root",
        ),
        (
            ArchiveBuilder::aci().hard_link("rootfs/a", "manifest"),
            "hard link to \"manifest\", which is not beneath the root",
        ),
    ] {
        let error = listed(archive).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_survey_goes_on_behind_what_is_wrong() {
    let archive = ArchiveBuilder::new()
        .file("rootfs/a", "")
        .file("rootfs/../b", "")
        .file("stray", "")
        .file("rootfs/a", "x")
        .symlink("manifest", "x")
        .file("rootfs/c", "");
    let survey = survey(archive.finish().as_slice(), &digests()).unwrap();
    assert_eq!(paths(&survey.files), ["a", "c"]);
    assert!(survey.stream.is_some() && survey.manifest.is_none());
    let problems: Vec<_> = survey.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "archive entry \"rootfs/../b\" is refused: its name contains \"..\"",
            "unrecognized file path in layout: \"stray\"",
            "duplicate file entry in archive: rootfs/a",
            "error reading image manifest: it is not a regular file",
            "no rootfs found in layout",
        ]
    );
}

#[test]
fn a_survey_tells_what_stands_before_the_end_of_a_cut_archive() {
    let archive = ArchiveBuilder::aci()
        .file("rootfs/a", "x")
        .file("rootfs/b", [b'y'; 2000]);
    let bytes = archive.unfinished();
    let survey = survey(&bytes[..bytes.len() - 1024], &digests()).unwrap();
    assert_eq!(paths(&survey.files), ["", "a"]);
    assert_eq!(survey.manifest.unwrap().0, MANIFEST.as_bytes());
    let problems: Vec<_> = survey.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["the archive is truncated: it ends within entry \"rootfs/b\""]
    );
}

#[test]
fn a_tree_is_listed_as_the_image_that_is_built_of_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "content").unwrap();
    std::fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    let rootfs = std::fs::File::open(dir.path()).unwrap();
    let listing = list_tree(MANIFEST.as_bytes(), rootfs.as_fd(), &digests()).unwrap();
    assert_eq!(paths(&listing.files), ["", "a", "b"]);
    let [_, a, b] = listing.files.files() else {
        unreachable!("three files");
    };
    assert_eq!(a.digest, Some(Sha256::of(b"content")));
    assert_eq!(b.kind, FileKind::HardLink((*b"a").into()));

    let limits = Limits {
        max_list: 1,
        ..Limits::default()
    };
    let options = ListOptions {
        digests: true,
        limits,
    };
    let error = list_tree(MANIFEST.as_bytes(), rootfs.as_fd(), &options).unwrap_err();
    assert!(matches!(error, ListTreeError::Image(_)), "{error}");
}
