//! The manifest of an image: its configuration and its layers.

use std::collections::BTreeMap;

use super::document::Document;
use super::{Descriptor, ImageConfig, MediaType, OciError, Platform, strict};
use crate::json::{Cursor, DecodeError, Encode, Writer};

/// Most layers of an image: as many as Linux stacks in one overlay. Docker makes at most 127.
///
/// Source: fs/overlayfs/params.h, `OVL_MAX_STACK`.
pub const MAX_LAYERS: usize = 500;

/// The manifest of an image. Source: OCI image-spec 1.1, manifest.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// [`MediaType::OciManifest`] or [`MediaType::DockerManifest`].
    pub media_type: MediaType,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// What kind of thing it is the manifest of, if not of an image.
    pub artifact_type: Option<String>,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
    /// What else is said of it.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads and checks a manifest; `declared` is the type that a registry or a descriptor gave it.
    ///
    /// # Errors
    ///
    /// [`OciError`], also if it is an index.
    pub fn from_json(text: &[u8], declared: Option<&MediaType>) -> Result<Self, OciError> {
        match Document::from_json(text, declared)? {
            Document::Manifest(manifest) => Ok(manifest),
            Document::Index(index) => Err(OciError::MediaType {
                declared: "a manifest".to_owned(),
                found: index.media_type.to_string(),
            }),
        }
    }

    /// Writes the manifest in one line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        Writer::text_of(self).into_bytes()
    }

    /// Says whether it is the manifest of an image that can be run, and not of something else that registries hold.
    ///
    /// # Errors
    ///
    /// [`OciError::Artifact`] if it is not.
    pub fn check_is_image(&self) -> Result<(), OciError> {
        let artifact = |found: &str| OciError::Artifact {
            found: found.to_owned(),
        };
        if !self.config.media_type.is_config() {
            let kind = self.artifact_type.as_deref();
            return Err(artifact(kind.unwrap_or(self.config.media_type.as_str())));
        }
        match (self.layers.iter()).find(|layer| layer.media_type.layer_packing().is_none()) {
            Some(layer) => Err(artifact(layer.media_type.as_str())),
            None => Ok(()),
        }
    }

    /// Checks that the configuration is that of as many layers.
    ///
    /// # Errors
    ///
    /// [`OciError::LayerCount`].
    pub fn check_config(&self, config: &ImageConfig) -> Result<(), OciError> {
        let (layers, diff_ids) = (self.layers.len(), config.diff_ids.len());
        match layers == diff_ids {
            true => Ok(()),
            false => Err(OciError::LayerCount { layers, diff_ids }),
        }
    }

    /// The bytes of configuration and layers together; none if that is out of range.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let mut parts = self.layers.iter().chain([&self.config]);
        parts.try_fold(0u64, |sum, part| sum.checked_add(part.size))
    }

    pub(super) fn decode(cursor: Cursor<'_>, media_type: MediaType) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        let manifest = Self {
            media_type,
            config: fields.expected("config", "a manifest needs a config")?,
            layers: fields.checked("layers", |layers: &Vec<Descriptor>| match layers.len() {
                ..=MAX_LAYERS => Ok(()),
                count => Err(format!("{count} layers, of which {MAX_LAYERS} can be run")),
            })?,
            artifact_type: fields.optional("artifactType")?,
            subject: fields.optional("subject")?,
            annotations: fields.or_default("annotations")?,
        };
        match manifest.size() {
            Some(_) => Ok(manifest),
            None => Err(fields.invalid_at("layers", "the sizes together are out of range")),
        }
    }
}

impl Encode for Manifest {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("schemaVersion", &2u32);
            out.member("mediaType", self.media_type.as_str());
            if let Some(kind) = &self.artifact_type {
                out.member("artifactType", kind);
            }
            out.member("config", &self.config);
            out.member("layers", &self.layers);
            if let Some(subject) = &self.subject {
                out.member("subject", subject);
            }
            out.member_unless(
                self.annotations.is_empty(),
                "annotations",
                &self.annotations,
            );
        });
    }
}

/// The platform of an image, where only its configuration tells.
impl From<&ImageConfig> for Platform {
    fn from(config: &ImageConfig) -> Self {
        Self {
            os: config.os.clone(),
            architecture: config.architecture.clone(),
            variant: config.variant.clone(),
            os_version: config.os_version.clone(),
        }
    }
}
