//! A lenient reading of pod manifests, for listing and removing pods whose manifest may not validate.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What listings need of a pod manifest; everything may be missing.
///
/// Source: appc spec, schema/lastditch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodText {
    pub(crate) apps: Option<Vec<AppText>>,
    pub(crate) volumes: Option<Vec<VolumeText>>,
    pub(crate) annotations: Option<Vec<NameValue>>,
    pub(crate) user_annotations: Option<BTreeMap<String, String>>,
    pub(crate) user_labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AppText {
    pub(crate) name: String,
    pub(crate) image: ImageText,
    pub(crate) app: Option<AppObject>,
    pub(crate) mounts: Option<Vec<MountText>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ImageText {
    pub(crate) name: Option<String>,
    pub(crate) id: String,
    pub(crate) labels: Option<Vec<NameValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AppObject {
    pub(crate) mount_points: Option<Vec<MountPointText>>,
    pub(crate) user_annotations: Option<BTreeMap<String, String>>,
    pub(crate) user_labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MountPointText {
    pub(crate) path: String,
    pub(crate) read_only: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MountText {
    pub(crate) volume: String,
    pub(crate) path: String,
    pub(crate) app_volume: Option<VolumeText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumeText {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) source: Option<String>,
    pub(crate) read_only: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NameValue {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl PodText {
    /// Reads the bytes of a `pod` file.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Whether apps can be added to the running pod.
    pub(crate) fn is_mutable(&self) -> bool {
        self.annotations.iter().flatten().any(|annotation| {
            annotation.name == "coreos.com/rkt/stage1/mutable" && annotation.value == "true"
        })
    }
}

impl ImageText {
    /// `name:version`, or what there is of it.
    pub(crate) fn name_and_version(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        let version = self
            .labels
            .iter()
            .flatten()
            .find(|label| label.name == "version");
        Some(version.map_or_else(
            || name.clone(),
            |version| format!("{name}:{}", version.value),
        ))
    }
}
