//! Whatever a signature file holds, checking it ends, and nothing but a signature by us is good.
//!
//! Invariant: no signature file makes these bytes good, because no key whose private half is known signed
//! them; and without keys no verdict is anything but unknown.

#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use gantry_trust::{PublicKey, Scope, TrustedKey, Verdict, verify_detached};

const KEY: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/builder.asc");

fn target(data: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let unsigned: &[u8] = b"bytes that nobody has signed";
    if let Ok(verdict) = verify_detached(unsigned, data, &[], now) {
        assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict}");
    }
    let Ok(key) = PublicKey::parse(KEY) else {
        return;
    };
    let keys = [TrustedKey::new(key, Scope::Root, None)];
    if let Ok(verdict) = verify_detached(unsigned, data, &keys, now) {
        assert!(!verdict.is_good(), "{verdict}");
    }
}

gantry_fuzz::fuzz_target!(target);
