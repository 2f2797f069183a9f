//! Checks a file against its detached signature and the keys trusted for it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::SystemTime;

use gantry_types::{Diagnostic, Kind};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationError,
    VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Error as PgpError, KeyHandle};

use crate::fitness::{cert_flaw, chain, key_flaw, of_error, policy};
use crate::{
    DetachedSignature, Fingerprint, Issuer, Refusal, RefusalCause, SignatureError, Signer,
    TrustedKey, Unfit, Verdict,
};

/// A signature could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The signature file is not one.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signed file could not be read to its end.
    #[error("cannot read the signed file")]
    Read {
        /// Why.
        source: io::Error,
    },
    /// The OpenPGP library gave up.
    #[error("cannot check the signature")]
    Engine {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Diagnostic for VerifyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Signature(error) => error.kind(),
            Self::Read { .. } => Kind::Environment,
            Self::Engine { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Signature(error) => error.hint(),
            _ => None,
        }
    }
}

/// Checks `data` against the signature file `signature` and the keys trusted for its name.
///
/// The same as [`DetachedSignature::parse`] and [`DetachedSignature::verify`].
///
/// # Errors
///
/// [`VerifyError`] if the signature file or the data cannot be read. That a signature does not count is
/// not an error but a [`Verdict`].
pub fn verify_detached(
    data: impl Read + Send + Sync,
    signature: &[u8],
    keys: &[TrustedKey],
    now: SystemTime,
) -> Result<Verdict, VerifyError> {
    DetachedSignature::parse(signature)?.verify(data, keys, now)
}

impl DetachedSignature {
    /// Reads `data` to its end and checks it against `keys`, under the rules of the time `now`.
    ///
    /// One valid signature by a trusted key suffices; others beside it do not spoil it. A key that is
    /// expired or revoked at `now` vouches for nothing, not even for what it signed before: whoever holds
    /// an old key can write any date into a signature.
    ///
    /// If none of the keys is named, `data` is not read.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Read`] if `data` fails.
    pub fn verify(
        &self,
        data: impl Read + Send + Sync,
        keys: &[TrustedKey],
        now: SystemTime,
    ) -> Result<Verdict, VerifyError> {
        if !self.is_by_one_of(keys) {
            return Ok(Verdict::Unknown {
                issuers: self.issuers().to_vec(),
            });
        }
        let policy = policy(now);
        let examiner = Examiner {
            keys,
            now,
            policy: &policy,
            findings: Findings::default(),
        };
        let engine = |source: sequoia_openpgp::anyhow::Error| VerifyError::Engine {
            source: source.into(),
        };
        let mut verifier = DetachedVerifierBuilder::from_bytes(self.packets())
            .and_then(|builder| builder.with_policy(&policy, now, examiner))
            .map_err(engine)?;
        let mut data = Watched {
            inner: data,
            error: None,
        };
        let done = verifier.verify_reader(&mut data);
        if let Some(source) = data.error {
            return Err(VerifyError::Read { source });
        }
        done.map_err(engine)?;
        Ok(verifier.into_helper().findings.verdict())
    }
}

/// Keeps the error of the reader, which the OpenPGP library would mix with its own.
struct Watched<R> {
    inner: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.error.get_or_insert(error);
                Err(kind.into())
            }
            other => other,
        }
    }
}

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

/// Hands the keys to the OpenPGP library and judges what it found.
struct Examiner<'a> {
    keys: &'a [TrustedKey],
    now: SystemTime,
    policy: &'a StandardPolicy<'static>,
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
                        Ok(good) => self.good(&good),
                        Err(error) => self.not_good(&error),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Examiner<'_> {
    /// A signature that fits bytes and key, and was made while the key was valid.
    fn good(&mut self, good: &GoodChecksum<'_>) {
        let cert = good.ka.cert();
        match good.sig.typ() {
            SignatureType::Binary => {}
            SignatureType::Text => return self.findings.refuse(cert, RefusalCause::TextMode),
            other => {
                let cause = RefusalCause::Unsupported(format!("it is of type \"{other}\""));
                return self.findings.refuse(cert, cause);
            }
        }
        if let Some(unfit) = self.unfit_now(cert, &good.ka.key().fingerprint()) {
            return self.findings.refuse(cert, RefusalCause::Key(unfit));
        }
        let fingerprint = Fingerprint::of(&cert.fingerprint());
        // The last entry is the one with the narrowest scope.
        let trusted = self
            .keys
            .iter()
            .rfind(|key| key.key().fingerprint() == fingerprint);
        if let (Some(trusted), Some(created)) = (trusted, good.sig.signature_creation_time()) {
            self.findings.good.push(Signer {
                user_id: trusted.key().user_ids().into_iter().next(),
                scope: trusted.scope().clone(),
                fingerprint,
                created,
            });
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
    fn unfit_now(&self, cert: &Cert, signer: &sequoia_openpgp::Fingerprint) -> Option<Unfit> {
        cert_flaw(cert, self.policy, self.now).or_else(|| {
            let key = cert.keys().find(|key| key.key().fingerprint() == *signer)?;
            key_flaw(&key, self.policy, self.now)
        })
    }

    /// Why a key was not accepted: what is wrong with it now says more to the user than what was wrong
    /// when it signed.
    fn of_key(
        &self,
        signature: &Signature,
        cert: &Cert,
        signer: Option<&sequoia_openpgp::Fingerprint>,
        error: &sequoia_openpgp::anyhow::Error,
    ) -> RefusalCause {
        let made = signature.signature_creation_time();
        let unfit = match signer {
            Some(signer) => self.unfit_now(cert, signer),
            None => cert_flaw(cert, self.policy, self.now),
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
                return RefusalCause::Weak(violation.to_string());
            }
            Some(_) => return RefusalCause::Unsupported(chain(error)),
            None => {}
        }
    }
    // The arithmetic itself said no, in the words of the cryptographic library.
    RefusalCause::Mismatch
}
