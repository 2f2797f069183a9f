//! Annotations of images, apps and pods.

use std::collections::BTreeSet;

use crate::ac_identifier::AcIdentifier;
use crate::date::{Date, DateError};
use crate::diagnostic::usage_errors;
use crate::http_url::{self, HttpUrlError};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

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
pub struct Annotations(Vec<Annotation>);

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
            if !seen.insert(annotation.name.as_str()) {
                return Err(AnnotationsError::Duplicate(annotation.name.clone()));
            }
            match annotation.name.as_str() {
                "created" => drop(annotation.value.parse::<Date>()?),
                "homepage" | "documentation" => http_url::check(&annotation.value)?,
                _ => {}
            }
        }
        Ok(Self(annotations))
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
        *self = Self::new(annotations)?;
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
        Ok(Self {
            name: fields.required("name")?,
            value: fields.or_default("value")?,
        })
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
        Self::new(Vec::decode(cursor)?).map_err(|error| cursor.invalid(error))
    }
}

impl Encode for Annotations {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}
