//! A reference to bytes: their type, digest and length.

use std::collections::BTreeMap;

use super::strict;
use super::{Digest, MediaType, Platform};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// Largest blob that a descriptor may name, in bytes. Lengths are signed in the documents of others.
pub const MAX_BLOB_BYTES: u64 = i64::MAX as u64;

/// Longest list of URLs of one descriptor.
const MAX_URLS: usize = 32;

/// A reference to bytes. Source: OCI image-spec 1.1, descriptor.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: MediaType,
    /// Their digest.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// Where else than in the registry they are to be had.
    pub urls: Vec<String>,
    /// What else is said of them.
    pub annotations: BTreeMap<String, String>,
    /// The machine that an image is for; in an index only.
    pub platform: Option<Platform>,
    /// What kind of thing a manifest is of, if not of an image.
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// A descriptor that says nothing but what it has to.
    #[must_use]
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
        }
    }
}

impl Decode for Descriptor {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        let size = fields.expected("size", "a descriptor needs a size")?;
        if size > MAX_BLOB_BYTES {
            return Err(fields.invalid_at("size", "the size is out of range"));
        }
        let media_type: MediaType = fields.or_default("mediaType")?;
        if media_type.as_str().is_empty() {
            return Err(fields.invalid_at("mediaType", "a descriptor needs a mediaType"));
        }
        Ok(Self {
            media_type,
            digest: fields.expected("digest", "a descriptor needs a digest")?,
            size,
            urls: fields.checked("urls", |urls: &Vec<String>| match urls.len() {
                ..=MAX_URLS => Ok(()),
                count => Err(format!("{count} URLs, of which {MAX_URLS} are taken")),
            })?,
            annotations: fields.or_default("annotations")?,
            platform: fields.optional("platform")?,
            artifact_type: fields.optional("artifactType")?,
        })
    }
}

impl Encode for Descriptor {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("mediaType", self.media_type.as_str());
            out.member("digest", &self.digest);
            out.member("size", &self.size);
            out.member_unless(self.urls.is_empty(), "urls", &self.urls);
            out.member_unless(
                self.annotations.is_empty(),
                "annotations",
                &self.annotations,
            );
            if let Some(platform) = &self.platform {
                out.member("platform", platform);
            }
            if let Some(kind) = &self.artifact_type {
                out.member("artifactType", kind);
            }
        });
    }
}

impl Default for MediaType {
    fn default() -> Self {
        Self::Other("".into())
    }
}

impl Decode for MediaType {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        cursor.string().map(Self::from)
    }
}

impl Decode for Digest {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        cursor
            .string()?
            .parse()
            .map_err(|error: super::DigestError| cursor.invalid(error))
    }
}

impl Encode for Digest {
    fn encode(&self, out: &mut Writer) {
        out.string(&self.to_string());
    }
}
