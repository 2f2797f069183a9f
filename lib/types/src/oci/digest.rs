//! Digests of bytes as received, in the notation of OCI: `sha512:` or `sha256:` and lower-case hex.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::diagnostic::usage_errors;
use crate::show::hex;

/// Hash function of a [`Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, 64 hex digits.
    Sha256,
    /// SHA-512, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// All of them; each has a directory below `store/blobs`.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// Name as in a digest and as directory.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// Names bytes by their hash; doubles as the path of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

/// A text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest (sha256: or sha512: and lower-case hex digits)")]
pub struct DigestError {
    text: String,
}
usage_errors!(DigestError);

impl Digest {
    /// SHA-256 from its 32 bytes.
    #[must_use]
    pub fn sha256(bytes: [u8; 32]) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            hex: hex(&bytes),
        }
    }

    /// SHA-512 from its 64 bytes.
    #[must_use]
    pub fn sha512(bytes: [u8; 64]) -> Self {
        Self {
            algorithm: Algorithm::Sha512,
            hex: hex(&bytes),
        }
    }

    /// Hash function.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Lower-case hex digits, all of them.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let parsed = text.split_once(':').and_then(|(name, hex)| {
            let algorithm = Algorithm::ALL.into_iter().find(|a| a.as_str() == name)?;
            let digits = hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            (digits && hex.len() == algorithm.hex_len()).then(|| Self {
                algorithm,
                hex: hex.to_owned(),
            })
        });
        parsed.ok_or_else(|| DigestError {
            text: text.chars().take(200).collect(),
        })
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_prints_as_it_was_read() {
        let text = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        assert_eq!(Digest::sha256([0x0a; 32]).to_string(), text);
        assert_eq!(Digest::sha512([1; 64]).hex(), "01".repeat(64));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let upper = format!("sha256:{}", "0A".repeat(32));
        let short = format!("sha512:{}", "0a".repeat(32));
        let path = format!("sha256:../{}", "0a".repeat(30) + "0");
        for bad in [
            "",
            "sha256",
            "sha256:",
            "md5:00",
            upper.as_str(),
            &short,
            &path,
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
