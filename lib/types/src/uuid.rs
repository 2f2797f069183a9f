//! Names of pods.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::text::text_type;

/// The UUID of a pod, never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

/// A text is not a UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UuidError {
    /// Without dashes the text is not 32 characters long.
    #[error("bad UUID length != 32")]
    Length,
    /// A character is no hexadecimal digit.
    #[error("bad UUID {0:?}: not hexadecimal")]
    Digit(String),
    /// The UUID is all zero, or there is no text.
    #[error("UUID cannot be empty")]
    Empty,
}
usage_errors!(UuidError);

impl Uuid {
    /// Makes a random (version 4) UUID of 16 random bytes. Source: RFC 4122, 4.4.
    pub fn from_random_bytes(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// Reads 32 hexadecimal digits; dashes may stand anywhere.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(UuidError::Empty);
        }
        let digits: Vec<char> = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 {
            return Err(UuidError::Length);
        }
        let mut bytes = [0; 16];
        for (index, digit) in digits.iter().enumerate() {
            let value = digit
                .to_digit(16)
                .ok_or_else(|| UuidError::Digit(text.to_owned()))?;
            // A hexadecimal digit is below 16, so nothing is cut off.
            bytes[index / 2] = bytes[index / 2] << 4 | value as u8;
        }
        if bytes == [0; 16] {
            Err(UuidError::Empty)
        } else {
            Ok(Self(bytes))
        }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

text_type!(Uuid);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dashes_may_stand_anywhere() {
        // Source: appc spec, schema/types/uuid.go.
        let canonical = "6733c088-a507-4694-aabf-edbe4fc5266f";
        for text in [
            canonical,
            "6733C088A5074694AABFEDBE4FC5266F",
            "6733c088a5074694aabfedbe4fc5266f",
            "67-33c088a5074694aabfedbe4fc5266f-",
        ] {
            assert_eq!(
                text.parse::<Uuid>().unwrap().to_string(),
                canonical,
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let table = [
            ("", "UUID cannot be empty"),
            (
                "00000000-0000-0000-0000-000000000000",
                "UUID cannot be empty",
            ),
            ("6733c088", "bad UUID length != 32"),
            (
                "6733c088-a507-4694-aabf-edbe4fc5266f0",
                "bad UUID length != 32",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<Uuid>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
        for text in [
            "6733c088-a507-4694-aabf-edbe4fc5266g",
            "éééééééééééééééééééééééééééééééé",
        ] {
            assert!(
                matches!(text.parse::<Uuid>(), Err(UuidError::Digit(_))),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn random_ones_are_version_4_and_read_back_the_same(bytes: [u8; 16]) {
            let uuid = Uuid::from_random_bytes(bytes);
            let text = uuid.to_string();
            prop_assert_eq!(text.parse(), Ok(uuid));
            prop_assert_eq!(text.as_bytes()[14], b'4');
            prop_assert!(b"89ab".contains(&text.as_bytes()[19]));
        }
    }
}
