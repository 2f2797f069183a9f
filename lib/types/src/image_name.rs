//! Image references: `name[:version][,label=value]…`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ac_identifier::{AcIdentifier, AcIdentifierError};
use crate::diagnostic::usage_errors;
use crate::key_value::{self, KeyValueError};
use crate::labels::{Label, Labels, LabelsError};

/// The name of an image and the labels it must have, which the original calls an app string.
///
/// Serialised as an object, since a label of a manifest may hold a comma, which the text form cannot.
///
/// ```
/// let name: gantry_types::ImageName = "example.com/app:1.0,os=linux".parse().unwrap();
/// assert_eq!(name.version(), Some("1.0"));
/// assert_eq!(name.to_string(), "example.com/app,os=linux,version=1.0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageName {
    /// The name.
    pub name: AcIdentifier,
    /// The labels, in the order of their names.
    pub labels: Labels,
}

/// A text is not an image name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageNameError {
    /// A colon stands after a comma.
    #[error("malformed app string - colon may appear only right after the app name")]
    LateColon,
    /// There is more than one colon.
    #[error("malformed app string - colon may appear at most once")]
    Colons,
    /// The labels are not a list of `key=value`.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// The name of the image or of a label is not an identifier.
    #[error(transparent)]
    Name(#[from] AcIdentifierError),
    /// The labels break a rule.
    #[error(transparent)]
    Labels(#[from] LabelsError),
}
usage_errors!(ImageNameError);

impl ImageName {
    /// The label `version`.
    pub fn version(&self) -> Option<&str> {
        self.labels.get("version")
    }

    /// Splits the text form without looking at what the labels mean: discovery fills any value into its
    /// templates, also an `arch` that appc does not know.
    ///
    /// # Errors
    ///
    /// [`ImageNameError`], but never [`ImageNameError::Labels`].
    pub fn split(text: &str) -> Result<(AcIdentifier, Vec<Label>), ImageNameError> {
        let expanded = match text.split_once(':') {
            Some((name, _)) if name.contains(',') => return Err(ImageNameError::LateColon),
            Some((_, rest)) if rest.contains(':') => return Err(ImageNameError::Colons),
            Some((name, rest)) => Cow::Owned(format!("{name},version={rest}")),
            None => Cow::Borrowed(text),
        };
        let (name, pairs) = key_value::parse_named(&expanded)?;
        let name = name.parse()?;
        let mut labels = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            labels.push(Label {
                name: key.parse()?,
                value: value.to_owned(),
            });
        }
        Ok((name, labels))
    }
}

impl From<AcIdentifier> for ImageName {
    fn from(name: AcIdentifier) -> Self {
        Self {
            name,
            labels: Labels::default(),
        }
    }
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, labels) = Self::split(text)?;
        Ok(Self {
            name,
            labels: Labels::new(labels)?.sorted(),
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for label in &self.labels.sorted() {
            write!(f, ",{}={}", label.name, label.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_labels_are_read() {
        // Source: appc spec, discovery/parse.go.
        let table = [
            ("example.com/app", "example.com/app"),
            ("example.com/app:1.0.0", "example.com/app,version=1.0.0"),
            ("example.com/app:", "example.com/app,version="),
            (
                "example.com/app,version=1.0.0",
                "example.com/app,version=1.0.0",
            ),
            (
                "example.com/app:1,os=linux,arch=amd64",
                "example.com/app,arch=amd64,os=linux,version=1",
            ),
            ("example.com/app,os=linux", "example.com/app,os=linux"),
            (
                "example.com/app,channel=!*'();@&+$/?#[]",
                "example.com/app,channel=!*'();@&+$/?#[]",
            ),
            ("example.com/app:1=2", "example.com/app,version=1=2"),
            ("a", "a"),
        ];
        for (text, printed) in table {
            let name: ImageName = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(name.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_by_the_rule_they_break() {
        let table = [
            (
                "a,b=1:2",
                "malformed app string - colon may appear only right after the app name",
            ),
            (
                "a:1:2",
                "malformed app string - colon may appear at most once",
            ),
            (
                "a:1,b=x:2",
                "malformed app string - colon may appear at most once",
            ),
            (
                "a,b",
                "malformed string \"a,b\" - has a label without a value: b",
            ),
            (
                "a,",
                "malformed string \"a,\" - has a label without a value: ",
            ),
            (
                "a:1,version=2",
                "label version with multiple values [\"1\" \"2\"]",
            ),
            ("a,name=b", "label name with multiple values [\"a\" \"b\"]"),
            ("", "ACIdentifier cannot be empty"),
            (":1", "ACIdentifier cannot be empty"),
            ("a,=1", "ACIdentifier cannot be empty"),
            (
                "a,B=1",
                "ACIdentifier must contain only lower case alphanumeric characters plus \"-._~/\"",
            ),
            (
                "a,os=plan9",
                "bad os \"plan9\" (must be one of: [darwin freebsd linux])",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<ImageName>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
