//! Documents of OCI and Docker images: no bytes make the readers panic, what is a manifest is no index, and
//! what is accepted is written so that it reads back the same.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::oci::{Document, ImageConfig, Index, Manifest, Platform};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    if let Ok(config) = ImageConfig::from_json(data) {
        let again = ImageConfig::from_json(&config.to_json());
        assert!(again.is_ok_and(|again| again == config));
    }
    let (manifest, index) = (
        Manifest::from_json(data, None).ok(),
        Index::from_json(data, None).ok(),
    );
    assert!(manifest.is_none() || index.is_none(), "two things at once");
    match Document::from_json(data, None) {
        Ok(Document::Manifest(read)) => {
            let again = Manifest::from_json(&read.to_json(), Some(&read.media_type));
            assert!(again.is_ok_and(|again| again == read));
            assert_eq!(manifest, Some(read));
        }
        Ok(Document::Index(read)) => {
            let again = Index::from_json(&read.to_json(), Some(&read.media_type));
            assert!(again.is_ok_and(|again| again == read));
            let chosen = Platform::host().choose(&read.manifests);
            assert!(
                chosen.is_ok_and(|chosen| read.manifests.contains(chosen))
                    || !read
                        .manifests
                        .iter()
                        .any(|image| image.platform.is_none() && image.media_type.is_manifest())
            );
            assert_eq!(index, Some(read));
        }
        Err(_) => assert!(manifest.is_none() && index.is_none()),
    }
});
