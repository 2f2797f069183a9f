//! What the signatures of one file amount to, and how the OpenPGP library's words for it are understood.

use sequoia_openpgp::{Cert, Error as PgpError};

use crate::fitness::chain;
use crate::{Fingerprint, Issuer, Refusal, RefusalCause, Signer, Verdict};

/// What the signatures of one file amount to.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) good: Vec<Signer>,
    pub(crate) unknown: Vec<Issuer>,
    pub(crate) refused: Vec<Refusal>,
}

impl Findings {
    /// The best of it.
    pub(crate) fn verdict(self) -> Verdict {
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

    /// A signature by this key does not count.
    pub(crate) fn refuse(&mut self, cert: &Cert, cause: RefusalCause) {
        let fingerprint = Some(Fingerprint::of(&cert.fingerprint()));
        self.refused.push(Refusal { fingerprint, cause });
    }
}

/// Why a signature by an acceptable key does not count.
pub(crate) fn of_signature(error: &sequoia_openpgp::anyhow::Error) -> RefusalCause {
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
