//! What a key says of itself: algorithm, size, times.

use std::time::SystemTime;

use sequoia_openpgp::cert::amalgamation::ValidateAmalgamation as _;
use sequoia_openpgp::crypto::mpi::PublicKey as Numbers;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{KeyParts, KeyRole};

use crate::PublicKey;
use crate::rules::Rules;

impl PublicKey {
    /// Algorithm and size of the primary key, as gpg writes them: `rsa3072`, `ed25519`, `nistp256`,
    /// `brainpoolP256r1`.
    pub fn algorithm(&self) -> String {
        algorithm(self.cert().primary_key().key())
    }

    /// Version of the key's format: 4 for RFC 4880, 6 for RFC 9580.
    pub fn version(&self) -> u8 {
        self.cert().primary_key().key().version()
    }

    /// When the primary key says it was made.
    pub fn created(&self) -> SystemTime {
        self.cert().primary_key().key().creation_time()
    }

    /// When the key expires as a whole, if it ever does and says so in a way that is understood.
    ///
    /// Read by the rules for legacy keys, so that the listing of an old key tells it too.
    pub fn expires(&self, now: SystemTime) -> Option<SystemTime> {
        let rules = Rules::legacy(now);
        let primary = self.cert().primary_key();
        primary.with_policy(&rules, now).ok()?.key_expiration_time()
    }
}

/// Algorithm and size of a key.
pub(crate) fn algorithm<P: KeyParts, R: KeyRole>(key: &Key<P, R>) -> String {
    let numbers = key.mpis();
    let bits = numbers.bits().unwrap_or(0);
    match numbers {
        Numbers::RSA { .. } => format!("rsa{bits}"),
        Numbers::DSA { .. } => format!("dsa{bits}"),
        Numbers::ElGamal { .. } => format!("elg{bits}"),
        Numbers::EdDSA { curve, .. }
        | Numbers::ECDSA { curve, .. }
        | Numbers::ECDH { curve, .. } => curve_name(curve),
        _ => match key.pk_algo().to_string().as_str() {
            // The library writes a sentence for algorithms without parameters.
            text if text.is_ascii() => text.to_ascii_lowercase().replace(' ', "-"),
            _ => "unknown".to_owned(),
        },
    }
}

/// The name of a curve in gpg's spelling.
fn curve_name(curve: &sequoia_openpgp::types::Curve) -> String {
    use sequoia_openpgp::types::Curve;
    match curve {
        Curve::NistP256 => "nistp256",
        Curve::NistP384 => "nistp384",
        Curve::NistP521 => "nistp521",
        Curve::BrainpoolP256 => "brainpoolP256r1",
        Curve::BrainpoolP384 => "brainpoolP384r1",
        Curve::BrainpoolP512 => "brainpoolP512r1",
        Curve::Ed25519 => "ed25519",
        Curve::Cv25519 => "cv25519",
        // 1.3.132.0.10, which gpg can make.
        Curve::Unknown(oid) if **oid == [0x2b, 0x81, 0x04, 0x00, 0x0a] => "secp256k1",
        _ => "unknown-curve",
    }
    .to_owned()
}

/// The algorithm of a key if this program has no code for it.
pub(crate) fn unsupported<P: KeyParts, R: KeyRole>(key: &Key<P, R>) -> Option<String> {
    let known = match key.mpis() {
        Numbers::EdDSA { curve, .. } | Numbers::ECDSA { curve, .. } => curve.is_supported(),
        _ => key.pk_algo().is_supported(),
    };
    (!known).then(|| algorithm(key))
}
