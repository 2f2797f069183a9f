//! An index: images for several platforms under one name, or those of a layout directory.

use std::collections::BTreeMap;

use super::document::Document;
use super::{Descriptor, MediaType, OciError, strict};
use crate::json::{Cursor, DecodeError, Encode, Writer};

/// An index or manifest list. Source: OCI image-spec 1.1, image-index.md.
///
/// The size of a document bounds how many images it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// [`MediaType::OciIndex`] or [`MediaType::DockerIndex`].
    pub media_type: MediaType,
    /// The images, and other indexes.
    pub manifests: Vec<Descriptor>,
    /// What kind of thing it is the index of, if not of images.
    pub artifact_type: Option<String>,
    /// The manifest that this index says something about.
    pub subject: Option<Descriptor>,
    /// What else is said of it.
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// An OCI index of nothing but `manifests`.
    #[must_use]
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            media_type: MediaType::OciIndex,
            manifests,
            artifact_type: None,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads and checks an index; `declared` is the type that a registry or a descriptor gave it.
    ///
    /// # Errors
    ///
    /// [`OciError`], also if it is a manifest.
    pub fn from_json(text: &[u8], declared: Option<&MediaType>) -> Result<Self, OciError> {
        match Document::from_json(text, declared)? {
            Document::Index(index) => Ok(index),
            Document::Manifest(manifest) => Err(OciError::MediaType {
                declared: "an index".to_owned(),
                found: manifest.media_type.to_string(),
            }),
        }
    }

    /// Writes the index in one line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        Writer::text_of(self).into_bytes()
    }

    pub(super) fn decode(cursor: Cursor<'_>, media_type: MediaType) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            media_type,
            manifests: fields.or_default("manifests")?,
            artifact_type: fields.optional("artifactType")?,
            subject: fields.optional("subject")?,
            annotations: fields.or_default("annotations")?,
        })
    }
}

impl Encode for Index {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("schemaVersion", &2u32);
            out.member("mediaType", self.media_type.as_str());
            if let Some(kind) = &self.artifact_type {
                out.member("artifactType", kind);
            }
            out.member("manifests", &self.manifests);
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
