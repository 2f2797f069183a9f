//! What verification found out.

use std::fmt;
use std::time::SystemTime;

use gantry_types::{Diagnostic, Kind};

use crate::fitness::day;
use crate::{Fingerprint, Issuer, Scope, Unfit};

/// The outcome of checking a detached signature.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// At least one signature is valid and by a trusted key that is fit to sign.
    Good {
        /// Who signed; at least one.
        signers: Vec<Signer>,
    },
    /// No signature is by a trusted key.
    Unknown {
        /// The keys that the signatures say they were made by. May be empty.
        issuers: Vec<Issuer>,
    },
    /// There is a signature by a trusted key, and it does not count.
    Bad {
        /// Why, for each such signature.
        reasons: Vec<Refusal>,
    },
}

/// A trusted key that made a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Fingerprint of the primary key, also where a subkey signed.
    pub fingerprint: Fingerprint,
    /// The first user ID of the key, fit for a terminal. A claim of the key's owner.
    pub user_id: Option<String>,
    /// What the key is trusted for.
    pub scope: Scope,
    /// When the signature says it was made.
    pub created: SystemTime,
    /// It counts only because the key is marked as legacy.
    pub legacy: bool,
}

/// A signature that does not count although a trusted key is named in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Fingerprint of the key's primary key; `None` if the signature could not be read that far.
    pub fingerprint: Option<Fingerprint>,
    /// Why it does not count.
    pub cause: RefusalCause,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalCause {
    /// It does not belong to these bytes: file or signature were changed.
    Mismatch,
    /// The key was or is not fit to sign.
    Key(Unfit),
    /// The signature itself expired at this time.
    Expired(SystemTime),
    /// The signature says it was made in the future.
    FromFuture(SystemTime),
    /// The signature says it was made before its key was.
    OlderThanKey,
    /// It uses an algorithm that is not accepted any more.
    Weak(String),
    /// It is over text with line ends normalised, so other bytes would verify as well.
    TextMode,
    /// It is of another kind, damaged, or uses something this program does not understand.
    Unsupported(String),
}

impl Verdict {
    /// Tells whether the file may be used.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }

    /// The signers of a good verdict.
    ///
    /// # Errors
    ///
    /// [`Rejection`] holding the verdict if it is not good.
    pub fn signers(self) -> Result<Vec<Signer>, Rejection> {
        match self {
            Self::Good { signers } => Ok(signers),
            verdict => Err(Rejection { verdict }),
        }
    }
}

/// A file is refused for its signature.
#[derive(Debug, thiserror::Error)]
#[error("{verdict}")]
pub struct Rejection {
    /// The verdict, which is not good.
    pub verdict: Verdict,
}

impl Diagnostic for Rejection {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn hint(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Good { .. } => None,
            Verdict::Unknown { .. } => Some(
                "if you trust the signer, add the key with `rkt trust --prefix=NAME [PUBKEY]`"
                    .to_owned(),
            ),
            Verdict::Bad { reasons } => reasons.iter().find_map(|reason| reason.cause.hint()),
        }
    }
}

impl RefusalCause {
    /// What to try next, if anything helps.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Key(Unfit::Expired(_)) => {
                "if its owner has extended the key, add it again with `rkt trust`"
            }
            Self::Key(Unfit::NotYetValid(_)) | Self::FromFuture(_) => {
                "check the clock of this machine"
            }
            Self::Key(Unfit::Weak(_)) | Self::Weak(_) => {
                "ask the signer for a signature by a current key with a current hash; to accept an old \
                 key all the same, add it with `actrust add --legacy`"
            }
            Self::Key(Unfit::Unsupported(_)) => {
                "ask the signer for a key of another kind, such as Ed25519"
            }
            Self::TextMode => "sign with `gpg --armor --detach-sign FILE`, without `--textmode`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { signers } => {
                f.write_str("good signature by ")?;
                list(f, signers)
            }
            // The phrase before the colon is that of Go's openpgp package, which scripts look for.
            Self::Unknown { issuers } if issuers.is_empty() => {
                f.write_str("openpgp: signature made by unknown entity: it names no key")
            }
            Self::Unknown { issuers } => {
                f.write_str(
                    "openpgp: signature made by unknown entity: not trusted for this name: key ",
                )?;
                list(f, issuers)
            }
            Self::Bad { reasons } => {
                f.write_str("openpgp: invalid signature: ")?;
                list(f, reasons)
            }
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str("; ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fingerprint.as_str())?;
        if let Some(user_id) = &self.user_id {
            write!(f, " ({user_id})")?;
        }
        write!(
            f,
            ", made on {}, trusted for {}",
            day(self.created),
            self.scope
        )?;
        match self.legacy {
            true => f.write_str(" (legacy key)"),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, "key {fingerprint}: ")?;
        }
        self.cause.fmt(f)
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch => f.write_str("the file or its signature was changed"),
            Self::Key(unfit) => unfit.fmt(f),
            Self::Expired(time) => write!(f, "signature expired on {}", day(*time)),
            Self::FromFuture(time) => {
                write!(f, "signature was made in the future, on {}", day(*time))
            }
            Self::OlderThanKey => f.write_str("signature is older than the key"),
            Self::Weak(why) => write!(f, "signature is too weak: {why}"),
            Self::TextMode => {
                f.write_str("signature was made in text mode, which does not cover every byte")
            }
            Self::Unsupported(why) => write!(f, "signature is not understood: {why}"),
        }
    }
}
