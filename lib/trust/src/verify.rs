//! Checks a file against its detached signature and the keys trusted for it.

use std::io::{self, Read};
use std::time::SystemTime;

use gantry_types::{Diagnostic, Kind};

use crate::examine::Examiner;
use crate::rules::Rules;
use crate::{DetachedSignature, SignatureError, SignedContent, TrustedKey, Verdict};

/// How much is read at a time.
const BUFFER_BYTES: usize = 256 << 10;

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
    data: impl Read,
    signature: &[u8],
    keys: &[TrustedKey],
    now: SystemTime,
) -> Result<Verdict, VerifyError> {
    DetachedSignature::parse(signature)?.verify(data, keys, now)
}

impl DetachedSignature {
    /// What takes the content in, for [`judge`](Self::judge).
    pub fn content(&self) -> SignedContent {
        SignedContent::new(self.packets())
    }

    /// Reads `data` to its end and checks it against `keys`: [`content`](Self::content) and
    /// [`judge`](Self::judge) in one.
    ///
    /// If none of the keys is named, `data` is not read.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Read`] if `data` fails.
    pub fn verify(
        &self,
        mut data: impl Read,
        keys: &[TrustedKey],
        now: SystemTime,
    ) -> Result<Verdict, VerifyError> {
        let mut content = self.content();
        if self.is_by_one_of(keys) {
            let mut buffer = vec![0; BUFFER_BYTES];
            loop {
                match data.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => content.update(&buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(source) => return Err(VerifyError::Read { source }),
                }
            }
        }
        self.judge(&content, keys, now)
    }

    /// Checks a whole `content` of this file's against `keys`, under the rules of the time `now`.
    ///
    /// One valid signature by a trusted key suffices; others beside it do not spoil it. A key that is
    /// expired or revoked at `now` vouches for nothing, not even for what it signed before: whoever holds
    /// an old key can write any date into a signature.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Engine`] if the OpenPGP library gives up.
    pub fn judge(
        &self,
        content: &SignedContent,
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
        let mut examiner = Examiner::new(keys, content, now, &current, &legacy);
        let done = examiner.examine(self.packets(), self.issuers());
        done.map_err(|source| VerifyError::Engine {
            source: source.into(),
        })?;
        Ok(examiner.verdict())
    }
}
