//! Judges the signatures of one file: keys, times, algorithms, and whether the bytes are the signed ones.

use std::collections::BTreeMap;
use std::time::SystemTime;

use sequoia_openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _};
use sequoia_openpgp::types::{RevocationStatus, SignatureType};
use sequoia_openpgp::{Cert, Error as PgpError, Fingerprint as KeyName, Packet};

use crate::findings::{Findings, of_signature};
use crate::fitness::{cert_flaw, chain, key_flaw, of_error};
use crate::rules::Rules;
use crate::{
    Fingerprint, Issuer, Refusal, RefusalCause, SignedContent, Signer, TrustedKey, Unfit, Verdict,
};

/// When a key vouches for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Now, and when the signature was made.
    Then,
    /// Only now.
    Now,
}

/// Why a key does not make a signature count.
enum Flaw<'k> {
    /// The key did not vouch for itself when the signature was made.
    Unbound(PgpFailure, &'k Cert),
    /// The key was not fit to sign then.
    Key(PgpFailure, &'k Cert, KeyName),
    /// The signature is not alive, not over these bytes, or too weak.
    Signature(PgpFailure, &'k Cert),
}

type PgpFailure = sequoia_openpgp::anyhow::Error;

/// Checks signatures against keys and the content they are about.
///
/// First by rules that are wide enough for all keys: one pass over the content has to do for all. Every
/// signature that they let through is held against the rules for the very key that made it.
pub(crate) struct Examiner<'a> {
    keys: &'a [TrustedKey],
    content: &'a SignedContent,
    widest: &'a Rules,
    now: SystemTime,
    current: &'a Rules,
    legacy: &'a Rules,
    findings: Findings,
}

impl<'a> Examiner<'a> {
    /// Judges by `current` rules, and by those for `legacy` keys where a key is marked as one.
    pub(crate) fn new(
        keys: &'a [TrustedKey],
        content: &'a SignedContent,
        now: SystemTime,
        current: &'a Rules,
        legacy: &'a Rules,
    ) -> Self {
        Self {
            keys,
            content,
            widest: match keys.iter().any(TrustedKey::is_legacy) {
                true => legacy,
                false => current,
            },
            now,
            current,
            legacy,
            findings: Findings::default(),
        }
    }

    /// Checks all signatures of a file, which say that they are by `issuers`.
    pub(crate) fn examine(
        &mut self,
        packets: &[Packet],
        issuers: &[Issuer],
    ) -> sequoia_openpgp::Result<()> {
        for packet in packets {
            self.widest.packet(packet)?;
        }
        let certs = self.certs(issuers)?;
        for packet in packets {
            match packet {
                Packet::Signature(signature) => self.signature(signature, &certs),
                Packet::Unknown(unknown) => self.unsupported(chain(unknown.error())),
                other => self.unsupported(format!("it is a packet of type \"{}\"", other.tag())),
            }
        }
        Ok(())
    }

    /// The keys that are named. Copies of one key are merged, so that a revocation known to one of them
    /// is known to all.
    fn certs(&self, issuers: &[Issuer]) -> sequoia_openpgp::Result<Vec<Cert>> {
        let mut certs: BTreeMap<_, Cert> = BTreeMap::new();
        for trusted in self.keys {
            if !issuers.iter().any(|id| trusted.key().answers_to(&id.0)) {
                continue;
            }
            let cert = trusted.key().cert().clone();
            let cert = match certs.remove(&cert.fingerprint()) {
                Some(other) => other.merge_public(cert)?,
                None => cert,
            };
            certs.insert(cert.fingerprint(), cert);
        }
        Ok(certs.into_values().collect())
    }

    /// Tries the keys that a signature names, until it counts with one.
    fn signature(&mut self, signature: &Signature, certs: &[Cert]) {
        let Some(made) = signature.signature_creation_time() else {
            return self.unsupported("it does not say when it was made".to_owned());
        };
        let issuers = signature.get_issuers();
        let named = |key: &ErasedKeyAmalgamation<'_, PublicParts>| {
            issuers.iter().any(|id| id.aliases(key.key().key_handle()))
        };
        let mut flaw = None;
        for key in certs.iter().flat_map(Cert::keys).filter(named) {
            match self.try_key(signature, &key, made) {
                Ok(()) => {
                    let signer = key.key().fingerprint();
                    return self.good(signature, key.cert(), &signer, Bound::Then);
                }
                Err(found) => flaw = Some(found),
            }
        }
        match flaw {
            Some(flaw) => self.not_good(signature, flaw),
            None => {
                let named = issuers.into_iter().take(1).map(Issuer);
                self.findings.unknown.extend(named);
            }
        }
    }

    /// Whether a signature counts that was made at `made` with `key`, by the widest rules.
    fn try_key<'k>(
        &self,
        signature: &Signature,
        key: &ErasedKeyAmalgamation<'k, PublicParts>,
        made: SystemTime,
    ) -> Result<(), Flaw<'k>> {
        let (cert, name) = (key.cert(), key.key().fingerprint());
        let then = key.clone().with_policy(self.widest, made);
        let then = then.map_err(|error| Flaw::Unbound(error, cert))?;
        let unfit = |error| Flaw::Key(error, cert, name.clone());
        let refused = |why: &str| unfit(PgpError::InvalidKey(why.to_owned()).into());
        then.valid_cert().alive().map_err(unfit)?;
        then.alive().map_err(unfit)?;
        let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
        if revoked(then.valid_cert().revocation_status()) {
            return Err(refused("certificate is revoked"));
        }
        if revoked(then.revocation_status()) {
            return Err(refused("signing key is revoked"));
        }
        if !then.for_signing() {
            return Err(refused("key is not signing capable"));
        }
        let wrong = |error| Flaw::Signature(error, cert);
        signature.signature_alive(self.now, None).map_err(wrong)?;
        self.fits(signature, key).map_err(wrong)?;
        let rules = self
            .widest
            .signature(signature, HashAlgoSecurity::default());
        rules.map_err(wrong)
    }

    /// Whether `key` made the signature over the content. One in text mode is over other bytes, and never
    /// counts.
    fn fits(
        &self,
        signature: &Signature,
        key: &ErasedKeyAmalgamation<'_, PublicParts>,
    ) -> sequoia_openpgp::Result<()> {
        match signature.typ() {
            SignatureType::Binary => {
                let digest = self.content.digest(signature)?;
                signature.verify_digest(key.key(), digest)
            }
            SignatureType::Text => Ok(()),
            other => Err(PgpError::UnsupportedSignatureType(other).into()),
        }
    }

    /// What all signatures amount to.
    pub(crate) fn verdict(self) -> Verdict {
        self.findings.verdict()
    }

    /// A signature that fits bytes and key.
    fn good(&mut self, signature: &Signature, cert: &Cert, signer: &KeyName, bound: Bound) {
        match signature.typ() {
            SignatureType::Binary => {}
            SignatureType::Text => return self.findings.refuse(cert, RefusalCause::TextMode),
            other => {
                let cause = RefusalCause::Unsupported(format!("it is of type \"{other}\""));
                return self.findings.refuse(cert, cause);
            }
        }
        let weakness = |rules| self.weakness(signature, cert, signer, rules, bound);
        let legacy = match weakness(self.current) {
            None => false,
            Some(_) if self.is_legacy(cert) => match weakness(self.legacy) {
                None => true,
                Some(cause) => return self.findings.refuse(cert, cause),
            },
            Some(cause) => return self.findings.refuse(cert, cause),
        };
        let fingerprint = Fingerprint::of(&cert.fingerprint());
        // The last entry is the one with the narrowest scope.
        let trusted = self
            .keys
            .iter()
            .rfind(|key| key.key().fingerprint() == fingerprint);
        if let (Some(trusted), Some(created)) = (trusted, signature.signature_creation_time()) {
            self.findings.good.push(Signer {
                user_id: trusted.key().user_ids().into_iter().next(),
                scope: trusted.scope().clone(),
                fingerprint,
                created,
                legacy,
            });
        }
    }

    /// What `rules` have against a signature that fits its bytes: its algorithms, its key now, or its
    /// key when it was made.
    fn weakness(
        &self,
        signature: &Signature,
        cert: &Cert,
        signer: &KeyName,
        rules: &Rules,
        bound: Bound,
    ) -> Option<RefusalCause> {
        if let Some(unfit) = self.unfit_now(cert, signer, rules) {
            return Some(RefusalCause::Key(unfit));
        }
        if let Err(error) = rules.signature(signature, HashAlgoSecurity::CollisionResistance) {
            return Some(of_signature(&error));
        }
        if bound == Bound::Now {
            return None;
        }
        let made = signature.signature_creation_time();
        let key = cert.keys().find(|key| key.key().fingerprint() == *signer);
        let then = made.and_then(|made| key_flaw(&key?, rules, made));
        then.map(RefusalCause::Key)
    }

    /// A signature by a key that does not vouch for itself at the time it was made, but does so now.
    ///
    /// gpg keeps only the newest of a key's signatures over itself, so this is what everything looks like
    /// that was signed before the key was extended. Tells whether that is the case.
    fn vouched_for_since(&mut self, signature: &Signature, cert: &Cert) -> bool {
        let issuers = signature.get_issuers();
        let alive = signature.signature_alive(self.now, None).is_ok();
        let fits = |key: &ErasedKeyAmalgamation<'_, PublicParts>| {
            issuers.iter().any(|id| id.aliases(key.key().key_handle()))
                && self
                    .unfit_now(cert, &key.key().fingerprint(), self.rules(cert))
                    .is_none()
                && self.fits(signature, key).is_ok()
        };
        let Some(key) = cert.keys().find(fits).filter(|_| alive) else {
            return false;
        };
        self.good(signature, cert, &key.key().fingerprint(), Bound::Now);
        true
    }

    /// Whether somebody marked the key as legacy.
    fn is_legacy(&self, cert: &Cert) -> bool {
        let fingerprint = Fingerprint::of(&cert.fingerprint());
        let mut same = self
            .keys
            .iter()
            .filter(|key| key.key().fingerprint() == fingerprint);
        same.any(TrustedKey::is_legacy)
    }

    /// The rules for a key.
    fn rules(&self, cert: &Cert) -> &Rules {
        match self.is_legacy(cert) {
            true => self.legacy,
            false => self.current,
        }
    }

    fn not_good(&mut self, signature: &Signature, flaw: Flaw<'_>) {
        match flaw {
            Flaw::Unbound(error, cert) => {
                if self.vouched_for_since(signature, cert) {
                    return;
                }
                let cause = self.of_key(signature, cert, None, &error);
                self.findings.refuse(cert, cause);
            }
            Flaw::Key(error, cert, name) => {
                let cause = self.of_key(signature, cert, Some(&name), &error);
                self.findings.refuse(cert, cause);
            }
            Flaw::Signature(error, cert) => self.findings.refuse(cert, of_signature(&error)),
        }
    }

    fn unsupported(&mut self, why: String) {
        let cause = RefusalCause::Unsupported(why);
        self.findings.refused.push(Refusal {
            fingerprint: None,
            cause,
        });
    }

    /// What is wrong now with the certificate or the one of its keys that signed.
    fn unfit_now(&self, cert: &Cert, signer: &KeyName, rules: &Rules) -> Option<Unfit> {
        cert_flaw(cert, rules, self.now).or_else(|| {
            let key = cert.keys().find(|key| key.key().fingerprint() == *signer)?;
            key_flaw(&key, rules, self.now)
        })
    }

    /// Why a key was not accepted: what is wrong with it now says more to the user than what was wrong
    /// when it signed.
    fn of_key(
        &self,
        signature: &Signature,
        cert: &Cert,
        signer: Option<&KeyName>,
        error: &sequoia_openpgp::anyhow::Error,
    ) -> RefusalCause {
        let made = signature.signature_creation_time();
        let rules = self.rules(cert);
        let unfit = match signer {
            Some(signer) => self.unfit_now(cert, signer, rules),
            None => cert_flaw(cert, rules, self.now),
        };
        match unfit {
            Some(unfit) => RefusalCause::Key(unfit),
            None if made.is_some_and(|made| made < cert.primary_key().key().creation_time()) => {
                RefusalCause::OlderThanKey
            }
            None => RefusalCause::Key(of_error(error)),
        }
    }
}
