//! Pod manifests: no bytes make the reader panic, what it accepts it writes so that it reads back the same,
//! and findings are errors exactly if it refuses.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::check::findings;
use gantry_types::{AcKind, PodManifest, RootPlan, lastditch};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let _ = RootPlan::from_json(data);
    let read = PodManifest::from_json(data);
    let found = findings(data, Some(AcKind::PodManifest));
    assert_eq!(found.valid(), read.is_ok(), "{found:?}");
    assert!(found.list.len() <= 2000, "more findings than are kept");
    if let Ok(mut manifest) = read {
        let text = manifest.to_json_pretty("\t");
        let again = PodManifest::from_json(&text);
        if let (None, Ok(again)) = (&manifest.ac_version, &again) {
            // A version that was absent is written as ours.
            manifest.ac_version.clone_from(&again.ac_version);
        }
        assert!(
            again.is_ok_and(|again| again == manifest && again.to_json_pretty("\t") == text),
            "reads back differently"
        );
        assert!(
            lastditch::PodManifest::from_json(data).is_ok(),
            "the last-ditch reader refused it"
        );
    }
});
