//! Which algorithms count: those of today, or also those of the years in which rkt was made.

use std::time::{Duration, SystemTime};

use sequoia_openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use sequoia_openpgp::crypto::mpi::PublicKey as Numbers;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::{AsymmetricAlgorithm, HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::{AEADAlgorithm, HashAlgorithm, SymmetricAlgorithm};
use sequoia_openpgp::{Error, Packet, Result};

/// Earliest time whose rules are applied: 1 January 2026, in seconds since 1970.
///
/// The rules say since when an algorithm is not accepted any more. A machine that starts without a
/// battery-backed clock believes it is 1970, when SHA-1 would have been fine.
const EARLIEST_RULES: u64 = 1_767_225_600;

/// Fewest bits of an RSA or DSA key, whatever else is accepted: smaller ones have been factored.
const FEWEST_BITS: usize = 1024;

/// DSA of every size: the keys that rkt's contemporaries made, and that nobody makes any more.
const DSA: [AsymmetricAlgorithm; 4] = [
    AsymmetricAlgorithm::DSA1024,
    AsymmetricAlgorithm::DSA2048,
    AsymmetricAlgorithm::DSA3072,
    AsymmetricAlgorithm::DSA4096,
];

/// A set of rules for the OpenPGP library.
#[derive(Clone, Debug)]
pub(crate) struct Rules(StandardPolicy<'static>);

impl Rules {
    /// The rules in force at `now`: no SHA-1, MD5 or RIPEMD-160, RSA from 2048 bits, no DSA.
    pub(crate) fn current(now: SystemTime) -> Self {
        let earliest = SystemTime::UNIX_EPOCH + Duration::from_secs(EARLIEST_RULES);
        let mut policy = StandardPolicy::at(now.max(earliest));
        // A revocation counts however weak its hash: to forge one does less harm than to miss one.
        policy.hash_revocation_tolerance(u32::MAX);
        for algorithm in DSA {
            policy.reject_asymmetric_algo(algorithm);
        }
        Self(policy)
    }

    /// The rules for keys marked as legacy: also SHA-1, RSA from 1024 bits, and DSA; never MD5.
    ///
    /// SHA-1 is computed by a variant that notices the known ways to make collisions.
    pub(crate) fn legacy(now: SystemTime) -> Self {
        let Self(mut policy) = Self::current(now);
        policy.accept_hash(HashAlgorithm::SHA1);
        policy.accept_asymmetric_algo(AsymmetricAlgorithm::RSA1024);
        for algorithm in DSA {
            policy.accept_asymmetric_algo(algorithm);
        }
        Self(policy)
    }
}

impl Policy for Rules {
    fn signature(&self, signature: &Signature, security: HashAlgoSecurity) -> Result<()> {
        self.0.signature(signature, security)
    }

    fn key(&self, key: &ValidErasedKeyAmalgamation<'_, PublicParts>) -> Result<()> {
        let numbers = key.key().mpis();
        let bits = numbers.bits().unwrap_or(0);
        if matches!(numbers, Numbers::RSA { .. } | Numbers::DSA { .. }) && bits < FEWEST_BITS {
            let what = format!("{} of {bits} bits", key.key().pk_algo());
            return Err(Error::PolicyViolation(what, None).into());
        }
        self.0.key(key)
    }

    fn symmetric_algorithm(&self, algorithm: SymmetricAlgorithm) -> Result<()> {
        self.0.symmetric_algorithm(algorithm)
    }

    fn aead_algorithm(&self, algorithm: AEADAlgorithm) -> Result<()> {
        self.0.aead_algorithm(algorithm)
    }

    fn packet(&self, packet: &Packet) -> Result<()> {
        self.0.packet(packet)
    }
}
