//! What a reference leads to: a manifest or an index, and never something that could be either.

use super::{Index, Manifest, MediaType, OciError, strict};
use crate::json::{Cursor, Decode, DecodeError, Fields};
use crate::manifest_error::from_json_with;

/// A manifest or an index.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// Of one image.
    Manifest(Manifest),
    /// Of several.
    Index(Index),
}

/// Keys that only a manifest has; the last two are those of Docker's schema 1.
const MANIFEST_KEYS: [&str; 4] = ["config", "layers", "fsLayers", "signatures"];

impl Document {
    /// Reads and checks a document; `declared` is the type that a registry or a descriptor gave it.
    ///
    /// Of what type it is, its own keys decide; what it says of itself and what was declared must agree with
    /// that. A type that is declared as something unspecific, such as `application/json`, says nothing.
    ///
    /// # Errors
    ///
    /// [`OciError`] with the first thing wrong.
    pub fn from_json(text: &[u8], declared: Option<&MediaType>) -> Result<Self, OciError> {
        if declared == Some(&MediaType::DockerSchema1) {
            return Err(OciError::Schema1);
        }
        let head = from_json_with(text, |cursor| {
            strict::refuse_doubles(cursor)?;
            Head::read(&strict::fields(&cursor)?)
        })?;
        let media_type = head.media_type(declared)?;
        let document = match media_type.is_index() {
            true => Self::Index(from_json_with(text, |cursor| {
                Index::decode(cursor, media_type)
            })?),
            false => Self::Manifest(from_json_with(text, |cursor| {
                Manifest::decode(cursor, media_type)
            })?),
        };
        Ok(document)
    }

    /// The type that the document is of.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        match self {
            Self::Manifest(manifest) => &manifest.media_type,
            Self::Index(index) => &index.media_type,
        }
    }
}

/// What tells one kind of document from another.
struct Head {
    version: u64,
    written: Option<MediaType>,
    /// The first key there is of those that only a manifest has.
    of_manifest: Option<&'static str>,
    of_index: bool,
}

impl Head {
    fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let written: Option<MediaType> = fields.optional("mediaType")?;
        let has = |key: &str| fields.members().any(|(name, _)| is_key(name, key));
        Ok(Self {
            version: fields.or_default("schemaVersion")?,
            written: written.filter(|written| !written.as_str().is_empty()),
            of_manifest: MANIFEST_KEYS.into_iter().find(|key| has(key)),
            of_index: has("manifests"),
        })
    }

    fn media_type(&self, declared: Option<&MediaType>) -> Result<MediaType, OciError> {
        if self.written == Some(MediaType::DockerSchema1) || self.version == 1 {
            return Err(OciError::Schema1);
        }
        let is_index = match (self.of_manifest, self.of_index) {
            (Some(first), true) => {
                return Err(OciError::Ambiguous {
                    first,
                    second: "manifests",
                });
            }
            (None, false) => return Err(OciError::Neither),
            (Some("fsLayers" | "signatures"), false) => return Err(OciError::Schema1),
            (_, is_index) => is_index,
        };
        if self.version != 2 {
            return Err(OciError::MediaType {
                declared: "schemaVersion 2".to_owned(),
                found: format!("schemaVersion {}", self.version),
            });
        }
        let default = match is_index {
            true => MediaType::OciIndex,
            false => MediaType::OciManifest,
        };
        let found = self.written.clone().unwrap_or_else(|| {
            // Only Docker's documents have to say of what type they are.
            let known = declared.filter(|declared| specific(declared));
            known.cloned().unwrap_or(default)
        });
        let fits = match is_index {
            true => found.is_index(),
            false => found.is_manifest(),
        };
        let agrees = declared.is_none_or(|declared| !specific(declared) || *declared == found);
        match fits && agrees {
            true => Ok(found),
            false => Err(OciError::MediaType {
                declared: declared.filter(|_| !agrees).unwrap_or(&found).to_string(),
                found: match (agrees, is_index) {
                    (false, _) => found.to_string(),
                    (true, true) => "an index".to_owned(),
                    (true, false) => "a manifest".to_owned(),
                },
            }),
        }
    }
}

/// Whether a type that was declared says anything: servers of plain files say whatever they think JSON is.
fn specific(declared: &MediaType) -> bool {
    match declared {
        MediaType::Other(text) => !matches!(
            &**text,
            "" | "application/json" | "text/plain" | "application/octet-stream"
        ),
        _ => true,
    }
}

fn is_key(name: &str, key: &str) -> bool {
    crate::json::same_key(name, key)
}

/// Reads a document of which only the decoder's type matters, after refusing keys that stand twice.
pub(super) fn from_json<T: Decode>(text: &[u8]) -> Result<T, OciError> {
    Ok(from_json_with(text, |cursor: Cursor<'_>| {
        strict::refuse_doubles(cursor)?;
        T::decode(cursor)
    })?)
}
