//! Whatever a keyring file holds, reading it ends, and nothing is taken for what it is not.
//!
//! Invariant: a keyring that parses names every key by its fingerprint, asks for places that the keystore
//! has only, and is written so that it reads as the same keyring again, in the same bytes.

#![cfg_attr(feature = "libfuzzer", no_main)]
#![forbid(unsafe_code)]

use gantry_trust::Bundle;

fn target(data: &[u8]) {
    let Ok(bundle) = Bundle::parse(data) else {
        return;
    };
    let text = String::from_utf8_lossy(data);
    for entry in bundle.entries() {
        assert!(entry.scope.has_place());
        assert!(text.contains(entry.key.fingerprint().as_str()));
    }
    let written = bundle.to_bytes();
    let again = Bundle::parse(&written).map(|bundle| bundle.to_bytes());
    assert_eq!(again.ok(), Some(written));
}

gantry_fuzz::fuzz_target!(target);
