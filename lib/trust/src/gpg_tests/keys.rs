//! Key files as gpg exports them, and what copies of one key know.

use std::time::SystemTime;

use gantry_types::Diagnostic;

use super::lab::{Lab, THEN};
use crate::{PublicKey, Scope, TrustedKey, Unfit, VerifyError, verify_detached};

#[test]
fn copies_of_a_key_share_what_is_known_and_reading_stops_where_it_can() {
    let Some(lab) = Lab::new() else { return };
    let key = lab.key("key", "ed25519", "sign", &[]);
    let data = lab.file("data", b"content");
    let signature = lab.gpg.detach_sign(&key, &data);
    let prefix = Scope::Prefix("example.com".parse().unwrap());
    let fresh = PublicKey::parse(&lab.gpg.export(&key)).unwrap();
    let now = SystemTime::now();
    let check = |keys: &[TrustedKey]| {
        verify_detached(b"content".as_slice(), &signature, keys, now).unwrap()
    };

    // The scope shown is the narrowest.
    let in_root = TrustedKey::new(fresh.clone(), Scope::Root, None);
    let in_prefix = TrustedKey::new(fresh, prefix, None);
    let verdict = check(&[in_root.clone(), in_prefix.clone()]);
    let text = verdict.to_string();
    assert!(text.contains("(key <key@example.com>)"), "{text}");
    assert!(
        text.ends_with("trusted for prefix \"example.com\""),
        "{text}"
    );
    assert_eq!(verdict.signers().unwrap().len(), 1);

    // Nothing of the file is needed to see that nobody of ours signed it.
    let unreadable = || Failing;
    let unknown = verify_detached(unreadable(), &signature, &[], now).unwrap();
    let text = unknown.to_string();
    assert!(
        text.starts_with("openpgp: signature made by unknown entity"),
        "{text}"
    );
    assert!(text.contains(&key), "{text}");
    let rejection = unknown.signers().unwrap_err();
    assert!(rejection.hint().unwrap().contains("rkt trust"));
    let keys = std::slice::from_ref(&in_root);
    let error = verify_detached(unreadable(), &signature, keys, now).unwrap_err();
    assert!(matches!(&error, VerifyError::Read { source } if source.to_string() == "disk on fire"));

    // One copy that knows of the revocation is enough.
    lab.gpg.revoke(&key);
    let revoked = PublicKey::parse(&lab.gpg.export(&key)).unwrap();
    let revoked = TrustedKey::new(revoked, Scope::Root, None);
    assert!(check(std::slice::from_ref(&in_prefix)).is_good());
    let verdict = check(&[revoked, in_prefix]);
    assert!(verdict.to_string().contains("key is revoked"), "{verdict}");
}

/// A file that cannot be read.
struct Failing;

impl std::io::Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("disk on fire"))
    }
}

#[test]
fn a_key_file_is_one_public_key_in_armour() {
    let Some(lab) = Lab::new() else { return };
    let one = &lab.key("one", "ed25519", "cert", &[]);
    lab.gpg.add_subkey(one, "ed25519", "sign", "never");
    let two = &lab.key("two", "ed25519", "sign", THEN);
    let armored = lab.gpg.export(one);

    let key = PublicKey::parse(&armored).unwrap();
    assert_eq!(key.fingerprint().as_str(), one);
    assert_eq!(key.user_ids(), ["one <one@example.com>"]);
    assert_eq!(key.subkeys().len(), 1);
    assert_eq!(key.armored(), armored);
    assert_eq!(key.unfit(SystemTime::now()), None);
    let past = SystemTime::now() - std::time::Duration::from_secs(86_400);
    assert!(matches!(
        key.unfit(past),
        Some(Unfit::Invalid(_) | Unfit::NotYetValid(_))
    ));
    let old = PublicKey::parse(&lab.gpg.export(two)).unwrap();
    assert!(matches!(
        old.unfit(SystemTime::now()),
        Some(Unfit::Expired(_))
    ));

    let both = [armored.clone(), lab.gpg.export(two)].concat();
    let binary = lab.gpg.export_binary(&[one]);
    let secret = lab.gpg.export_secret(one);
    let signature = lab.gpg.detach_sign(one, &lab.file("data", b"x"));
    let bad: [(&[u8], &str); 7] = [
        (b"", "no ASCII-armored public key in it"),
        (b"fine words\n", "no ASCII-armored public key in it"),
        (&binary, "key is not ASCII-armored"),
        (&both, "it holds 2 keys, expected exactly one"),
        (&secret, "it holds a private key"),
        (
            &signature,
            "no ASCII-armored public key in it (found PGP SIGNATURE)",
        ),
        (
            &armored[..armored.len() / 2],
            "key is damaged or not understood",
        ),
    ];
    for (bytes, expected) in bad {
        assert_eq!(PublicKey::parse(bytes).unwrap_err().to_string(), expected);
    }
}

/// The wider rules for one key must say nothing about another, whatever a signature claims.
#[test]
fn a_mark_speaks_for_its_own_key_only() {
    let Some(lab) = Lab::new() else { return };
    let old = lab.key("old", "rsa2048", "sign", &[]);
    let new = lab.key("new", "rsa2048", "sign", &[]);
    let data = lab.file("data", b"content");
    let weak = ["--digest-algo=SHA1", "--detach-sign"];
    let trust = |key: &String, legacy| {
        let key = PublicKey::parse(&lab.gpg.export(key)).unwrap();
        TrustedKey::new(key, Scope::Root, None).with_legacy(legacy)
    };
    let check = |signer: &String, keys: &[TrustedKey]| {
        let signature = lab.sign(&[signer], &weak, &data);
        let now = SystemTime::now();
        verify_detached(b"content".as_slice(), &signature, keys, now).unwrap()
    };
    let keys = [trust(&old, true), trust(&new, false)];
    assert!(check(&old, &keys).is_good());
    let verdict = check(&new, &keys);
    assert!(verdict.to_string().contains("too weak: SHA1"), "{verdict}");
    // Signed by both: only the marked one counts, and the verdict says why.
    let both = lab.sign(&[&old, &new], &weak, &data);
    let verdict = verify_detached(b"content".as_slice(), &both, &keys, SystemTime::now()).unwrap();
    let signers = verdict.signers().unwrap();
    assert_eq!(signers.len(), 1);
    assert!(signers[0].legacy && signers[0].to_string().ends_with("(legacy key)"));
}

#[test]
fn a_key_that_is_added_again_forgets_nothing() {
    let Some(lab) = Lab::new() else { return };
    let name = lab.key("key", "ed25519", "sign", &[]);
    let parse = || PublicKey::parse(&lab.gpg.export(&name)).unwrap();
    let young = parse();
    lab.gpg.revoke(&name);
    let revoked = parse();
    assert!(young.unfit(SystemTime::now()).is_none());
    for (one, other) in [(&young, &revoked), (&revoked, &young)] {
        let merged = one.merged_with(other).unwrap();
        assert_eq!(merged.armored(), revoked.armored());
        let keystore = crate::Keystore::new(None, lab.file("x", b"").with_file_name("etc"));
        keystore.add_root_key(one).unwrap();
        keystore.add_root_key(other).unwrap();
        let kept = keystore.root_keys().keys.remove(0);
        let unfit = kept.unfit(SystemTime::now());
        assert!(matches!(unfit, Some(Unfit::Revoked(_))), "{unfit:?}");
    }
    // Each knows something that the other does not: a user ID, a revocation.
    let other = lab.key("other", "ed25519", "sign", &[]);
    let first = PublicKey::parse(&lab.gpg.export(&other)).unwrap();
    lab.gpg.add_subkey(&other, "ed25519", "sign", "never");
    let second = PublicKey::parse(&lab.gpg.export(&other)).unwrap();
    assert_eq!(first.merged_with(&second).unwrap().subkeys().len(), 1);
    assert!(first.merged_with(&young).is_none());
}

#[test]
fn a_key_tells_what_it_is() {
    let Some(lab) = Lab::new() else { return };
    let now = SystemTime::now();
    for (algorithm, shown) in [
        ("ed25519", "ed25519"),
        ("rsa2048", "rsa2048"),
        ("dsa1024", "dsa1024"),
        ("nistp384", "nistp384"),
        ("brainpoolP256r1", "brainpoolP256r1"),
        ("secp256k1", "secp256k1"),
    ] {
        let name = lab.key(algorithm, algorithm, "sign", THEN);
        let key = PublicKey::parse(&lab.gpg.export(&name)).unwrap();
        assert_eq!((key.algorithm().as_str(), key.version()), (shown, 4));
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(seconds(key.created()).as_secs(), 1_577_836_800);
        let expires = key.expires(now).map(|time| seconds(time).as_secs());
        // What a key says that cannot be checked is not believed.
        let checked = !matches!(algorithm, "brainpoolP256r1" | "secp256k1");
        assert_eq!(expires, checked.then_some(1_577_836_800 + 86_400));
    }
}
