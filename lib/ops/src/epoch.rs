//! `SOURCE_DATE_EPOCH`: what "now" is in an image.

use std::ffi::{OsStr, OsString};

/// Name of the variable that tools read the value from.
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Seconds since 1970 that stand for "now" in an image, so that it can be made again.
///
/// Times of files later than that become it, earlier ones stay. Source:
/// reproducible-builds.org/specs/source-date-epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceDateEpoch(u64);

/// A text is not a [`SourceDateEpoch`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{SOURCE_DATE_EPOCH} is {value:?}, which is not a number of seconds from 0 to {}",
    SourceDateEpoch::MAX
)]
pub struct EpochError {
    /// The text.
    pub value: OsString,
}

impl SourceDateEpoch {
    /// The last second that fits the twelve bytes which a tar header has for it, in the year 2242.
    pub const MAX: u64 = 0o77_777_777_777;

    /// Reads the value of the variable, if it is set.
    ///
    /// # Errors
    ///
    /// [`EpochError`] for anything but a plain number in range; an empty value too, for it is a mistake.
    pub fn from_variable(value: Option<&OsStr>) -> Result<Option<Self>, EpochError> {
        let Some(value) = value else {
            return Ok(None);
        };
        let digits = value
            .to_str()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let seconds = digits.and_then(|text| text.parse().ok());
        match seconds.filter(|seconds| *seconds <= Self::MAX) {
            Some(seconds) => Ok(Some(Self(seconds))),
            None => Err(EpochError {
                value: value.to_owned(),
            }),
        }
    }

    /// The number.
    pub(crate) fn seconds(self) -> i64 {
        self.0.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_plain_number_that_fits_a_tar_header() {
        let read = |text: &str| SourceDateEpoch::from_variable(Some(text.as_ref()));
        for text in ["0", "1700000000", "8589934591"] {
            assert!(read(text).unwrap().is_some(), "{text}");
        }
        assert_eq!(SourceDateEpoch::from_variable(None), Ok(None));
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "now",
            " 1",
            "8589934592",
            "99999999999999999999",
        ] {
            let error = read(text).unwrap_err();
            let says = format!("SOURCE_DATE_EPOCH is {text:?}, which is not a number of seconds");
            assert!(error.to_string().starts_with(&says), "{error}");
        }
    }
}
