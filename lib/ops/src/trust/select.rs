//! From what a user writes to one key of the keystore.

use gantry_trust::Fingerprint;
use gantry_types::{Diagnostic, Kind};

use super::KeyRow;

/// Fewest hex digits that may name a key.
const FEWEST_DIGITS: usize = 8;

/// A text names no key of the keystore.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// It is too short, or has other characters than hex digits.
    #[error("{text:?} is no fingerprint: give at least {FEWEST_DIGITS} hex digits of it")]
    Form {
        /// The text.
        text: String,
    },
    /// No key of the keystore has such a fingerprint.
    #[error("no key of the keystore is named {text:?}")]
    Unknown {
        /// The text.
        text: String,
    },
    /// Several keys do.
    #[error("{text:?} names {count} keys of the keystore")]
    Ambiguous {
        /// The text.
        text: String,
        /// How many keys.
        count: usize,
    },
}

impl Diagnostic for SelectError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Form { .. } => None,
            Self::Unknown { .. } => Some("see `actrust list`".to_owned()),
            Self::Ambiguous { .. } => {
                Some("give more digits, see `actrust list --full`".to_owned())
            }
        }
    }
}

/// The digits of a fingerprint as people write them: upper case, in groups, with `0x`.
///
/// # Errors
///
/// [`SelectError::Form`].
pub fn digits(text: &str) -> Result<String, SelectError> {
    let compact: String = text.split_whitespace().collect();
    let compact = compact.to_ascii_lowercase();
    let digits = compact.strip_prefix("0x").unwrap_or(&compact);
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match hex && digits.len() >= FEWEST_DIGITS {
        true => Ok(digits.to_owned()),
        false => Err(SelectError::Form {
            text: text.chars().take(80).collect(),
        }),
    }
}

/// The key that `text` names: the start of its fingerprint, or its end as in key IDs.
///
/// # Errors
///
/// [`SelectError`] unless exactly one key of `rows` is named.
pub fn select(rows: &[KeyRow], text: &str) -> Result<Fingerprint, SelectError> {
    let digits = digits(text)?;
    let mut found: Vec<&Fingerprint> = rows
        .iter()
        .filter_map(|row| row.fingerprint.as_ref())
        .filter(|name| name.as_str().starts_with(&digits) || name.as_str().ends_with(&digits))
        .collect();
    found.sort();
    found.dedup();
    let text = || text.chars().take(80).collect();
    match found.as_slice() {
        [] => Err(SelectError::Unknown { text: text() }),
        [one] => Ok((*one).clone()),
        several => Err(SelectError::Ambiguous {
            text: text(),
            count: several.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_write_them() {
        for good in [
            "9a137db7",
            "0x9A137DB7",
            "9A13 7DB7",
            " 9A13 7DB7  D854 0918\t",
        ] {
            assert!(digits(good).unwrap().starts_with("9a137db7"), "{good}");
        }
        for bad in ["", "9a137db", "9a137dbz", "Builder", "0x9A137DB"] {
            assert!(digits(bad).is_err(), "{bad}");
        }
    }
}
