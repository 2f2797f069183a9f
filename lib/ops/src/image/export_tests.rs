use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use gantry_archive::digest::Sha512;
use gantry_types::ImageId;

use super::sample::{Sample, gzip, plain};
use super::{Export, ExportError, export};

fn to(sample: &Sample, id: &ImageId, name: &str, options: (bool, bool)) -> Result<(), ExportError> {
    let file = sample.path(name);
    let (overwrite, as_received) = options;
    export(
        &sample.store,
        id,
        &Export {
            file: &file,
            overwrite,
            as_received,
        },
    )
}

#[test]
fn an_image_is_exported_bit_for_bit_plain_or_as_it_was_received() {
    let sample = Sample::new();
    let plain = plain("app", "", |root| {
        root.file("rootfs/file", "x".repeat(70_000))
    });
    let mut received = gzip(&plain);
    // Bytes behind the compressed stream are no part of the image, but of what was received.
    received.extend([0; 17]);
    let id = sample.fetch("app", &received);
    to(&sample, &id, "plain", (false, false)).unwrap();
    to(&sample, &id, "received", (false, true)).unwrap();
    let exported = fs::read(sample.path("plain")).unwrap();
    assert!(exported == plain);
    assert_eq!(ImageId::from_digest(Sha512::of(&exported)), id);
    assert!(fs::read(sample.path("received")).unwrap() == received);
    let mode = fs::metadata(sample.path("plain")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o7133, 0);
}

#[test]
fn a_file_that_is_there_stays_unless_it_may_be_overwritten() {
    let sample = Sample::new();
    let id = sample.fetch("app", &plain("app", "", |root| root));
    fs::write(sample.path("out"), "old").unwrap();
    let error = to(&sample, &id, "out", (false, false)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "output ACI file exists (try --overwrite)"
    );
    assert_eq!(fs::read_to_string(sample.path("out")).unwrap(), "old");
    to(&sample, &id, "out", (true, false)).unwrap();
    assert!(fs::read(sample.path("out")).unwrap().len() > 1024);
}

#[test]
fn the_store_itself_is_not_written_to() {
    let sample = Sample::new();
    let id = sample.fetch("app", &plain("app", "", |root| root));
    symlink(sample.store.root(), sample.path("link")).unwrap();
    for name in ["data/store/blobs/x", "link/images/x.json"] {
        let error = to(&sample, &id, name, (true, false)).unwrap_err();
        assert!(matches!(error, ExportError::InStore { .. }), "{error}");
    }
}

#[test]
fn a_damaged_blob_leaves_no_file() {
    let sample = Sample::new();
    let image = plain("app", "", |root| root.file("rootfs/file", [7; 3000]));
    for (name, image) in [("plain", image.clone()), ("gzip", gzip(&image))] {
        let id = sample.fetch(name, &image);
        sample.damage_blob(&id);
        for as_received in [false, true] {
            let error = to(&sample, &id, "out", (false, as_received)).unwrap_err();
            let named = format!("{error:?}");
            assert!(named.contains("blobs/sha512"), "{named}");
            assert!(!sample.path("out").exists());
        }
        fs::remove_file(
            sample
                .store
                .blob_path(&sample.store.record(&id).unwrap().layers[0].digest),
        )
        .unwrap();
        let error = to(&sample, &id, "out", (false, false)).unwrap_err();
        assert!(matches!(error, ExportError::Read { .. }), "{error}");
        let nothing = &mut || Ok(gantry_store::InUse::default());
        sample.store.remove(&id, nothing).unwrap();
    }
}
