use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};

use super::*;

fn verdict(archive: ArchiveBuilder) -> String {
    match validate(archive.finish().as_slice()) {
        Ok(manifest) => format!("ok {}", manifest.name),
        Err(error) => error.to_string(),
    }
}

#[test]
fn layouts_are_judged_in_the_words_of_the_original() {
    let new = ArchiveBuilder::new;
    let aci = ArchiveBuilder::aci;
    let cases = [
        (aci(), "ok example.com/app"),
        (
            new()
                .directory("rootfs")
                .file("rootfs/a", "")
                .file("manifest", MANIFEST),
            "ok example.com/app",
        ),
        (
            new()
                .directory("./")
                .directory("./rootfs/")
                .file("./manifest", MANIFEST),
            "ok example.com/app",
        ),
        (
            aci()
                .file("rootfs/manifest", "junk")
                .directory("rootfs/dir/rootfs"),
            "ok example.com/app",
        ),
        (aci().directory("rootfs"), "ok example.com/app"),
        (
            new().directory("rootfs"),
            "no image manifest found in layout",
        ),
        (
            new().file("manifest", MANIFEST),
            "no rootfs found in layout",
        ),
        (
            new().file("manifest", MANIFEST).file("rootfs/a", ""),
            "no rootfs found in layout",
        ),
        (
            new().file("manifest", MANIFEST).file("rootfs", ""),
            "rootfs is not a directory",
        ),
        (aci().symlink("rootfs", "/"), "rootfs is not a directory"),
        (
            aci().file("rootfs/a", "").file("./rootfs//a", ""),
            "duplicate file entry in archive: rootfs/a",
        ),
        (
            aci().file("manifest", MANIFEST),
            "duplicate file entry in archive: manifest",
        ),
        (
            new().directory("rootfs").file("manifest", "{"),
            "image manifest validation failed",
        ),
        (
            new().directory("rootfs").symlink("manifest", "x"),
            "error reading image manifest: it is not a regular file",
        ),
        (
            aci().file("stray", ""),
            r#"unrecognized file path in layout: "stray""#,
        ),
        (
            aci().file("rootfsX/y", ""),
            r#"unrecognized file path in layout: "rootfsX/y""#,
        ),
        (
            new().file("stray", "").directory("rootfs"),
            "no image manifest found in layout",
        ),
        (
            new()
                .file("stray", "")
                .directory("rootfs")
                .file("manifest", "{"),
            "image manifest validation failed",
        ),
        (
            aci().file("rootfs/../x", ""),
            r#"archive entry "rootfs/../x" is refused: its name contains "..""#,
        ),
        (
            aci().file("/rootfs/x", ""),
            r#"archive entry "/rootfs/x" is refused: its name is absolute"#,
        ),
    ];
    for (archive, expected) in cases {
        assert_eq!(verdict(archive), expected);
    }
}

#[test]
fn an_archive_cut_at_any_block_is_refused() {
    let archive = ArchiveBuilder::aci()
        .pax([("path", "rootfs/long")])
        .file("x", vec![b'a'; 1500])
        .directory("rootfs/dir")
        .finish();
    let content = archive.len() - 1024;
    for length in (0..content).step_by(512).chain((1..content).step_by(77)) {
        assert!(validate(&archive[..length]).is_err(), "cut at {length}");
    }
    // The first block of the end marker is enough: no content is missing.
    assert!(validate(&archive[..content + 512]).is_ok());
    assert!(matches!(
        validate(&archive[..content]),
        Err(AciError::Archive(TarError::MissingEnd { .. }))
    ));
}

#[test]
fn the_manifest_is_found_wherever_it_is_and_given_as_stored() {
    let odd = "{ \"not\": \"a manifest\" }\n";
    let archive = ArchiveBuilder::new()
        .directory("rootfs")
        .file("./manifest", odd)
        .finish();
    assert_eq!(read_manifest(archive.as_slice()).unwrap(), odd.as_bytes());
    let without = ArchiveBuilder::new().directory("rootfs").finish();
    assert!(matches!(
        read_manifest(without.as_slice()),
        Err(AciError::ManifestMissing)
    ));
}

#[test]
fn a_name_that_others_resolve_to_the_manifest_is_refused() {
    for name in ["x/../manifest", "/manifest"] {
        let archive = ArchiveBuilder::new().file(name, MANIFEST);
        let error = read_manifest(archive.finish().as_slice()).unwrap_err();
        assert!(error.to_string().contains("is refused"), "{error}");
    }
}

#[test]
fn a_manifest_of_any_size_is_not_read_into_memory() {
    let size = Limits::default().max_manifest + 1;
    let archive = ArchiveBuilder::new().entry(&RawHeader::new(b'0', b"manifest", size), b"");
    let error = read_manifest(archive.finish().as_slice()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the manifest is larger than 4194304 bytes"),
        "{error}"
    );
}

#[test]
fn what_an_archive_lacks_to_be_an_image_is_told() {
    let new = ArchiveBuilder::new;
    for (archive, expected) in [
        (ArchiveBuilder::aci(), None),
        (ArchiveBuilder::aci().file("stray", ""), None),
        (new().file("rootfs/a", "").file("manifest", ""), None),
        (new().file("etc/passwd", ""), Some("manifest")),
        (new().directory("rootfs"), Some("manifest")),
        (new().file("manifest", "").directory("bin"), Some("rootfs")),
    ] {
        let missing = missing_part(archive.finish().as_slice()).unwrap();
        assert_eq!(missing, expected);
    }
}
