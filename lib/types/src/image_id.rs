//! Names of image contents.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::show::hex;
use crate::text::text_type;

/// The digest that names an image: SHA-512 of an ACI's uncompressed tar, or of an OCI manifest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId([u8; 64]);

/// A text is not a whole image ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageIdError {
    /// The text does not begin with the one algorithm there is.
    #[error("image ID {0:?} does not begin with \"sha512-\"")]
    Algorithm(String),
    /// Not exactly 128 lower-case hexadecimal digits follow.
    #[error("image ID {0:?} is not sha512- and 128 hexadecimal digits")]
    Digits(String),
}
usage_errors!(ImageIdError);

impl ImageId {
    /// The prefix of every image ID.
    pub const PREFIX: &str = "sha512-";

    /// Makes the ID of a digest.
    pub const fn from_digest(digest: [u8; 64]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub fn digest(&self) -> &[u8; 64] {
        &self.0
    }

    /// The digest as 128 hexadecimal digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The short form that `rkt fetch` prints: `sha512-` and 32 digits.
    pub fn short(&self) -> String {
        self.first(32)
    }

    /// The key of rkt's own store, which `rkt fetch --full` prints: `sha512-` and 64 digits.
    pub fn key(&self) -> String {
        self.first(64)
    }

    /// The form of `rkt image list`: `sha512-` and 12 digits.
    pub fn list_id(&self) -> String {
        self.first(12)
    }

    fn first(&self, digits: usize) -> String {
        format!("{}{}", Self::PREFIX, &self.hex()[..digits])
    }
}

impl FromStr for ImageId {
    type Err = ImageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text
            .strip_prefix(Self::PREFIX)
            .ok_or_else(|| ImageIdError::Algorithm(text.to_owned()))?;
        let bad = || ImageIdError::Digits(text.to_owned());
        if hex.len() != 128 {
            return Err(bad());
        }
        let mut digest = [0; 64];
        for (index, digit) in hex.bytes().enumerate() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(bad()),
            };
            digest[index / 2] = digest[index / 2] << 4 | value;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first(128))
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageId({})", self.short())
    }
}

text_type!(ImageId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_prefixes() {
        let id = ImageId::from_digest([0xa5; 64]);
        let lengths = [id.list_id(), id.short(), id.key(), id.to_string()].map(|text| text.len());
        assert_eq!(lengths, [7 + 12, 39, 71, 7 + 128]);
        assert!(id.to_string().starts_with(&id.key()) && id.key().starts_with(&id.short()));
    }

    #[test]
    fn only_whole_lower_case_digests_are_ids() {
        let hex = "0123456789abcdef".repeat(8);
        assert!(format!("sha512-{hex}").parse::<ImageId>().is_ok());
        for text in [
            String::new(),
            hex.clone(),
            format!("sha256-{hex}"),
            format!("sha512-{}", &hex[1..]),
            format!("sha512-{hex}0"),
            format!("sha512-{}", hex.to_uppercase()),
            format!("sha512-g{}", &hex[1..]),
            format!("sha512-é{}", &hex[2..]),
        ] {
            assert!(text.parse::<ImageId>().is_err(), "{text}");
        }
    }
}
