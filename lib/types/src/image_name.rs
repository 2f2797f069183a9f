//! Image references: `name[:version][,label=value]…`.

use std::fmt;
use std::str::FromStr;

use crate::ac_identifier::{AcIdentifier, AcIdentifierError};
use crate::diagnostic::usage_errors;
use crate::key_value::{self, KeyValueError};
use crate::labels::{Label, Labels, LabelsError};
use crate::text::text_type;

/// The name of an image and the labels it must have, which the original calls an app string.
///
/// ```
/// let name: gantry_types::ImageName = "example.com/app:1.0,os=linux".parse().unwrap();
/// assert_eq!(name.version(), Some("1.0"));
/// assert_eq!(name.to_string(), "example.com/app,os=linux,version=1.0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
        let pairs_text;
        let (name, pairs) = match text.split_once(':') {
            Some((name, _)) if name.contains(',') => return Err(ImageNameError::LateColon),
            Some((_, rest)) if rest.contains(':') => return Err(ImageNameError::Colons),
            Some((name, rest)) => {
                pairs_text = format!("version={rest}");
                (name, key_value::parse(&pairs_text)?)
            }
            None => key_value::parse_named(text)?,
        };
        let name = name.parse()?;
        let mut labels = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            labels.push(Label {
                name: key.parse()?,
                value: value.to_owned(),
            });
        }
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

text_type!(ImageName);
