//! Checks a file against its detached signature and the keys trusted for it.

use std::io::{self, Read};
use std::time::SystemTime;

use gantry_types::{Diagnostic, Kind};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::DetachedVerifierBuilder;

use crate::examine::Examiner;
use crate::rules::Rules;
use crate::{DetachedSignature, SignatureError, TrustedKey, Verdict};

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
        let current = Rules::current(now);
        let legacy = Rules::legacy(now);
        // One pass over the data has to do for keys of both kinds. What the wider rules let through is
        // held against the rules for the very key that signed, see `Examiner`.
        let rules = match keys.iter().any(TrustedKey::is_legacy) {
            true => &legacy,
            false => &current,
        };
        let examiner = Examiner::new(keys, now, &current, &legacy);
        let engine = |source: sequoia_openpgp::anyhow::Error| VerifyError::Engine {
            source: source.into(),
        };
        let mut verifier = DetachedVerifierBuilder::from_bytes(self.packets())
            .and_then(|builder| builder.with_policy(rules, now, examiner))
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
        Ok(verifier.into_helper().verdict())
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
