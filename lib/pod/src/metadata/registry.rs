//! The pods that the service knows.

use std::collections::{BTreeMap, HashMap};

use gantry_types::metadata::MetadataToken;
use gantry_types::{AcName, Annotations, ImageManifest, PodManifest, RuntimeApp, Uuid};
use serde_json::{Value, json};

/// Most pods that are known at once. Only root registers pods; this is against a script gone wrong.
const MAX_PODS: usize = 100_000;

/// A pod that is known, with the images of its apps as far as they were registered.
#[derive(Debug)]
pub(super) struct KnownPod {
    pub(super) uuid: Uuid,
    token: MetadataToken,
    manifest: PodManifest,
    images: BTreeMap<AcName, ImageManifest>,
}

/// All pods that are known.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pods: BTreeMap<Uuid, KnownPod>,
    tokens: HashMap<MetadataToken, Uuid>,
}

/// A pod cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RegisterError {
    /// Another pod has the token.
    #[error("the token is that of another pod")]
    Token,
    /// There are too many.
    #[error("{MAX_PODS} pods are registered; unregister some, or start the service again")]
    Full,
}

impl Registry {
    /// Makes a pod known, in the place of what was known of it.
    pub(super) fn add(
        &mut self,
        uuid: Uuid,
        token: MetadataToken,
        manifest: PodManifest,
    ) -> Result<(), RegisterError> {
        if self.tokens.get(&token).is_some_and(|owner| *owner != uuid) {
            return Err(RegisterError::Token);
        }
        if self.pods.len() >= MAX_PODS && !self.pods.contains_key(&uuid) {
            return Err(RegisterError::Full);
        }
        self.remove(uuid);
        self.tokens.insert(token.clone(), uuid);
        let images = BTreeMap::new();
        let pod = KnownPod {
            uuid,
            token,
            manifest,
            images,
        };
        self.pods.insert(uuid, pod);
        Ok(())
    }

    /// Forgets a pod; false if it was not known.
    pub(super) fn remove(&mut self, uuid: Uuid) -> bool {
        let removed = self.pods.remove(&uuid);
        if let Some(pod) = &removed {
            self.tokens.remove(&pod.token);
        }
        removed.is_some()
    }

    pub(super) fn get_mut(&mut self, uuid: Uuid) -> Option<&mut KnownPod> {
        self.pods.get_mut(&uuid)
    }

    /// The pod that a token is of; what is no token is of none.
    pub(super) fn by_token(&self, token: &str) -> Option<&KnownPod> {
        let token = token.parse().ok()?;
        self.pods.get(self.tokens.get(&token)?)
    }

    /// The number of pods.
    pub(super) fn len(&self) -> usize {
        self.pods.len()
    }
}

impl KnownPod {
    /// Makes the image of an app known; false if the pod has no such app.
    pub(super) fn add_image(&mut self, app: AcName, image: ImageManifest) -> bool {
        let known = self.manifest.app(&app).is_some();
        if known {
            self.images.insert(app, image);
        }
        known
    }

    /// The pod's manifest as JSON.
    pub(super) fn manifest(&self) -> Vec<u8> {
        let text = self.manifest.to_json();
        if !self.manifest.annotations.is_empty() {
            return text;
        }
        // As `annotations` has it: the two are to be equal, and a list without entries is no `null`.
        match serde_json::from_slice::<Value>(&text) {
            Ok(mut value) => {
                value["annotations"] = json!([]);
                value.to_string().into_bytes()
            }
            Err(_) => text,
        }
    }

    /// The pod's annotations.
    pub(super) fn annotations(&self) -> Vec<(&str, &str)> {
        pairs(&self.manifest.annotations).collect()
    }

    /// An app and its image, if both are known.
    pub(super) fn app(&self, name: &str) -> Option<KnownApp<'_>> {
        let name: AcName = name.parse().ok()?;
        let app = self.manifest.app(&name)?;
        let image = self.images.get(&name)?;
        Some(KnownApp { app, image })
    }
}

/// An app of a pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownApp<'a> {
    app: &'a RuntimeApp,
    image: &'a ImageManifest,
}

impl<'a> KnownApp<'a> {
    /// The manifest of its image as JSON.
    pub(super) fn image_manifest(self) -> Vec<u8> {
        self.image.to_json()
    }

    /// The ID of its image.
    pub(super) fn image_id(self) -> String {
        self.app.image.id.to_string()
    }

    /// The annotations of its image, with those of the app in the place of those of the same name, or behind.
    pub(super) fn annotations(self) -> Vec<(&'a str, &'a str)> {
        let mut merged: Vec<_> = pairs(&self.image.annotations).collect();
        for (name, value) in pairs(&self.app.annotations) {
            match merged.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => merged.push((name, value)),
            }
        }
        merged
    }
}

fn pairs(annotations: &Annotations) -> impl Iterator<Item = (&str, &str)> {
    let all = annotations.iter();
    all.map(|one| (one.name.as_str(), one.value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::uuid;

    fn token(text: &str) -> MetadataToken {
        text.parse().unwrap()
    }

    fn manifest(annotations: &str) -> PodManifest {
        let json = format!(
            r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{{"name":"a","image":{{"id":"sha512-ab"}},
               "annotations":[{{"name":"x","value":"app"}},{{"name":"z","value":"app"}}]}}]{annotations}}}"#
        );
        PodManifest::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_pod_has_one_token_and_a_token_one_pod() {
        let mut registry = Registry::default();
        registry.add(uuid(1), token("t1"), manifest("")).unwrap();
        registry.add(uuid(2), token("t2"), manifest("")).unwrap();
        assert_eq!(
            registry.add(uuid(2), token("t1"), manifest("")),
            Err(RegisterError::Token)
        );
        assert_eq!(registry.by_token("t2").unwrap().uuid, uuid(2));
        // Again, with another token: the old one is void.
        registry.add(uuid(2), token("t3"), manifest("")).unwrap();
        assert!(registry.by_token("t2").is_none());
        assert_eq!(registry.by_token("t3").unwrap().uuid, uuid(2));
        assert!(registry.by_token("").is_none() && registry.by_token("t1/").is_none());
        assert!(registry.remove(uuid(1)) && !registry.remove(uuid(1)));
        assert!(registry.by_token("t1").is_none());
        assert_eq!(registry.len(), 1);
    }

    #[test]
    fn annotations_of_an_app_are_laid_over_those_of_its_image() {
        let mut registry = Registry::default();
        registry.add(uuid(1), token("t"), manifest("")).unwrap();
        let image = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"n",
            "annotations":[{"name":"w","value":"image"},{"name":"x","value":"image"},{"name":"y","value":"image"}]}"#;
        let image = ImageManifest::from_json(image.as_bytes()).unwrap();
        let pod = registry.get_mut(uuid(1)).unwrap();
        assert!(pod.app("a").is_none());
        assert!(!pod.add_image("b".parse().unwrap(), image.clone()));
        assert!(pod.add_image("a".parse().unwrap(), image));
        let app = pod.app("a").unwrap();
        let merged = [("w", "image"), ("x", "app"), ("y", "image"), ("z", "app")];
        assert_eq!(app.annotations(), merged);
        assert_eq!(app.image_id(), "sha512-ab");
        assert!(pod.app("A").is_none() && pod.app("").is_none());
    }

    #[test]
    fn a_pod_without_annotations_has_an_empty_list_of_them() {
        let mut registry = Registry::default();
        registry.add(uuid(1), token("t"), manifest("")).unwrap();
        let text = String::from_utf8(registry.by_token("t").unwrap().manifest()).unwrap();
        assert!(
            text.contains(r#""isolators":null,"annotations":[],"#),
            "{text}"
        );
        assert!(PodManifest::from_json(text.as_bytes()).is_ok());
        let one = r#","annotations":[{"name":"a","value":"b"}]"#;
        registry.add(uuid(1), token("t"), manifest(one)).unwrap();
        let pod = registry.by_token("t").unwrap();
        assert_eq!(pod.annotations(), [("a", "b")]);
        assert_eq!(pod.manifest(), manifest(one).to_json());
    }
}
