//! Finding the key of a signature among thousands.

use std::fs;
use std::path::Path;

use super::lab::Lab;
use crate::{DetachedSignature, Keystore, PublicKey};

/// Far more keys than anyone trusts.
const MANY: u32 = 3000;

/// Puts an exported key where keys that may sign everything are.
fn trust(root: &Path, armored: &[u8]) -> String {
    let name = PublicKey::parse(armored).unwrap().fingerprint();
    fs::write(root.join(name.as_str()), armored).unwrap();
    name.as_str().to_owned()
}

#[test]
fn of_thousands_of_keys_those_are_read_that_a_signature_names() {
    let Some(lab) = Lab::new() else { return };
    let keys = lab.key("signer", "ed25519", "sign", &[]);
    let other = lab.key("other", "ed25519", "cert", &[]);
    lab.gpg.add_subkey(&other, "ed25519", "sign", "never");
    let stranger = lab.key("stranger", "ed25519", "sign", &[]);
    let data = lab.file("data", b"content");
    let by = |key: &String| DetachedSignature::parse(&lab.gpg.detach_sign(key, &data)).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::new(None, dir.path().to_owned());
    assert!(!keystore.has_files());
    let root = dir.path().join("trustedkeys/root.d");
    fs::create_dir_all(&root).unwrap();
    assert!(!keystore.has_files());
    let signer = trust(&root, &lab.gpg.export(&keys));
    let subkey = trust(&root, &lab.gpg.export(&other));
    assert!(keystore.has_files());
    // Whoever reads one of these has a problem with it.
    for number in 0..MANY {
        fs::write(root.join(format!("{number:040x}")), b"no key").unwrap();
    }

    let found = keystore.keys_of(&by(&keys));
    assert_eq!(found.keys.len(), 1);
    assert_eq!(found.keys[0].key().fingerprint().as_str(), signer);
    assert!(found.problems.is_empty(), "{:?}", found.problems.first());

    let name = "example.com/app".parse().unwrap();
    let found = keystore.keys_for_among(&name, &[&signer]);
    assert_eq!((found.keys.len(), found.problems.len()), (1, 0));

    // No file is named after a subkey, or after a key that is not trusted: all of them are looked at.
    for signature in [by(&other), by(&stranger)] {
        let found = keystore.keys_of(&signature);
        assert_eq!(found.problems.len(), MANY as usize);
        let names = found.keys.iter().map(|key| key.key().fingerprint());
        let names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
        assert!(names.contains(&subkey) && names.contains(&signer));
    }

    // Trust that was taken back is not given again.
    fs::write(root.join(&signer), b"").unwrap();
    let found = keystore.keys_of(&by(&keys));
    assert!(
        found
            .keys
            .iter()
            .all(|key| key.key().fingerprint().as_str() != signer)
    );
}
