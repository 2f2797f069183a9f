//! The configuration of an image.

use super::document::from_json;
use super::{Digest, Execution, MAX_LAYERS, OciError, strict};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// Most steps of a history: every one is a line of a build file.
const MAX_HISTORY: usize = 10_000;

/// The configuration of an image. Source: OCI image-spec 1.1, config.md.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// When it was made, in the form of RFC 3339; empty if nothing is said.
    pub created: String,
    /// Who made it; empty if nothing is said.
    pub author: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `linux`.
    pub os: String,
    /// Variant of the architecture; empty if there is none.
    pub variant: String,
    /// Version of the system; empty if there is none.
    pub os_version: String,
    /// How it is run.
    pub config: Execution,
    /// Digests of the layers' uncompressed tars, lowest first.
    pub diff_ids: Vec<Digest>,
    /// How it was made, first step first.
    pub history: Vec<History>,
    /// A remark of Docker's; empty if there is none.
    pub comment: String,
}

/// A step in the making of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When, in the form of RFC 3339; empty if nothing is said.
    pub created: String,
    /// Who; empty if nothing is said.
    pub author: String,
    /// The command; empty if nothing is said.
    pub created_by: String,
    /// A remark; empty if there is none.
    pub comment: String,
    /// Whether the step made no layer.
    pub empty_layer: bool,
}

impl ImageConfig {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    ///
    /// [`OciError::Json`] with the first thing wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, OciError> {
        from_json(text)
    }

    /// Writes the configuration in one line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        Writer::text_of(self).into_bytes()
    }
}

impl Decode for ImageConfig {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            created: fields.or_default("created")?,
            author: fields.or_default("author")?,
            architecture: fields
                .expected("architecture", "a configuration needs an architecture")?,
            os: fields.expected("os", "a configuration needs an os")?,
            variant: fields.or_default("variant")?,
            os_version: fields.or_default("os.version")?,
            config: fields.or_default("config")?,
            diff_ids: fields
                .expected::<RootFs>("rootfs", "a configuration needs a rootfs")?
                .0,
            history: fields.checked("history", |history: &Vec<History>| match history.len() {
                ..=MAX_HISTORY => Ok(()),
                count => Err(format!("{count} steps, of which {MAX_HISTORY} are taken")),
            })?,
            comment: fields.or_default("comment")?,
        })
    }
}

/// The object `rootfs`.
struct RootFs(Vec<Digest>);

impl Decode for RootFs {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        let kind: String = fields.or_default("type")?;
        if kind != "layers" {
            return Err(fields.invalid_at("type", "the type of a rootfs is \"layers\""));
        }
        let diff_ids = fields.checked("diff_ids", |ids: &Vec<Digest>| match ids.len() {
            ..=MAX_LAYERS => Ok(()),
            count => Err(format!("{count} layers, of which {MAX_LAYERS} can be run")),
        })?;
        Ok(Self(diff_ids))
    }
}

impl Encode for ImageConfig {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member_unless(self.created.is_empty(), "created", &self.created);
            out.member_unless(self.author.is_empty(), "author", &self.author);
            out.member_unless(self.comment.is_empty(), "comment", &self.comment);
            out.member("architecture", &self.architecture);
            out.member_unless(self.variant.is_empty(), "variant", &self.variant);
            out.member("os", &self.os);
            out.member_unless(self.os_version.is_empty(), "os.version", &self.os_version);
            out.member("config", &self.config);
            out.key("rootfs");
            out.object(|out| {
                out.member("type", "layers");
                out.member("diff_ids", &self.diff_ids);
            });
            out.member_unless(self.history.is_empty(), "history", &self.history);
        });
    }
}

impl Decode for History {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            created: fields.or_default("created")?,
            author: fields.or_default("author")?,
            created_by: fields.or_default("created_by")?,
            comment: fields.or_default("comment")?,
            empty_layer: fields.or_default("empty_layer")?,
        })
    }
}

impl Encode for History {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member_unless(self.created.is_empty(), "created", &self.created);
            out.member_unless(self.created_by.is_empty(), "created_by", &self.created_by);
            out.member_unless(self.author.is_empty(), "author", &self.author);
            out.member_unless(self.comment.is_empty(), "comment", &self.comment);
            out.member_unless(!self.empty_layer, "empty_layer", &self.empty_layer);
        });
    }
}
