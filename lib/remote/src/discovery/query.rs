//! What discovery looks for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use gantry_types::{AcIdentifier, ImageName, ImageNameError, Label};

/// An image by name and labels.
///
/// Unlike an [`ImageName`], labels are taken as they are: discovery fills them into templates, and `arch`
/// is whatever the publisher's URLs call it. Without a label `version`, `latest` is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The image's name.
    pub name: AcIdentifier,
    /// The values for the variables of templates, by the labels' names.
    pub labels: BTreeMap<String, String>,
}

impl Query {
    fn new<'a>(name: AcIdentifier, labels: impl IntoIterator<Item = &'a Label>) -> Self {
        let labels = labels.into_iter();
        Self {
            name,
            labels: labels
                .map(|label| (label.name.to_string(), label.value.clone()))
                .collect(),
        }
    }

    /// Sets a label that has no value yet.
    pub fn set_default(&mut self, label: &str, value: &str) {
        let known = self.labels.entry(label.to_owned()).or_default();
        if known.is_empty() {
            value.clone_into(known);
        }
    }
}

impl From<&ImageName> for Query {
    fn from(image: &ImageName) -> Self {
        Self::new(image.name.clone(), &image.labels)
    }
}

/// Reads `NAME[:VERSION][,LABEL=VALUE]…`, see [`ImageName::split`].
impl FromStr for Query {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, labels) = ImageName::split(text)?;
        Ok(Self::new(name, &labels))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        let mut labels = self.labels.iter();
        labels.try_for_each(|(label, value)| write!(f, ",{label}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_with_any_labels() {
        for (text, printed) in [
            ("example.com/app", "example.com/app"),
            ("example.com/app:1.0", "example.com/app,version=1.0"),
            (
                "example.com/app:1.0,os=linux,arch=arm64",
                "example.com/app,arch=arm64,os=linux,version=1.0",
            ),
            ("a,x=!*'();@&+$/?#[]=", "a,x=!*'();@&+$/?#[]="),
            ("a,version=", "a,version="),
        ] {
            let query: Query = text.parse().unwrap();
            assert_eq!(query.to_string(), printed);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "a,",
            "a,x",
            "a:1:2",
            "a,x=1:2",
            "a:1,version=2",
            "A",
            "a,X=1",
            "a b",
            "a,x=1,x=2",
        ] {
            assert!(text.parse::<Query>().is_err(), "{text}");
        }
    }

    #[test]
    fn defaults_fill_what_is_missing_or_empty() {
        let mut query: Query = "a,os=,arch=arm64".parse().unwrap();
        query.set_default("os", "linux");
        query.set_default("arch", "amd64");
        assert_eq!(query.to_string(), "a,arch=arm64,os=linux");
    }
}
