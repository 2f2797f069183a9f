//! Fingerprints: the only name of a key that nobody can choose.

use std::fmt;
use std::str::FromStr;

/// The fingerprint of a key: lower-case hex, 40 digits for the keys of RFC 4880 and 64 for those of
/// RFC 9580.
///
/// It is the file name of a trusted key. Source: rkt 1.30, pkg/keystore/keystore.go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Box<str>);

/// A text is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a fingerprint of 40 or 64 lower-case hex digits")]
pub struct FingerprintError {
    text: String,
}

impl Fingerprint {
    /// The fingerprint as lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form people compare by eye, as rkt and gpg print it: upper-case groups of four with a wider
    /// gap in the middle.
    ///
    /// ```
    /// let key: gantry_trust::Fingerprint = "8b86de38890ddb7291867b025210bd8888182190".parse().unwrap();
    /// assert_eq!(key.spaced(), "8B86 DE38 890D DB72 9186  7B02 5210 BD88 8818 2190");
    /// ```
    pub fn spaced(&self) -> String {
        let half = self.0.len() / 2;
        let mut text = String::with_capacity(self.0.len() * 5 / 4 + 1);
        for (index, digit) in self.0.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push_str(if index == half { "  " } else { " " });
            }
            text.push(digit.to_ascii_uppercase());
        }
        text
    }

    /// The name of one of sequoia's keys.
    pub(crate) fn of(fingerprint: &sequoia_openpgp::Fingerprint) -> Self {
        Self(fingerprint.to_hex().to_ascii_lowercase().into())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if matches!(text.len(), 40 | 64) && text.bytes().all(hex) {
            Ok(Self(text.into()))
        } else {
            // A file name may be of any length; an error shows enough of it to find it.
            Err(FingerprintError {
                text: text.chars().take(80).collect(),
            })
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_whole_lower_case_fingerprints_parse() {
        for bad in [
            "",
            "8b86",
            &"8B".repeat(20),
            &"8b".repeat(21),
            &"8g".repeat(20),
            &"é".repeat(20),
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
        for good in ["8b".repeat(20), "8b".repeat(32)] {
            assert_eq!(good.parse::<Fingerprint>().unwrap().as_str(), good);
        }
    }

    proptest! {
        #[test]
        fn the_spaced_form_loses_nothing(hex in "[0-9a-f]{40}|[0-9a-f]{64}") {
            let fingerprint: Fingerprint = hex.parse().unwrap();
            let spaced = fingerprint.spaced();
            prop_assert_eq!(spaced.replace(' ', "").to_lowercase(), hex.clone());
            prop_assert_eq!(spaced.matches("  ").count(), 1);
            prop_assert!(spaced.split_whitespace().all(|group| group.len() == 4));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
