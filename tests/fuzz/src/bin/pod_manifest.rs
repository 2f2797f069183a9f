//! Pod manifests: no bytes make the reader panic, and what it accepts it writes so that it reads back the
//! same.

use gantry_types::{PodManifest, RootPlan, lastditch};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let _ = RootPlan::from_json(data);
    if let Ok(mut manifest) = PodManifest::from_json(data) {
        let again = PodManifest::from_json(&manifest.to_json_pretty("\t"));
        if let (None, Ok(again)) = (&manifest.ac_version, &again) {
            // A version that was absent is written as ours.
            manifest.ac_version.clone_from(&again.ac_version);
        }
        assert!(
            again.is_ok_and(|again| again == manifest),
            "reads back differently"
        );
        assert!(
            lastditch::PodManifest::from_json(data).is_ok(),
            "the last-ditch reader refused it"
        );
    }
});
