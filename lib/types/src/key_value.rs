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
    #[error("label {key} with multiple values [{}]", quoted(values))]
    Repeated {
        /// The key.
        key: String,
        /// All its values, in order.
        values: Vec<String>,
    },
}
usage_errors!(KeyValueError);

/// Keys and values in their order.
pub type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The values as Go prints a list of strings.
fn quoted(values: &[String]) -> String {
    values
        .iter()
        .map(|value| format!("{value:?}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Splits `a=b,c=d` into pairs, in order.
///
/// A piece is split at its first `=`, so values may hold anything but a comma. No text gives one piece
/// without a value, which is an error.
///
/// # Errors
///
/// [`KeyValueError`] for a piece without `=` and for a key that comes twice.
pub fn parse(text: &str) -> Result<Pairs<'_>, KeyValueError> {
    let mut pairs = Vec::new();
    for piece in text.split(',') {
        pairs.push(split(text, piece)?);
    }
    check_unique(&pairs)?;
    Ok(pairs)
}

/// Splits `NAME,a=b,c=d`: the name first, then the pairs. The name counts as the value of a key `name`.
///
/// # Errors
///
/// As [`parse`], for what follows the name.
pub(crate) fn parse_named(text: &str) -> Result<(&str, Pairs<'_>), KeyValueError> {
    let mut pieces = text.split(',');
    let name = pieces.next().unwrap_or_default();
    let mut pairs = vec![("name", name)];
    for piece in pieces {
        pairs.push(split(text, piece)?);
    }
    check_unique(&pairs)?;
    pairs.remove(0);
    Ok((name, pairs))
}

fn split<'a>(text: &str, piece: &'a str) -> Result<(&'a str, &'a str), KeyValueError> {
    piece.split_once('=').ok_or_else(|| KeyValueError::NoValue {
        text: text.to_owned(),
        piece: piece.to_owned(),
    })
}

fn check_unique(pairs: &[(&str, &str)]) -> Result<(), KeyValueError> {
    let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    let Some(repeated) = keys.windows(2).find(|two| two[0] == two[1]) else {
        return Ok(());
    };
    let key = repeated[0];
    let values = pairs
        .iter()
        .filter(|(one, _)| *one == key)
        .map(|(_, value)| (*value).to_owned());
    Err(KeyValueError::Repeated {
        key: key.to_owned(),
        values: values.collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_keep_their_order_and_split_at_the_first_equals_sign() {
        let table: [(&str, &[(&str, &str)]); 5] = [
            ("a=1", &[("a", "1")]),
            ("b=2,a=1", &[("b", "2"), ("a", "1")]),
            ("a=1=2", &[("a", "1=2")]),
            ("a=", &[("a", "")]),
            ("a=!*'();@&+$/?#[]%zz", &[("a", "!*'();@&+$/?#[]%zz")]),
        ];
        for (text, pairs) in table {
            assert_eq!(parse(text).as_deref(), Ok(pairs), "{text}");
        }
    }

    #[test]
    fn a_piece_without_value_and_a_key_given_twice_are_refused() {
        let table = [
            ("", "malformed string \"\" - has a label without a value: "),
            (
                "a=1,b",
                "malformed string \"a=1,b\" - has a label without a value: b",
            ),
            (
                "a=1,",
                "malformed string \"a=1,\" - has a label without a value: ",
            ),
            ("a=1,b=2,a=3", "label a with multiple values [\"1\" \"3\"]"),
        ];
        for (text, message) in table {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
        let twice = parse_named("x,name=y").unwrap_err();
        assert_eq!(
            twice.to_string(),
            "label name with multiple values [\"x\" \"y\"]"
        );
    }

    proptest! {
        #[test]
        fn pairs_joined_again_are_the_text(text in "[a-c]=[^,]{0,6}(,[d-f]=[^,]{0,6})?(,[g-i]=)?") {
            let pairs = parse(&text).unwrap();
            let joined: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
            prop_assert_eq!(joined.join(","), text);
        }

        #[test]
        fn no_text_panics(text in "[a,=%&]{0,40}") {
            let _ = parse(&text);
            let _ = parse_named(&text);
        }
    }
}
