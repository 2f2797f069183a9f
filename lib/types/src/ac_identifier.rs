//! AC Identifiers: names of images, labels, annotations and isolators.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::text::text_type;

const SEPARATORS: &str = "-._~/";

/// A name such as `example.com/app`.
///
/// Lower-case letters, digits and `-._~/`, with a letter or digit at both ends. Runs of separators pass,
/// as they do in the tools that wrote today's images. Source: appc aci.md "AC Identifier Type".
///
/// A prefix matches whole path components only:
///
/// ```
/// use gantry_types::AcIdentifier;
/// let prefix: AcIdentifier = "example.com/app".parse().unwrap();
/// assert!(prefix.covers(&"example.com/app/worker".parse().unwrap()));
/// assert!(!prefix.covers(&"example.com/application".parse().unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AcIdentifier(Box<str>);

/// A text is not an AC Identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcIdentifierError {
    /// There is no text.
    #[error("ACIdentifier cannot be empty")]
    Empty,
    /// A character is none of those allowed.
    #[error(
        "ACIdentifier must contain only lower case alphanumeric characters plus \"{SEPARATORS}\""
    )]
    Character,
    /// A separator stands first or last.
    #[error("ACIdentifier must start and end with only lower case alphanumeric characters")]
    Edge,
    /// Nothing is left of the text once it is made valid.
    #[error("must contain at least one valid character")]
    NothingLeft,
}
usage_errors!(AcIdentifierError);

impl AcIdentifier {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes the nearest identifier of any text: lower case, `_` for what is not allowed, no separator
    /// at the ends.
    ///
    /// # Errors
    ///
    /// [`AcIdentifierError::NothingLeft`] if no letter or digit is in the text.
    pub fn sanitize(text: &str) -> Result<Self, AcIdentifierError> {
        sanitized(text, SEPARATORS, '_')
            .map(Self)
            .ok_or(AcIdentifierError::NothingLeft)
    }

    /// Tells whether `other` is this name or lies beneath it, by whole path components.
    pub fn covers(&self, other: &Self) -> bool {
        match other.0.strip_prefix(&*self.0) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl FromStr for AcIdentifier {
    type Err = AcIdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match check(text, SEPARATORS) {
            Flaw::None => Ok(Self(text.into())),
            Flaw::Empty => Err(AcIdentifierError::Empty),
            Flaw::Character => Err(AcIdentifierError::Character),
            Flaw::Edge => Err(AcIdentifierError::Edge),
        }
    }
}

impl fmt::Display for AcIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_type!(AcIdentifier);

/// What is wrong with a name.
pub(crate) enum Flaw {
    None,
    Empty,
    Character,
    Edge,
}

/// Checks a name made of lower-case letters, digits and `separators`; characters before edges.
pub(crate) fn check(text: &str, separators: &str) -> Flaw {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.is_empty() {
        Flaw::Empty
    } else if !text.chars().all(|c| plain(c) || separators.contains(c)) {
        Flaw::Character
    } else if text.starts_with(|c| !plain(c)) || text.ends_with(|c| !plain(c)) {
        Flaw::Edge
    } else {
        Flaw::None
    }
}

/// Lower-cases `text`, replaces what is not allowed and strips what may not stand at the ends.
pub(crate) fn sanitized(text: &str, separators: &str, replacement: char) -> Option<Box<str>> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    // One for one, as Go lowers: the second character that a few letters become is not wanted.
    let lowered = text.chars().filter_map(|c| c.to_lowercase().next());
    let replaced: String = lowered
        .map(|c| {
            if plain(c) || separators.contains(c) {
                c
            } else {
                replacement
            }
        })
        .collect();
    let kept = replaced.trim_matches(|c| !plain(c));
    (!kept.is_empty()).then(|| kept.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_the_world_are_accepted() {
        // Source: appc spec, schema/types/acidentifier.go: only characters and edges are looked at.
        for text in [
            "asdf",
            "foo-bar-baz",
            "zab_rab_oof",
            "my~database",
            "1",
            "example.com/database",
            "example.com/~bob/database",
            "example.com/ourapp-1.0.0",
            "sub-domain.example.com/org/product/~alice/release-1.0.0",
            "a//b",
            "a.-b",
            "a/../b",
        ] {
            assert_eq!(text.parse::<AcIdentifier>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn characters_are_checked_before_edges() {
        use AcIdentifierError::{Character, Edge, Empty};
        let table = [
            ("", Empty),
            ("BAR", Character),
            ("foo#", Character),
            ("foo.com/BAR", Character),
            ("-A", Character),
            ("é", Character),
            ("a b", Character),
            ("a\n", Character),
            ("/app", Edge),
            ("app/", Edge),
            ("-app", Edge),
            (".app", Edge),
            ("app_", Edge),
            ("~", Edge),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<AcIdentifier>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn sanitizing_keeps_what_is_valid() {
        let table = [
            ("foo#", "foo"),
            ("EXAMPLE.com", "example.com"),
            ("foo.com/BAR", "foo.com/bar"),
            ("-/.app..", "app"),
            ("app///", "app"),
            ("-/app.name-test/-/", "app.name-test"),
            ("a b:c", "a_b_c"),
        ];
        for (text, name) in table {
            assert_eq!(
                AcIdentifier::sanitize(text).unwrap().as_str(),
                name,
                "{text:?}"
            );
        }
        for text in ["__", "..", "//", "", ".//-", "é"] {
            assert_eq!(
                AcIdentifier::sanitize(text),
                Err(AcIdentifierError::NothingLeft),
                "{text:?}"
            );
        }
    }

    #[test]
    fn prefixes_cover_whole_components_only() {
        let table = [
            ("example.com/app", "example.com/app", true),
            ("example.com/app", "example.com/app/worker", true),
            ("example.com", "example.com/app", true),
            ("example.com/app", "example.com/application", false),
            ("example.co", "example.com/app", false),
            ("example.com/app", "example.com/app-2", false),
            ("example.com/app/worker", "example.com/app", false),
        ];
        for (prefix, name, covered) in table {
            let prefix: AcIdentifier = prefix.parse().unwrap();
            assert_eq!(
                prefix.covers(&name.parse().unwrap()),
                covered,
                "{prefix} {name}"
            );
        }
    }

    #[test]
    fn it_is_a_string_in_serialised_form() {
        let name: AcIdentifier = serde_json::from_str("\"a.b/c\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"a.b/c\"");
        assert!(serde_json::from_str::<AcIdentifier>("\"A\"").is_err());
    }

    proptest! {
        #[test]
        fn sanitized_text_is_valid(text in "\\PC{0,30}") {
            if let Ok(name) = AcIdentifier::sanitize(&text) {
                prop_assert_eq!(name.as_str().parse::<AcIdentifier>(), Ok(name.clone()));
            }
        }
    }
}
