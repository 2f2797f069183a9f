//! Invariant: whatever the bytes, validation ends with a verdict; and an image that is valid has a
//! manifest that is found without validation, and says the same.

use gantry_archive::aci::{read_manifest, validate_with};
use gantry_archive::limits::Limits;
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
});
