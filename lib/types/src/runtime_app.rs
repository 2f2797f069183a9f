//! Apps as they stand in a pod.

use crate::ac_identifier::AcIdentifier;
use crate::ac_name::AcName;
use crate::annotations::Annotations;
use crate::app::App;
use crate::hash::Hash;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::labels::Labels;
use crate::mount::Mount;

/// An app of a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeApp {
    /// Its name, unique in the pod.
    pub name: AcName,
    /// The image it runs from.
    pub image: RuntimeImage,
    /// What to run instead of the image's own app.
    pub app: Option<App>,
    /// Whether its root is mounted read-only.
    pub read_only_root_fs: bool,
    /// Volumes and where they go.
    pub mounts: Vec<Mount>,
    /// Annotations laid over the image's.
    pub annotations: Annotations,
}

/// The image of an app of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuntimeImage {
    /// Its name, for information.
    pub name: Option<AcIdentifier>,
    /// Its contents.
    pub id: Hash,
    /// Its labels, for information.
    pub labels: Labels,
}

impl Decode for RuntimeApp {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.required("name"),
            image: fields.required("image"),
            app: fields.optional("app"),
            read_only_root_fs: fields.or_default("readOnlyRootFS"),
            mounts: fields.or_default("mounts"),
            annotations: fields.or_default("annotations"),
        }))
    }
}

impl Encode for RuntimeApp {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("image", &self.image);
            if let Some(app) = &self.app {
                out.member("app", app);
            }
            out.member_unless(
                !self.read_only_root_fs,
                "readOnlyRootFS",
                &self.read_only_root_fs,
            );
            out.member_unless(self.mounts.is_empty(), "mounts", &self.mounts);
            out.member_unless(
                self.annotations.is_empty(),
                "annotations",
                &self.annotations,
            );
        });
    }
}

impl Decode for RuntimeImage {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.optional("name"),
            id: fields.required("id"),
            labels: fields.or_default("labels"),
        }))
    }
}

impl Encode for RuntimeImage {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            if let Some(name) = &self.name {
                out.member("name", name);
            }
            out.member("id", &self.id);
            out.member_unless(self.labels.is_empty(), "labels", &self.labels);
        });
    }
}
