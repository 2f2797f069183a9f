//! References to images in registries: no text makes the reader panic, and what it accepts is printed so that
//! it reads back the same, and leads to a host and a repository that a URL can hold as they are.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_remote::Url;
use gantry_types::oci::Reference;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(reference) = text.parse::<Reference>() else {
        return;
    };
    let printed = reference.to_string();
    let again: Reference = printed.parse().expect("what is printed is a reference");
    assert_eq!(again.to_string(), printed);
    let (host, repository) = (reference.registry_host(), reference.repository());
    if let Ok(url) = Url::parse(&format!("https://{host}/v2/{repository}/x")) {
        assert_eq!(url.path(), format!("/v2/{repository}/x"));
        assert!(url.username().is_empty() && url.password().is_none());
    }
});
