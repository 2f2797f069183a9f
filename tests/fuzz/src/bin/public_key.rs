//! Whatever a key file holds, reading it ends, and what it yields can be shown and written.
//!
//! Invariant: a key that parses has a fingerprint that parses as a file name of the keystore, its user
//! IDs hold no control characters, and the same bytes parse again to the same key. Its mark as legacy
//! never makes a key unfit, and merged with itself it stays as it is.

#![cfg_attr(feature = "libfuzzer", no_main)]
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use gantry_trust::{Fingerprint, PublicKey};

fn target(data: &[u8]) {
    let Ok(key) = PublicKey::parse(data) else {
        return;
    };
    let fingerprint = key.fingerprint();
    assert_eq!(
        fingerprint.as_str().parse::<Fingerprint>().ok().as_ref(),
        Some(&fingerprint)
    );
    assert!(
        key.user_ids()
            .iter()
            .all(|id| !id.contains(char::is_control))
    );
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    if key.unfit(now).is_none() {
        assert_eq!(key.unfit_as_legacy(now), None);
    }
    let _ = (
        key.algorithm(),
        key.version(),
        key.created(),
        key.expires(now),
    );
    let merged = key.merged_with(&key);
    assert_eq!(
        merged.map(|key| key.armored().to_vec()).as_deref(),
        Some(data)
    );
    let again = PublicKey::parse(key.armored()).map(|key| key.fingerprint());
    assert_eq!(again.ok(), Some(fingerprint));
}

gantry_fuzz::fuzz_target!(target);
