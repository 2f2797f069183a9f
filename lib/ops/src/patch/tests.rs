use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use gantry_archive::aci::read_manifest;
use gantry_archive::compress::{Encoder, sniff};
use gantry_testkit::archive::{ArchiveBuilder, MANIFEST};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with an image `in.aci`.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("in.aci", &image());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn patch(&self, output: &Output) -> Result<Patched, String> {
        let edits = ManifestEdits {
            name: Some("example.com/new".to_owned()),
            ..ManifestEdits::default()
        };
        self.patch_with(output, &NewManifest::Edited(edits.into()))
    }

    fn patch_with(&self, output: &Output, manifest: &NewManifest) -> Result<Patched, String> {
        patch(
            &self.path("in.aci"),
            output,
            manifest,
            PatchOptions::default(),
        )
        .map_err(|error| {
            let mut text = error.to_string();
            if let Some(source) = error.source() {
                text.push_str(&format!(": {source}"));
            }
            text.replace(&self.0.path().display().to_string(), "DIR")
        })
    }

    fn output(&self, name: &str, overwrite: bool) -> Output {
        Output::File {
            path: self.path(name),
            overwrite,
        }
    }

    fn name_in(&self, file: &str) -> String {
        let image = fs::read(self.path(file)).unwrap();
        let manifest = read_manifest(image.as_slice()).unwrap();
        ImageManifest::from_json(&manifest)
            .unwrap()
            .name
            .to_string()
    }
}

fn image() -> Vec<u8> {
    ArchiveBuilder::aci().finish()
}

#[test]
fn a_copy_is_made_beside_the_image_or_in_its_place() {
    let folder = Folder::new();
    folder.patch(&folder.output("out.aci", false)).unwrap();
    assert_eq!(folder.name_in("out.aci"), "example.com/new");
    assert_eq!(fs::read(folder.path("in.aci")).unwrap(), image());
    assert_eq!(
        folder.patch(&folder.output("out.aci", false)).unwrap_err(),
        "Output file exists (try --overwrite)"
    );
    folder.write("out.aci", b"old");
    folder.patch(&folder.output("out.aci", true)).unwrap();
    assert_eq!(folder.name_in("out.aci"), "example.com/new");
    folder.patch(&Output::InPlace).unwrap();
    assert_eq!(folder.name_in("in.aci"), "example.com/new");
    assert_eq!(folder.names(), ["in.aci", "out.aci"]);
    // Even an image that is its own output, which the original empties first.
    folder.write("in.aci", &image());
    folder.patch(&folder.output("in.aci", true)).unwrap();
    assert_eq!(folder.name_in("in.aci"), "example.com/new");
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_a_link_stays_one() {
    let folder = Folder::new();
    let mode = |name| {
        let found = fs::metadata(folder.path(name)).unwrap();
        found.permissions().mode() & 0o7777
    };
    fs::rename(folder.path("in.aci"), folder.path("real")).unwrap();
    fs::set_permissions(folder.path("real"), Permissions::from_mode(0o640)).unwrap();
    symlink("real", folder.path("in.aci")).unwrap();
    folder.patch(&Output::InPlace).unwrap();
    assert!(folder.path("in.aci").is_symlink());
    assert_eq!(
        (folder.name_in("real"), mode("real")),
        ("example.com/new".into(), 0o640)
    );
    folder.write("out", b"");
    fs::set_permissions(folder.path("out"), Permissions::from_mode(0o604)).unwrap();
    folder.patch(&folder.output("out", true)).unwrap();
    assert_eq!(mode("out"), 0o604);
    let null = Output::File {
        path: "/dev/null".into(),
        overwrite: true,
    };
    assert_eq!(
        folder.patch(&null).unwrap_err(),
        "/dev/null is not a regular file"
    );
}

#[test]
fn on_failure_nothing_changes_and_nothing_is_left() {
    let folder = Folder::new();
    let edits = |name: &str| {
        let edits = ManifestEdits {
            name: Some(name.to_owned()),
            ..ManifestEdits::default()
        };
        NewManifest::Edited(edits.into())
    };
    let file = |name: &str| NewManifest::File(folder.path(name));
    folder.write("empty", b"");
    folder.write("large", &vec![b' '; MAX_MANIFEST_BYTES + 1]);
    folder.write("old.aci", b"old");
    let long = ArchiveBuilder::aci()
        .file("rootfs/a", vec![1; 1 << 20])
        .finish();
    let good = ArchiveBuilder::aci().finish();
    let cut = &long[..long.len() - 1024];
    let bad = ArchiveBuilder::new().file("manifest", "{}").finish();
    for (content, manifest, message) in [
        (
            &good[..],
            edits("A"),
            "Unable to read DIR/in.aci: ACIdentifier must contain",
        ),
        (
            cut,
            edits("a"),
            "Unable to read DIR/in.aci: the archive is truncated",
        ),
        (
            &bad,
            edits("a"),
            "Unable to read DIR/in.aci: missing or bad ACKind",
        ),
        // Also where a file brings another.
        (
            &bad,
            file("old.aci"),
            "Unable to read DIR/in.aci: missing or bad ACKind",
        ),
        (
            b"text",
            edits("a"),
            "Cannot extract DIR/in.aci: unknown image filetype",
        ),
        (&good, file("none"), "Cannot open DIR/none: No such file"),
        (&good, file("empty"), "Cannot read DIR/empty: it is empty"),
        (
            &good,
            file("large"),
            "Cannot read DIR/large: it is larger than",
        ),
    ] {
        folder.write("in.aci", content);
        let names = folder.names();
        for output in [
            folder.output("new.aci", false),
            folder.output("new.aci", true),
            folder.output("old.aci", true),
            Output::InPlace,
        ] {
            let error = folder.patch_with(&output, &manifest).unwrap_err();
            assert!(error.starts_with(message), "{error}");
            assert_eq!(folder.names(), names);
            assert_eq!(fs::read(folder.path("in.aci")).unwrap(), content);
            assert_eq!(fs::read(folder.path("old.aci")).unwrap(), b"old");
        }
    }
    fs::remove_file(folder.path("in.aci")).unwrap();
    let error = folder.patch(&folder.output("new.aci", false)).unwrap_err();
    assert!(error.starts_with("Cannot open DIR/in.aci: "), "{error}");
    assert!(folder.patch(&Output::InPlace).is_err());
    let error = folder
        .patch(&folder.output("no/new.aci", false))
        .unwrap_err();
    assert!(
        error.starts_with("Unable to open output DIR/no/new.aci: "),
        "{error}"
    );
}

#[test]
fn a_manifest_from_a_file_goes_in_as_it_is() {
    let folder = Folder::new();
    let output = folder.output("out.aci", true);
    let brought = NewManifest::File(folder.path("manifest"));
    for (text, valid) in [
        (MANIFEST.replacen('{', "{ \n\"unknown\": 1,", 1), true),
        ("not even JSON".to_owned(), false),
    ] {
        folder.write("manifest", text.as_bytes());
        let patched = folder.patch_with(&output, &brought).unwrap();
        assert_eq!(patched.invalid.is_none(), valid);
        let image = fs::read(folder.path("out.aci")).unwrap();
        assert_eq!(read_manifest(image.as_slice()).unwrap(), text.as_bytes());
    }
}

#[test]
fn the_compression_stays_or_goes() {
    let folder = Folder::new();
    let mut encoder = Encoder::new(Vec::new(), Compression::Xz).unwrap();
    encoder.write_all(&image()).unwrap();
    folder.write("in.aci", &encoder.finish().unwrap());
    folder.patch(&folder.output("out.aci", false)).unwrap();
    let kind = |name| sniff(&fs::read(folder.path(name)).unwrap());
    assert_eq!(kind("out.aci"), Some(Compression::Xz));
    let edits = NewManifest::Edited(Box::default());
    let plain = PatchOptions {
        uncompressed: true,
        threads: 2,
    };
    patch(&folder.path("in.aci"), &Output::InPlace, &edits, plain).unwrap();
    assert_eq!(kind("in.aci"), Some(Compression::None));
}
