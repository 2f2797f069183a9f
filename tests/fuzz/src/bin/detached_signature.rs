//! Whatever a signature file holds, checking it ends, and nothing but a signature of these very bytes by a
//! trusted key is good.
//!
//! Invariant: no signature file makes bytes good that nobody has signed, and without keys no verdict is
//! anything but unknown. A good signature makes no other bytes good than those it is of, also where its key
//! is marked as legacy. The input stands for the signature file first, and for the signed bytes then; the
//! private halves of the keys are gone.

#![cfg_attr(feature = "libfuzzer", no_main)]
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use gantry_trust::{PublicKey, Scope, TrustedKey, Verdict, verify_detached};

const KEY: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/builder.asc");
const SIGNER: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/signer.asc");
const VETERAN: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/veteran.asc");
/// What the corpus file `signed-bytes` holds.
const SIGNED: &[u8] = b"bytes that somebody has signed\n";
/// By the signer.
const BY_SIGNER: &[u8] = include_bytes!("../../../../fixtures/fuzz/detached_signature/data.sig");
/// By the veteran: DSA and SHA-1.
const BY_VETERAN: &[u8] = include_bytes!("../../../../fixtures/fuzz/detached_signature/dsa.sig");

fn target(data: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let unsigned: &[u8] = b"bytes that nobody has signed";
    if let Ok(verdict) = verify_detached(unsigned, data, &[], now) {
        assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict}");
    }
    let keys: Vec<TrustedKey> = [(KEY, false), (SIGNER, false), (VETERAN, true)]
        .into_iter()
        .filter_map(|(key, legacy)| {
            let key = PublicKey::parse(key).ok()?;
            Some(TrustedKey::new(key, Scope::Root, None).with_legacy(legacy))
        })
        .collect();
    assert_eq!(keys.len(), 3);
    if let Ok(verdict) = verify_detached(unsigned, data, &keys, now) {
        assert!(!verdict.is_good(), "{verdict}");
    }
    for signature in [BY_SIGNER, BY_VETERAN] {
        let verdict = verify_detached(data, signature, &keys, now);
        let good = verdict.is_ok_and(|verdict| verdict.is_good());
        assert_eq!(good, data == SIGNED);
    }
}

gantry_fuzz::fuzz_target!(target);
