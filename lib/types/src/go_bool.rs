//! Truth values as Go's `strconv.ParseBool` reads them.

use crate::diagnostic::usage_errors;

/// A text is not a truth value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not true or false")]
pub struct BoolError(String);
usage_errors!(BoolError);

/// Reads `1`, `t`, `T`, `true`, `TRUE`, `True` and their opposites.
pub fn parse(text: &str) -> Result<bool, BoolError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(BoolError(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_spellings_count() {
        // Source: Go's strconv.ParseBool.
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(parse(text), Ok(true));
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(parse(text), Ok(false));
        }
        for text in ["", "yes", "no", "on", "tRUE", "2", " true"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
