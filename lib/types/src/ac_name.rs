//! AC Names: names of apps, ports, volumes and mount points.

use std::fmt;
use std::str::FromStr;

use crate::ac_identifier::{AcIdentifier, Flaw, check, sanitized};
use crate::diagnostic::usage_errors;
use crate::text::text_type;

/// A name such as `web-server`: lower-case letters, digits and `-`, not at the ends.
///
/// Source: appc aci.md "AC Name Type".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AcName(Box<str>);

/// A text is not an AC Name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcNameError {
    /// There is no text.
    #[error("ACName cannot be empty")]
    Empty,
    /// A character is none of those allowed.
    #[error("ACName must contain only lower case alphanumeric characters plus \"-\"")]
    Character,
    /// A dash stands first or last.
    #[error("ACName must start and end with only lower case alphanumeric characters")]
    Edge,
    /// Nothing is left of the text once it is made valid.
    #[error("must contain at least one valid character")]
    NothingLeft,
}
usage_errors!(AcNameError);

impl AcName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes the nearest name of any text: lower case, `-` for what is not allowed, none at the ends.
    ///
    /// # Errors
    ///
    /// [`AcNameError::NothingLeft`] if no letter or digit is in the text.
    pub fn sanitize(text: &str) -> Result<Self, AcNameError> {
        sanitized(text, "-", '-')
            .map(Self)
            .ok_or(AcNameError::NothingLeft)
    }

    /// The app name that rkt gives an image's app by default: the last path component, made valid.
    pub fn from_image_name(name: &AcIdentifier) -> Self {
        let last = name.as_str().rsplit('/').next().unwrap_or_default();
        // An identifier ends in a letter or digit, so its last component holds one.
        sanitized(last, "-", '-').map_or_else(|| Self("app".into()), Self)
    }
}

impl FromStr for AcName {
    type Err = AcNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match check(text, "-") {
            Flaw::None => Ok(Self(text.into())),
            Flaw::Empty => Err(AcNameError::Empty),
            Flaw::Character => Err(AcNameError::Character),
            Flaw::Edge => Err(AcNameError::Edge),
        }
    }
}

impl fmt::Display for AcName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_type!(AcName);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_checked_as_the_original_does() {
        // Source: appc spec, schema/types/acname.go.
        for text in ["asdf", "foo-bar-baz", "database", "a", "0", "a--b"] {
            assert_eq!(text.parse::<AcName>().unwrap().as_str(), text);
        }
        use AcNameError::{Character, Edge, Empty};
        let table = [
            ("", Empty),
            ("foo#", Character),
            ("example.com", Character),
            ("foo/bar", Character),
            ("EXAMPLE", Character),
            ("zab_rab", Character),
            ("-foo", Edge),
            ("foo-", Edge),
            ("-", Edge),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<AcName>(), Err(error), "{text:?}");
        }
        assert_eq!(
            Character.to_string(),
            "ACName must contain only lower case alphanumeric characters plus \"-\""
        );
    }

    #[test]
    fn sanitizing_keeps_what_is_valid() {
        let table = [
            ("example.com/app_1", "example-com-app-1"),
            ("foo.com/BAR", "foo-com-bar"),
            ("-/app_", "app"),
            ("volume//var/tmp", "volume--var-tmp"),
        ];
        for (text, name) in table {
            assert_eq!(AcName::sanitize(text).unwrap().as_str(), name, "{text:?}");
        }
        assert_eq!(AcName::sanitize("__"), Err(AcNameError::NothingLeft));
    }

    #[test]
    fn apps_are_named_after_the_last_part_of_their_image() {
        // Source: rkt 1.30, common.go, ImageNameToAppName.
        let table = [
            ("example.com/hello", "hello"),
            ("example.com/~bob/my_app-1.0", "my-app-1-0"),
            ("busybox", "busybox"),
            ("example.com/~x", "x"),
        ];
        for (image, app) in table {
            assert_eq!(
                AcName::from_image_name(&image.parse().unwrap()).as_str(),
                app,
                "{image}"
            );
        }
    }

    proptest! {
        #[test]
        fn sanitized_text_is_valid(text in "\\PC{0,30}") {
            if let Ok(name) = AcName::sanitize(&text) {
                prop_assert_eq!(name.as_str().parse::<AcName>(), Ok(name.clone()));
            }
        }
    }
}
