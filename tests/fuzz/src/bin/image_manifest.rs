//! Image manifests: no bytes make the reader panic, and what it accepts it writes so that it reads back
//! the same, compact and laid out. What is JSON does not differ from itself.

use gantry_types::{ImageManifest, Isolator, kind_of, lastditch, manifest_changes};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let _ = kind_of(data);
    if let Ok(changes) = manifest_changes(data, data) {
        assert_eq!(changes, []);
    }
    if let Ok(name) = "resource/memory".parse() {
        let _ = Isolator::from_json_value(name, data);
    }
    if let Ok(manifest) = ImageManifest::from_json(data) {
        let compact = ImageManifest::from_json(&manifest.to_json());
        assert!(
            compact.is_ok_and(|again| again == manifest),
            "compact form reads back differently"
        );
        let laid_out = ImageManifest::from_json(&manifest.to_json_pretty("    "));
        assert!(
            laid_out.is_ok_and(|again| again == manifest),
            "laid out form reads back differently"
        );
        assert!(
            lastditch::ImageManifest::from_json(data).is_ok(),
            "the last-ditch reader refused it"
        );
    }
});
