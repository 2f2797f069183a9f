//! Invariant: whatever the bytes, extraction changes nothing outside its target, and what it reports as
//! extracted is there.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use gantry_archive::extract::{ExtractOptions, Ownership, extract_aci};
use gantry_archive::limits::Limits;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let place = std::env::temp_dir().join(format!("gantry-fuzz-extract-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("target")).expect("the temporary directory is writable");
    fs::write(place.join("victim"), "untouched").expect("the temporary directory is writable");
    let target = File::open(place.join("target")).expect("it was just made");
    let options = ExtractOptions {
        ownership: Ownership::CurrentUser,
        limits: Limits {
            max_output: 16 << 20,
            max_entries: 1000,
            ..Limits::default()
        },
    };
    let extracted = extract_aci(data, target.as_fd(), &options);
    let names = fs::read_dir(&place).expect("it was just made").count();
    assert_eq!(names, 2, "nothing was made beside the target");
    assert_eq!(
        fs::read(place.join("victim")).ok().as_deref(),
        Some(b"untouched".as_slice())
    );
    let links = fs::metadata(place.join("victim")).map(|metadata| metadata.nlink());
    assert_eq!(links.ok(), Some(1), "the victim has one name");
    if let Ok(extracted) = extracted {
        let manifest = fs::read(place.join("target/manifest"));
        assert_eq!(manifest.ok(), Some(extracted.manifest));
        assert!(place.join("target/rootfs").is_dir());
    }
    let _ = fs::remove_dir_all(&place);
});
