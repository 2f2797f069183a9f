//! What signatures say of themselves.

use std::time::SystemTime;

use sequoia_openpgp::Packet;

use crate::{DetachedSignature, Issuer, armor};

/// What one signature says of itself. Nothing of it is proven before the signature is verified.
#[derive(Clone, Debug)]
pub struct SignatureInfo {
    /// The keys that it says it was made by, fingerprints first; empty if it names none.
    pub issuers: Vec<Issuer>,
    /// When it says it was made.
    pub created: Option<SystemTime>,
    /// When it says it ends.
    pub expires: Option<SystemTime>,
    /// The hash that it is over, such as `SHA512`; `None` if it is of a version or kind that cannot be
    /// read.
    pub hash: Option<String>,
}

impl DetachedSignature {
    /// Whether a signature file is ASCII-armoured and not binary, by its first byte.
    pub fn is_armored(file: &[u8]) -> bool {
        !armor::is_binary(file)
    }

    /// What each signature of the file says of itself, in their order.
    pub fn signatures(&self) -> Vec<SignatureInfo> {
        let info = |packet: &Packet| match packet {
            Packet::Signature(signature) => SignatureInfo {
                issuers: issuers(signature),
                created: signature.signature_creation_time(),
                expires: signature.signature_expiration_time(),
                hash: Some(signature.hash_algo().to_string()),
            },
            _ => SignatureInfo {
                issuers: Vec::new(),
                created: None,
                expires: None,
                hash: None,
            },
        };
        self.packets().iter().map(info).collect()
    }
}

/// A key ID beside the fingerprint of the same key says nothing more.
fn issuers(signature: &sequoia_openpgp::packet::Signature) -> Vec<Issuer> {
    let mut issuers: Vec<Issuer> = Vec::new();
    for issuer in signature.get_issuers() {
        if !issuers.iter().any(|known| known.0.aliases(&issuer)) {
            issuers.push(Issuer(issuer));
        }
    }
    issuers
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use gantry_testkit::gpg::{Gpg, KeySpec};

    use super::*;

    #[test]
    fn signatures_tell_their_key_time_and_hash() {
        let Some(gpg) = Gpg::new() else { return };
        let keys = ["One", "Two"].map(|user_id| {
            gpg.generate(&KeySpec {
                user_id,
                ..KeySpec::default()
            })
        });
        let data = tempfile::NamedTempFile::new().unwrap();
        let sign = |key: &String, how: &[&str]| {
            let options = [&["--digest-algo=SHA512"], how].concat();
            gpg.sign(&[key], &options, data.path())
        };
        let armored: Vec<u8> = keys
            .iter()
            .flat_map(|key| sign(key, &["--armor", "--detach-sign"]))
            .collect();
        let binary = sign(&keys[0], &["--detach-sign"]);
        for (file, is_armored, expected) in
            [(armored, true, &keys[..]), (binary, false, &keys[..1])]
        {
            assert_eq!(DetachedSignature::is_armored(&file), is_armored);
            let found = DetachedSignature::parse(&file).unwrap().signatures();
            let issuers: Vec<_> = found.iter().map(|one| one.issuers[0].to_string()).collect();
            assert_eq!(issuers, expected);
            for one in found {
                assert_eq!(one.hash.as_deref(), Some("SHA512"));
                assert!(one.created.unwrap() > UNIX_EPOCH + Duration::from_secs(1_500_000_000));
                assert_eq!((one.expires, one.issuers.len()), (None, 1));
            }
        }
    }
}
