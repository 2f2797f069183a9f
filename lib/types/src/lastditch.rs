//! The least that can be told of a manifest that no longer validates.
//!
//! Pods and images must be listed and removed even when a rule changed after they were made, so names
//! are plain text here, and a value of the wrong type counts as absent. Only the JSON syntax and
//! `acKind` are insisted on.

use crate::ac_kind::AcKind;
use crate::json::{Cursor, Decode, DecodeError};
use crate::manifest_error::{ManifestError, check_kind, from_json};

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageManifest {
    /// `acVersion` as it was written.
    pub ac_version: String,
    /// The name as it was written.
    pub name: String,
    /// The labels, name and value, as they were written.
    pub labels: Vec<(String, String)>,
}

/// What is known of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodManifest {
    /// `acVersion` as it was written.
    pub ac_version: String,
    /// The apps.
    pub apps: Vec<RuntimeApp>,
}

/// What is known of an app of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeApp {
    /// The name as it was written.
    pub name: String,
    /// Its image's name as it was written, empty if there is none.
    pub image_name: String,
    /// Its image's ID as it was written.
    pub image_id: String,
    /// Its image's labels, name and value, as they were written.
    pub image_labels: Vec<(String, String)>,
}

impl ImageManifest {
    /// Reads what can be read.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] if the text is not a JSON object or of another kind.
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        from_json(text)
    }
}

impl PodManifest {
    /// Reads what can be read.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] if the text is not a JSON object or of another kind.
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        from_json(text)
    }
}

/// A member as text; empty where it is absent or something else.
fn text(of: &Cursor<'_>, key: &str) -> String {
    of.object()
        .and_then(|fields| fields.or_default(key))
        .unwrap_or_default()
}

/// The elements of a member that are objects, each turned into `T`.
fn list<T>(of: &Cursor<'_>, key: &str, each: impl Fn(Cursor<'_>) -> T) -> Vec<T> {
    let Ok(fields) = of.object() else {
        return Vec::new();
    };
    let Some(member) = fields.get(key) else {
        return Vec::new();
    };
    let items = member.items().map(|items| {
        items
            .filter(|item| item.object().is_ok())
            .map(each)
            .collect()
    });
    items.unwrap_or_default()
}

fn labels(of: &Cursor<'_>) -> Vec<(String, String)> {
    list(of, "labels", |label| {
        (text(&label, "name"), text(&label, "value"))
    })
}

impl Decode for ImageManifest {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        check_kind(cursor, AcKind::ImageManifest)?;
        Ok(Self {
            ac_version: text(&cursor, "acVersion"),
            name: text(&cursor, "name"),
            labels: labels(&cursor),
        })
    }
}

impl Decode for PodManifest {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        check_kind(cursor, AcKind::PodManifest)?;
        let apps = list(&cursor, "apps", |app| {
            let mut known = RuntimeApp {
                name: text(&app, "name"),
                ..RuntimeApp::default()
            };
            if let Some(image) = app.object().ok().and_then(|fields| fields.get("image")) {
                known.image_name = text(&image, "name");
                known.image_id = text(&image, "id");
                known.image_labels = labels(&image);
            }
            known
        });
        Ok(Self {
            ac_version: text(&cursor, "acVersion"),
            apps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_no_longer_validates_still_names_its_apps() {
        let text = br#"{"acKind":"PodManifest","acVersion":"x","apps":[
            {"name":"Bad Name","image":{"id":"md5-1","name":"UPPER","labels":[{"name":"os","value":"plan9"}]}},
            {"name":7,"image":[]}, 5], "volumes": "none"}"#;
        let pod = PodManifest::from_json(text).unwrap();
        assert!(crate::PodManifest::from_json(text).is_err());
        let first = RuntimeApp {
            name: "Bad Name".to_owned(),
            image_name: "UPPER".to_owned(),
            image_id: "md5-1".to_owned(),
            image_labels: vec![("os".to_owned(), "plan9".to_owned())],
        };
        assert_eq!(pod.apps, [first, RuntimeApp::default()]);
        assert_eq!(pod.ac_version, "x");
    }

    #[test]
    fn an_image_that_no_longer_validates_still_has_a_name() {
        let text = br#"{"acKind":"ImageManifest","acVersion":null,"name":"A B","app":{"user":""}}"#;
        let image = ImageManifest::from_json(text).unwrap();
        assert_eq!((&*image.name, &*image.ac_version), ("A B", ""));
    }

    #[test]
    fn the_kind_is_insisted_on() {
        for text in ["{}", "[]", "{", r#"{"acKind":"PodManifest"}"#] {
            assert!(ImageManifest::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }
}
