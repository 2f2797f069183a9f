//! Judges what the OpenPGP library found out about the signatures of one file.

use std::collections::BTreeMap;
use std::time::SystemTime;

use sequoia_openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::parse::stream::{
    MessageLayer, MessageStructure, VerificationError, VerificationHelper,
};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _};
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Error as PgpError, Fingerprint as KeyName, KeyHandle};

use crate::fitness::{cert_flaw, chain, key_flaw, of_error};
use crate::rules::Rules;
use crate::{Fingerprint, Issuer, Refusal, RefusalCause, Signer, TrustedKey, Unfit, Verdict};

/// What the signatures of one file amount to.
#[derive(Default)]
struct Findings {
    good: Vec<Signer>,
    unknown: Vec<Issuer>,
    refused: Vec<Refusal>,
}

impl Findings {
    fn verdict(self) -> Verdict {
        if !self.good.is_empty() {
            Verdict::Good { signers: self.good }
        } else if !self.refused.is_empty() {
            Verdict::Bad {
                reasons: self.refused,
            }
        } else {
            Verdict::Unknown {
                issuers: self.unknown,
            }
        }
    }

    fn refuse(&mut self, cert: &Cert, cause: RefusalCause) {
        let fingerprint = Some(Fingerprint::of(&cert.fingerprint()));
        self.refused.push(Refusal { fingerprint, cause });
    }
}

/// When a key vouches for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Now, and when the signature was made.
    Then,
    /// Only now.
    Now,
}

/// Hands the keys to the OpenPGP library and judges what it found.
///
/// The library checks by rules that are wide enough for all keys; every signature it lets through is held
/// against the rules for the very key that made it.
pub(crate) struct Examiner<'a> {
    keys: &'a [TrustedKey],
    now: SystemTime,
    current: &'a Rules,
    legacy: &'a Rules,
    findings: Findings,
}

impl VerificationHelper for Examiner<'_> {
    /// The keys named by `ids`. Copies of one key are merged, so that a revocation known to one of them
    /// is known to all.
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        let mut certs: BTreeMap<_, Cert> = BTreeMap::new();
        for trusted in self.keys {
            if !ids.iter().any(|id| trusted.key().answers_to(id)) {
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

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                for result in results {
                    match result {
                        Ok(good) => {
                            let signer = good.ka.key().fingerprint();
                            self.good(good.sig, good.ka.cert(), &signer, Bound::Then);
                        }
                        Err(error) => self.not_good(&error),
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'a> Examiner<'a> {
    /// Judges by `current` rules, and by those for `legacy` keys where a key is marked as one.
    pub(crate) fn new(
        keys: &'a [TrustedKey],
        now: SystemTime,
        current: &'a Rules,
        legacy: &'a Rules,
    ) -> Self {
        Self {
            keys,
            now,
            current,
            legacy,
            findings: Findings::default(),
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
                && signature.verify_document(key.key()).is_ok()
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

    fn not_good(&mut self, error: &VerificationError<'_>) {
        match error {
            VerificationError::MissingKey { sig } => {
                self.findings
                    .unknown
                    .extend(sig.get_issuers().into_iter().take(1).map(Issuer));
            }
            VerificationError::UnboundKey { sig, cert, error } => {
                if self.vouched_for_since(sig, cert) {
                    return;
                }
                let cause = self.of_key(sig, cert, None, error);
                self.findings.refuse(cert, cause);
            }
            VerificationError::BadKey { sig, ka, error } => {
                let cause = self.of_key(sig, ka.cert(), Some(&ka.key().fingerprint()), error);
                self.findings.refuse(ka.cert(), cause);
            }
            VerificationError::BadSignature { ka, error, .. } => {
                self.findings.refuse(ka.cert(), of_signature(error));
            }
            VerificationError::MalformedSignature { error, .. } => self.unsupported(chain(error)),
            VerificationError::UnknownSignature { sig } => self.unsupported(chain(sig.error())),
            _ => self.unsupported("unknown finding".to_owned()),
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

/// Why a signature by an acceptable key does not count.
fn of_signature(error: &sequoia_openpgp::anyhow::Error) -> RefusalCause {
    for cause in error.chain() {
        match cause.downcast_ref::<PgpError>() {
            Some(PgpError::Expired(time)) => return RefusalCause::Expired(*time),
            Some(PgpError::NotYetLive(time)) => return RefusalCause::FromFuture(*time),
            Some(PgpError::BadSignature(_) | PgpError::ManipulatedMessage) => {
                return RefusalCause::Mismatch;
            }
            Some(violation @ PgpError::PolicyViolation(..)) => {
                // The same error stands for weak hashes and for what must not be passed over.
                let text = violation.to_string();
                return match chain(error).contains("critical") {
                    true => {
                        RefusalCause::Unsupported(format!("a critical part is unknown: {text}"))
                    }
                    false => RefusalCause::Weak(text),
                };
            }
            Some(_) => return RefusalCause::Unsupported(chain(error)),
            None => {}
        }
    }
    // The arithmetic itself said no, in the words of the cryptographic library.
    RefusalCause::Mismatch
}
