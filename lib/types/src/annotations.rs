//! Annotations of images, apps and pods.

use std::collections::BTreeSet;

use crate::ac_identifier::AcIdentifier;
use crate::date::{Date, DateError};
use crate::diagnostic::usage_errors;
use crate::http_url::{self, HttpUrlError};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::list::List;

/// One annotation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Annotation {
    /// What the annotation says something about.
    pub name: AcIdentifier,
    /// Any text, except where the specification knows the name.
    pub value: String,
}

/// A list of annotations with unique names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Annotations(List<Annotation>);

/// Annotations break a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationsError {
    /// Two annotations have one name.
    #[error("duplicate annotations of name \"{0}\"")]
    Duplicate(AcIdentifier),
    /// `created` is not a date.
    #[error(transparent)]
    Created(#[from] DateError),
    /// `homepage` or `documentation` is not a web address.
    #[error(transparent)]
    Url(#[from] HttpUrlError),
}
usage_errors!(AnnotationsError);

impl Annotations {
    /// Makes a checked list; the order is kept.
    ///
    /// # Errors
    ///
    /// [`AnnotationsError`] for the first rule broken.
    pub fn new(annotations: Vec<Annotation>) -> Result<Self, AnnotationsError> {
        let mut seen = BTreeSet::new();
        for annotation in &annotations {
            check(annotation, &mut seen)?;
        }
        Ok(Self(annotations.into()))
    }

    /// The value of an annotation.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|one| one.name.as_str() == name)
            .map(|one| &*one.value)
    }

    /// Sets an annotation, in place where it exists already.
    ///
    /// # Errors
    ///
    /// [`AnnotationsError`] if the result would break a rule; the annotations are then as before.
    pub fn set(
        &mut self,
        name: AcIdentifier,
        value: impl Into<String>,
    ) -> Result<(), AnnotationsError> {
        let mut annotations = self.0.clone();
        match annotations.iter_mut().find(|one| one.name == name) {
            Some(one) => one.value = value.into(),
            None => annotations.push(Annotation {
                name,
                value: value.into(),
            }),
        }
        *self = Self::new(annotations.into())?;
        Ok(())
    }

    /// Removes an annotation and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|one| one.name.as_str() == name)?;
        Some(self.0.remove(index).value)
    }

    /// The annotations in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Annotation> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of annotations.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Checks one annotation; `seen` are the names before it.
fn check(
    annotation: &Annotation,
    seen: &mut BTreeSet<AcIdentifier>,
) -> Result<(), AnnotationsError> {
    if !seen.insert(annotation.name.clone()) {
        return Err(AnnotationsError::Duplicate(annotation.name.clone()));
    }
    match annotation.name.as_str() {
        "created" => drop(annotation.value.parse::<Date>()?),
        "homepage" | "documentation" => http_url::check(&annotation.value)?,
        _ => {}
    }
    Ok(())
}

impl<'a> IntoIterator for &'a Annotations {
    type Item = &'a Annotation;
    type IntoIter = std::slice::Iter<'a, Annotation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Decode for Annotation {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.required("name"),
            value: fields.or_default("value"),
        }))
    }
}

impl Encode for Annotation {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("value", &self.value);
        });
    }
}

impl Decode for Annotations {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = BTreeSet::new();
        if cursor.is_null() {
            return Ok(Self::default());
        }
        let list = cursor.list(|one| check(one, &mut seen));
        list.map(|list| Self(List::found(list)))
    }
}

impl Encode for Annotations {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn known_annotations_are_checked_and_others_are_free() {
        // Source: appc aci.md, "annotations".
        for (name, value) in [
            ("created", "2014-10-27T19:32:27.67021798Z"),
            ("authors", "Carly <carly@example.com>"),
            ("homepage", "https://example.com"),
            ("documentation", "http://example.com/docs"),
            ("appc.io/executor/supports-systemd-notify", "maybe"),
            ("foo", ""),
        ] {
            assert!(
                Annotations::default()
                    .set(name.parse().unwrap(), value)
                    .is_ok(),
                "{name}"
            );
        }
        let table = [
            ("created", "yesterday", "bad Date: "),
            ("created", "", "bad Date: "),
            (
                "homepage",
                "not a link",
                "bad URL scheme, must be http/https",
            ),
            (
                "homepage",
                "ftp://example.com",
                "bad URL scheme, must be http/https",
            ),
            ("documentation", ":oops", "bad URL: "),
        ];
        for (name, value, message) in table {
            let mut annotations = Annotations::default();
            let error = annotations
                .set(name.parse().unwrap(), value)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(message), "{name}={value}: {error}");
            assert!(annotations.is_empty());
        }
    }

    #[test]
    fn names_are_unique_identifiers() {
        let twice = br#"[{"name":"a","value":"1"},{"name":"a","value":"2"}]"#;
        let error = from_json::<Annotations>(twice).unwrap_err();
        assert_eq!(error.to_string(), "duplicate annotations of name \"a\"");
        assert!(from_json::<Annotations>(br#"[{"name":"A","value":"1"}]"#).is_err());
        let mut annotations: Annotations = from_json(br#"[{"name":"a","value":"1"}]"#).unwrap();
        assert_eq!(annotations.remove("a").as_deref(), Some("1"));
    }
}
