//! Image manifests: no bytes make the reader panic, what it accepts it writes so that it reads back the same,
//! compact and laid out, and findings are errors exactly if it refuses.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::check::findings;
use gantry_types::{AcKind, ImageManifest, Isolator, PodManifest, kind_of, lastditch};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    if let Ok(name) = "resource/memory".parse() {
        let _ = Isolator::from_json_value(name, data);
    }
    let read = ImageManifest::from_json(data);
    let found = findings(data, Some(AcKind::ImageManifest));
    assert_eq!(found.valid(), read.is_ok(), "{found:?}");
    assert!(found.list.len() <= 2000, "more findings than are kept");
    // Without a kind that is wanted it is the one that the document says.
    let valid = match kind_of(data) {
        Ok(AcKind::ImageManifest) => read.is_ok(),
        Ok(AcKind::PodManifest) => PodManifest::from_json(data).is_ok(),
        Err(_) => false,
    };
    assert_eq!(findings(data, None).valid(), valid);
    if let Ok(manifest) = read {
        let text = manifest.to_json();
        let compact = ImageManifest::from_json(&text);
        assert!(
            compact.is_ok_and(|again| again == manifest && again.to_json() == text),
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
