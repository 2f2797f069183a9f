//! What the signatures of one file are about: hashes of the content, all of them from one pass.

use std::fmt;
use std::io::{self, Write};

use aws_lc_rs::digest;
use sequoia_openpgp::crypto::hash::{Context, Hash as _};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{HashAlgorithm, SignatureType};
use sequoia_openpgp::{Packet, Result};

/// The hashes of a content that the signatures of one file need, and its SHA-512 beside them.
///
/// Write the content to it, or hand it over with [`update`](Self::update), from first to last byte. What
/// SHA-512 costs is shared with signatures that are over SHA-512.
#[derive(Clone)]
pub struct SignedContent {
    plain: digest::Context,
    /// One for each hash that is not the plain one.
    others: Vec<Running>,
}

/// One hash of the content.
#[derive(Clone)]
struct Running {
    algorithm: HashAlgorithm,
    /// What version 6 puts before the content; empty in version 4.
    salt: Vec<u8>,
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    /// Twice as fast as the hashes of the OpenPGP library.
    Fast(digest::Context),
    /// For hashes that nobody chooses any more; SHA-1 notices the known ways to make collisions.
    Library(Context),
}

impl SignedContent {
    /// Nothing of the content yet.
    ///
    /// A signature that cannot be checked anyway needs no hash.
    pub(crate) fn new(packets: &[Packet]) -> Self {
        let mut content = Self {
            plain: digest::Context::new(&digest::SHA512),
            others: Vec::new(),
        };
        for packet in packets {
            if let Packet::Signature(signature) = packet
                && signature.typ() == SignatureType::Binary
            {
                content.need(signature.hash_algo(), signature.salt().unwrap_or_default());
            }
        }
        content
    }

    fn need(&mut self, algorithm: HashAlgorithm, salt: &[u8]) {
        if algorithm == HashAlgorithm::SHA512 && salt.is_empty() {
            return;
        }
        let same = |other: &Running| other.algorithm == algorithm && other.salt == salt;
        if self.others.iter().any(same) {
            return;
        }
        let engine = match fast(algorithm) {
            Some(fast) => Some(Engine::Fast(digest::Context::new(fast))),
            None => (algorithm.context().ok()).map(|hash| Engine::Library(hash.for_digest())),
        };
        if let Some(mut engine) = engine {
            engine.update(salt);
            self.others.push(Running {
                algorithm,
                salt: salt.to_vec(),
                engine,
            });
        }
    }

    /// Appends bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.plain.update(bytes);
        for other in &mut self.others {
            other.engine.update(bytes);
        }
    }

    /// SHA-512 of what was appended.
    pub fn sha512(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.plain.clone().finish().as_ref());
        bytes
    }

    /// The digest that a binary `signature` of the file is over: content, then what the signature says of
    /// itself.
    pub(crate) fn digest(&self, signature: &Signature) -> Result<Vec<u8>> {
        let algorithm = signature.hash_algo();
        let salt = signature.salt().unwrap_or_default();
        let engine = if algorithm == HashAlgorithm::SHA512 && salt.is_empty() {
            Some(Engine::Fast(self.plain.clone()))
        } else {
            (self.others.iter())
                .find(|other| other.algorithm == algorithm && other.salt == salt)
                .map(|other| other.engine.clone())
        };
        let unsupported = sequoia_openpgp::Error::UnsupportedHashAlgorithm(algorithm);
        match engine.ok_or(unsupported)? {
            Engine::Fast(mut hash) => {
                hash.update(&trailer(signature)?);
                Ok(hash.finish().as_ref().to_vec())
            }
            Engine::Library(mut hash) => {
                signature.hash(&mut hash)?;
                hash.into_digest()
            }
        }
    }
}

impl Engine {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Fast(hash) => hash.update(bytes),
            Self::Library(hash) => hash.update(bytes),
        }
    }
}

fn fast(algorithm: HashAlgorithm) -> Option<&'static digest::Algorithm> {
    match algorithm {
        HashAlgorithm::SHA224 => Some(&digest::SHA224),
        HashAlgorithm::SHA256 => Some(&digest::SHA256),
        HashAlgorithm::SHA384 => Some(&digest::SHA384),
        HashAlgorithm::SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

/// What is hashed behind the content. Source: RFC 9580, 5.2.4.
fn trailer(signature: &Signature) -> Result<Vec<u8>> {
    let version = signature.version();
    let area = signature.hashed_area().to_vec()?;
    let mut bytes = vec![
        version,
        signature.typ().into(),
        signature.pk_algo().into(),
        signature.hash_algo().into(),
    ];
    let length = u32::try_from(area.len())?.to_be_bytes();
    match version {
        4 => bytes.extend_from_slice(&length[2..]),
        6 => bytes.extend_from_slice(&length),
        _ => {
            let what = format!("signature of version {version}");
            return Err(sequoia_openpgp::Error::InvalidOperation(what).into());
        }
    }
    bytes.extend_from_slice(&area);
    let length = u32::try_from(bytes.len())?.to_be_bytes();
    bytes.extend_from_slice(&[version, 0xff]);
    bytes.extend_from_slice(&length);
    Ok(bytes)
}

impl Write for SignedContent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for SignedContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedContent")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequoia_openpgp::packet::signature::SignatureBuilder;
    use sequoia_openpgp::packet::{Key, key};

    const CONTENT: &[u8] = b"what is signed";

    type Secret = Key<key::SecretParts, key::PrimaryRole>;

    /// The library's own way to the digest.
    fn expected(signature: &Signature) -> Vec<u8> {
        let mut hash = signature.hash_algo().context().unwrap().for_digest();
        hash.update(signature.salt().unwrap_or_default());
        hash.update(CONTENT);
        signature.hash(&mut hash).unwrap();
        hash.into_digest().unwrap()
    }

    fn signature(key: &Secret, algorithm: HashAlgorithm) -> Signature {
        let mut signer = key.clone().into_keypair().unwrap();
        SignatureBuilder::new(SignatureType::Binary)
            .set_hash_algo(algorithm)
            .add_notation("origin@example.com", b"test", None, false)
            .unwrap()
            .sign_message(&mut signer, CONTENT)
            .unwrap()
    }

    #[test]
    fn digests_are_those_of_the_library_for_all_hashes_and_versions() {
        let old: Secret = key::Key4::generate_ecc(true, sequoia_openpgp::types::Curve::Ed25519)
            .unwrap()
            .into();
        let new: Secret = key::Key6::generate_ed25519().unwrap().into();
        let mut packets = Vec::new();
        for key in [&old, &new] {
            for algorithm in [
                HashAlgorithm::SHA224,
                HashAlgorithm::SHA256,
                HashAlgorithm::SHA384,
                HashAlgorithm::SHA512,
                HashAlgorithm::SHA3_256,
                HashAlgorithm::SHA3_512,
            ] {
                packets.push((key, signature(key, algorithm)));
            }
        }
        packets.push((&old, signature(&old, HashAlgorithm::SHA1)));
        let (keys, signatures): (Vec<_>, Vec<_>) = packets.into_iter().unzip();
        let packets: Vec<Packet> = signatures.iter().cloned().map(Packet::from).collect();
        let mut content = SignedContent::new(&packets);
        content.update(&CONTENT[..4]);
        content.write_all(&CONTENT[4..]).unwrap();
        for (key, signature) in keys.iter().zip(&signatures) {
            let digest = content.digest(signature).unwrap();
            assert_eq!(digest, expected(signature), "{signature:?}");
            signature.verify_digest(*key, digest).unwrap();
        }
        let sum = digest::digest(&digest::SHA512, CONTENT);
        assert_eq!(content.sha512(), sum.as_ref());
    }
}
