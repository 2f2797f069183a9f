//! Labels of images and dependencies.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ac_identifier::AcIdentifier;
use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::os_arch::{self, OsArchError};

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// What the label says something about; never `name`.
    pub name: AcIdentifier,
    /// Any text.
    pub value: String,
}

/// A list of labels with unique names, none called `name`, and a system and architecture that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Label>", into = "Vec<Label>")]
pub struct Labels(Vec<Label>);

/// Labels break a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// A label is called `name`, which is the image's.
    #[error("invalid label name: \"name\"")]
    ReservedName,
    /// Two labels have one name.
    #[error("duplicate labels of name \"{0}\"")]
    Duplicate(AcIdentifier),
    /// `os` and `arch` are not a pair that exists.
    #[error(transparent)]
    OsArch(#[from] OsArchError),
}
usage_errors!(LabelsError);

impl Labels {
    /// Makes a checked list; the order is kept.
    ///
    /// # Errors
    ///
    /// [`LabelsError`] for the first rule broken.
    pub fn new(labels: Vec<Label>) -> Result<Self, LabelsError> {
        let mut seen = BTreeSet::new();
        for label in &labels {
            check_name(label, &mut seen)?;
        }
        let labels = Self(labels);
        os_arch::check(labels.get("os"), labels.get("arch"))?;
        Ok(labels)
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|label| label.name.as_str() == name)
            .map(|label| &*label.value)
    }

    /// Sets a label, in place where it exists already.
    ///
    /// # Errors
    ///
    /// [`LabelsError`] if the result would break a rule; the labels are then as before.
    pub fn set(&mut self, name: AcIdentifier, value: impl Into<String>) -> Result<(), LabelsError> {
        let mut labels = self.0.clone();
        match labels.iter_mut().find(|label| label.name == name) {
            Some(label) => label.value = value.into(),
            None => labels.push(Label {
                name,
                value: value.into(),
            }),
        }
        *self = Self::new(labels)?;
        Ok(())
    }

    /// Removes a label and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self
            .0
            .iter()
            .position(|label| label.name.as_str() == name)?;
        Some(self.0.remove(index).value)
    }

    /// The labels in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether every label of `wanted` is here with the same value.
    pub fn satisfy(&self, wanted: &Self) -> bool {
        wanted
            .iter()
            .all(|label| self.get(label.name.as_str()) == Some(&label.value))
    }

    /// The same labels in the order of their names.
    pub fn sorted(&self) -> Self {
        let mut labels = self.0.clone();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        Self(labels)
    }
}

/// Checks a label's name; `seen` are those before it.
fn check_name(label: &Label, seen: &mut BTreeSet<AcIdentifier>) -> Result<(), LabelsError> {
    if label.name.as_str() == "name" {
        Err(LabelsError::ReservedName)
    } else if !seen.insert(label.name.clone()) {
        Err(LabelsError::Duplicate(label.name.clone()))
    } else {
        Ok(())
    }
}

impl TryFrom<Vec<Label>> for Labels {
    type Error = LabelsError;

    fn try_from(labels: Vec<Label>) -> Result<Self, Self::Error> {
        Self::new(labels)
    }
}

impl From<Labels> for Vec<Label> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = &'a Label;
    type IntoIter = std::slice::Iter<'a, Label>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Decode for Label {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.required("name"),
            value: fields.or_default("value"),
        }))
    }
}

impl Encode for Label {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("value", &self.value);
        });
    }
}

impl Decode for Labels {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = BTreeSet::new();
        let labels = Self(cursor.list(|label| check_name(label, &mut seen))?);
        match os_arch::check(labels.get("os"), labels.get("arch")) {
            Ok(()) => Ok(labels),
            Err(error) => Err(cursor.invalid(LabelsError::from(error))),
        }
    }
}

impl Encode for Labels {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    fn labels(text: &str) -> Result<Labels, String> {
        from_json(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_are_checked_as_the_original_does() {
        // Source: appc spec, schema/types/labels.go.
        for text in [
            "[]",
            "null",
            r#"[{"name":"version","value":""}]"#,
            r#"[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}]"#,
            r#"[{"name":"arch","value":"anything"}]"#,
            r#"[{"name":"a.b/c","value":"1,2"},{"NAME":"x","Value":"y","more":1}]"#,
            r#"[{"name":"x"}]"#,
        ] {
            assert!(labels(text).is_ok(), "{text}");
        }
        let table = [
            (
                r#"[{"name":"name","value":"x"}]"#,
                "invalid label name: \"name\"",
            ),
            (
                r#"[{"name":"a","value":"1"},{"name":"a","value":"1"}]"#,
                "duplicate labels of name \"a\"",
            ),
            (
                r#"[{"name":"os","value":"minix"}]"#,
                "bad os \"minix\" (must be one of: [darwin freebsd linux])",
            ),
            (r#"[{"value":"1"}]"#, "ACIdentifier cannot be empty"),
            (
                r#"[{"name":"a","value":1}]"#,
                "json: cannot unmarshal number 1 into field [0].value of type string",
            ),
            (
                r#"{"a":"1"}"#,
                "json: cannot unmarshal object into manifest of type array",
            ),
        ];
        for (text, message) in table {
            assert_eq!(labels(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn setting_keeps_the_rules_and_the_order() {
        let mut labels = Labels::default();
        labels.set("os".parse().unwrap(), "linux").unwrap();
        labels.set("version".parse().unwrap(), "1").unwrap();
        labels.set("os".parse().unwrap(), "freebsd").unwrap();
        assert_eq!(
            labels
                .iter()
                .map(|label| label.name.as_str())
                .collect::<Vec<_>>(),
            ["os", "version"]
        );
        let before = labels.clone();
        assert!(labels.set("arch".parse().unwrap(), "s390x").is_err());
        assert_eq!(labels, before);
        assert_eq!(labels.remove("os").as_deref(), Some("freebsd"));
        assert_eq!(labels.remove("os"), None);
        assert_eq!(labels.get("os"), None);
    }

    #[test]
    fn a_label_that_is_not_asked_for_may_be_anything() {
        let have = labels(r#"[{"name":"version","value":"1"},{"name":"x","value":"y"}]"#).unwrap();
        let one = labels(r#"[{"name":"version","value":"1"}]"#).unwrap();
        assert!(have.satisfy(&one) && have.satisfy(&Labels::default()) && !one.satisfy(&have));
    }
}
