//! Keys of RFC 9580, which this gpg does not know.

use std::io::Write as _;

use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Armorer, Message, Signer};
use sequoia_openpgp::types::HashAlgorithm;
use sequoia_openpgp::{Cert, Profile};

use super::{Row, Rows};

pub(super) fn add(rows: &mut Rows<'_>) {
    let (key, _) = CertBuilder::general_purpose(Some("Six <six@example.com>"))
        .set_profile(Profile::RFC9580)
        .unwrap()
        .generate()
        .unwrap();
    let public = key.clone().strip_secret_key_material();
    let trusted = (
        key.fingerprint().to_hex().to_ascii_lowercase(),
        public.armored().to_vec().unwrap(),
    );
    let signature = sign(&key, &rows.bytes);
    let mut changed = rows.bytes.clone();
    changed[0] ^= 1;
    let mismatch = "bad the file or its signature was changed";
    for (name, trusted, data, found) in [
        ("version 6", vec![trusted.clone()], &rows.bytes, "good 1"),
        ("version 6, another file", vec![trusted], &changed, mismatch),
        ("version 6, no key", Vec::new(), &rows.bytes, "unknown 1"),
    ] {
        rows.rows.push(Row {
            name,
            trusted,
            marked: false,
            signature: signature.clone(),
            data: data.clone(),
            expected: (2, found),
        });
    }
}

fn sign(key: &Cert, bytes: &[u8]) -> Vec<u8> {
    let policy = StandardPolicy::new();
    let signer = key
        .keys()
        .secret()
        .with_policy(&policy, None)
        .supported()
        .for_signing()
        .next()
        .unwrap()
        .key()
        .clone()
        .into_keypair()
        .unwrap();
    let mut sink = Vec::new();
    let message = Message::new(&mut sink);
    let message = Armorer::new(message)
        .kind(sequoia_openpgp::armor::Kind::Signature)
        .build()
        .unwrap();
    let mut message = Signer::new(message, signer)
        .unwrap()
        .detached()
        .hash_algo(HashAlgorithm::SHA512)
        .unwrap()
        .build()
        .unwrap();
    message.write_all(bytes).unwrap();
    message.finalize().unwrap();
    sink
}
