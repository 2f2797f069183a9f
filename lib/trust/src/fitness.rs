//! Whether a key is fit to sign anything: what is accepted at a point in time.

use std::fmt;
use std::time::SystemTime;

use sequoia_openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::Policy;
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Error as PgpError};

use crate::facts;
use crate::public_key::printable;

/// Why signatures of a key do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It expired at this time.
    Expired(SystemTime),
    /// It is not valid before this time.
    NotYetValid(SystemTime),
    /// Its owner revoked it, with this reason.
    Revoked(String),
    /// Its self-signature or the key itself uses an algorithm or size that is not accepted any more.
    Weak(String),
    /// It may not sign data.
    NotForSigning,
    /// Its signatures cannot be checked: this program has no code for its algorithm or curve.
    Unsupported(String),
    /// It has no valid self-signature or uses something this program does not understand.
    Invalid(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(time) => write!(f, "key expired on {}", day(*time)),
            Self::NotYetValid(time) => write!(f, "key is not valid before {}", day(*time)),
            Self::Revoked(reason) if reason.is_empty() => f.write_str("key is revoked"),
            Self::Revoked(reason) => write!(f, "key is revoked: {reason}"),
            Self::Weak(why) => write!(f, "key is too weak: {why}"),
            Self::NotForSigning => f.write_str("key may not sign data"),
            Self::Unsupported(what) => {
                write!(f, "key is of a kind this program cannot check: {what}")
            }
            Self::Invalid(why) => write!(f, "key is not valid: {why}"),
        }
    }
}

/// Looks for what makes every signature of a key unfit at `now`, by the rules of `policy`.
pub(crate) fn unfit(cert: &Cert, policy: &dyn Policy, now: SystemTime) -> Option<Unfit> {
    if let Some(flaw) = cert_flaw(cert, policy, now) {
        return Some(flaw);
    }
    let mut flaw = Unfit::NotForSigning;
    for key in cert.keys() {
        match key_flaw(&key, policy, now) {
            None => return None,
            // What is wrong with a signing key says more than that another key is for encryption.
            Some(Unfit::NotForSigning) => {}
            Some(other) => flaw = other,
        }
    }
    Some(flaw)
}

/// What is wrong at `now` with a key as a whole.
pub(crate) fn cert_flaw(cert: &Cert, policy: &dyn Policy, now: SystemTime) -> Option<Unfit> {
    if let Some(revoked) = revoked(cert.revocation_status(policy, now)) {
        return Some(revoked);
    }
    // Without code for its algorithm nothing that the key says of itself can be believed.
    if let Some(what) = facts::unsupported(cert.primary_key().key()) {
        return Some(Unfit::Unsupported(what));
    }
    let alive = cert.with_policy(policy, now).and_then(|cert| cert.alive());
    alive.err().map(|error| of_error(&error))
}

/// What is wrong at `now` with one signing key of a certificate: the primary key or a subkey.
pub(crate) fn key_flaw(
    key: &ErasedKeyAmalgamation<'_, PublicParts>,
    policy: &dyn Policy,
    now: SystemTime,
) -> Option<Unfit> {
    let key = match key.clone().with_policy(policy, now) {
        Ok(key) if key.for_signing() => key,
        Ok(_) => return Some(Unfit::NotForSigning),
        Err(error) => return Some(of_error(&error)),
    };
    revoked(key.revocation_status())
        .or_else(|| facts::unsupported(key.key()).map(Unfit::Unsupported))
        .or_else(|| key.alive().err().map(|error| of_error(&error)))
}

/// The reason for which something is revoked, if it is.
fn revoked(status: RevocationStatus<'_>) -> Option<Unfit> {
    let RevocationStatus::Revoked(signatures) = status else {
        return None;
    };
    let reason = signatures
        .iter()
        .find_map(|signature| signature.reason_for_revocation());
    Some(Unfit::Revoked(reason.map_or_else(
        String::new,
        |(code, message)| {
            let message = printable(message);
            if message.is_empty() {
                code.to_string()
            } else {
                format!("{code}, {message}")
            }
        },
    )))
}

/// Finds the case in what sequoia says about a key.
pub(crate) fn of_error(error: &sequoia_openpgp::anyhow::Error) -> Unfit {
    for cause in error.chain() {
        match cause.downcast_ref::<PgpError>() {
            Some(PgpError::Expired(time)) => return Unfit::Expired(*time),
            Some(PgpError::NotYetLive(time)) => return Unfit::NotYetValid(*time),
            Some(violation @ PgpError::PolicyViolation(..)) => {
                return Unfit::Weak(violation.to_string());
            }
            _ => {}
        }
    }
    Unfit::Invalid(chain(error))
}

/// The whole story of an error on one line.
pub(crate) fn chain(error: &sequoia_openpgp::anyhow::Error) -> String {
    let parts: Vec<String> = error.chain().map(ToString::to_string).collect();
    printable(parts.join(": ").as_bytes())
}

/// A time as people read it: the day, in UTC.
pub(crate) fn day(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| "an impossible date".to_owned(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}
