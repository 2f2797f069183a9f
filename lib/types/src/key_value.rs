//! The comma-separated `key=value` texts of volumes, mounts, ports and image names.

use crate::diagnostic::usage_errors;

/// A text is not a list of `key=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// A piece has no `=`.
    #[error("malformed string {text:?} - has a label without a value: {piece}")]
    NoValue {
        /// The whole text.
        text: String,
        /// The piece.
        piece: String,
    },
    /// A key comes more than once.
    #[error("label {key} with multiple values [{}]", values.join(" "))]
    Repeated {
        /// The key.
        key: String,
        /// All its values, in order.
        values: Vec<String>,
    },
}
usage_errors!(KeyValueError);

/// Splits `a=b,c=d` into pairs, in order.
///
/// A piece is split at its first `=`, so values may hold anything but a comma. No text gives one piece
/// without a value, which is an error.
///
/// # Errors
///
/// [`KeyValueError`] for a piece without `=` and for a key that comes twice.
pub fn parse(text: &str) -> Result<Vec<(&str, &str)>, KeyValueError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for piece in text.split(',') {
        let pair = piece
            .split_once('=')
            .ok_or_else(|| KeyValueError::NoValue {
                text: text.to_owned(),
                piece: piece.to_owned(),
            })?;
        pairs.push(pair);
    }
    let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(pairs),
        Some(pair) => Err(KeyValueError::Repeated {
            key: pair[0].to_owned(),
            values: pairs
                .iter()
                .filter(|(key, _)| *key == pair[0])
                .map(|(_, value)| (*value).to_owned())
                .collect(),
        }),
    }
}

/// Splits `NAME,a=b,c=d`: the name first, then the pairs.
///
/// # Errors
///
/// As [`parse`], for what follows the name.
pub(crate) fn parse_named(text: &str) -> Result<(&str, Vec<(&str, &str)>), KeyValueError> {
    match text.split_once(',') {
        Some((name, rest)) => Ok((name, parse(rest)?)),
        None => Ok((text, Vec::new())),
    }
}
