//! Hashes as manifests write them.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::text::text_type;

/// A hash `sha512-VALUE` as it may stand in a manifest.
///
/// Neither length nor digits of the value are checked, as the original did not: abbreviated and made-up
/// values are in use. What names content in a store is an [`ImageId`](crate::ImageId).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    value: Box<str>,
}

/// A text is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The text is not two parts joined by one dash.
    #[error("badly formatted hash string")]
    Format,
    /// Nothing stands before the dash.
    #[error("unexpected empty hash type")]
    EmptyType,
    /// Nothing stands after the dash.
    #[error("unexpected empty hash value")]
    EmptyValue,
    /// The algorithm is not sha512.
    #[error("unrecognized hash type: {0}")]
    Type(String),
}
usage_errors!(HashError);

impl Hash {
    /// What follows `sha512-`.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('-') {
            None => Err(HashError::Format),
            Some((_, value)) if value.contains('-') => Err(HashError::Format),
            Some(("", _)) => Err(HashError::EmptyType),
            Some(("sha512", "")) => Err(HashError::EmptyValue),
            Some(("sha512", value)) => Ok(Self {
                value: value.into(),
            }),
            Some((other, _)) => Err(HashError::Type(other.to_owned())),
        }
    }
}

impl From<crate::ImageId> for Hash {
    fn from(id: crate::ImageId) -> Self {
        Self {
            value: id.hex().into(),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha512-{}", self.value)
    }
}

text_type!(Hash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_checked_as_the_original_does() {
        // Source: appc spec, schema/types/hash.go.
        for text in ["sha512-abcdefghi", "sha512-07738c9d44adb5f9", "sha512-x"] {
            assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
        }
        let table = [
            ("", "badly formatted hash string"),
            ("abc", "badly formatted hash string"),
            ("sha512-a-b", "badly formatted hash string"),
            ("-abc", "unexpected empty hash type"),
            ("-", "unexpected empty hash type"),
            ("sha512-", "unexpected empty hash value"),
            ("sha256-abc", "unrecognized hash type: sha256"),
            ("md5-", "unrecognized hash type: md5"),
            ("SHA512-abc", "unrecognized hash type: SHA512"),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<Hash>().unwrap_err().to_string(),
                message,
                "{text:?}"
            );
        }
    }
}
