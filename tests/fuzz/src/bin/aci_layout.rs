//! Invariant: whatever the bytes, validation ends with a verdict; and an image that is valid has a
//! manifest that is found without validation, and says the same. A survey finds nothing wrong exactly where
//! the list of files can be had, and both are the same list.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_archive::aci::{read_manifest, validate_with};
use gantry_archive::limits::Limits;
use gantry_archive::list::{ListOptions, list, survey};
use gantry_types::ImageManifest;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        max_output: 64 << 20,
        max_entries: 10_000,
        ..Limits::default()
    };
    if let Ok(manifest) = validate_with(data, &limits) {
        let bytes = read_manifest(data).expect("a valid image has a manifest");
        assert_eq!(ImageManifest::from_json(&bytes).ok(), Some(manifest));
    }
    let options = ListOptions {
        digests: true,
        limits: Limits {
            max_hashed_holes: 1 << 20,
            ..limits
        },
    };
    match (list(data, &options), survey(data, &options)) {
        (Ok(listing), Ok(survey)) => {
            assert!(survey.problems.is_empty());
            assert_eq!(survey.files, listing.files);
            assert_eq!(
                survey.stream,
                Some((listing.image_id, listing.stream_bytes))
            );
        }
        (Err(_), Ok(survey)) => assert!(!survey.problems.is_empty()),
        (listing, Err(_)) => assert!(listing.is_err()),
    }
});
