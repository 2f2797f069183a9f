//! The manifest of an image.

use crate::ac_identifier::AcIdentifier;
use crate::ac_kind::AcKind;
use crate::annotations::Annotations;
use crate::app::App;
use crate::dependency::Dependency;
use crate::diagnostic::usage_errors;
use crate::image_name::ImageName;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, indent};
use crate::labels::Labels;
use crate::manifest_error::{ManifestError, check_kind, from_json};
use crate::semver::SemVer;

/// The manifest of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageManifest {
    /// The version of the specification it was written for.
    pub ac_version: SemVer,
    /// The name, the same as in discovery.
    pub name: AcIdentifier,
    /// Labels such as `version`, `os` and `arch`.
    pub labels: Labels,
    /// What to run; an image without may still be depended on.
    pub app: Option<App>,
    /// Annotations such as `created` and `authors`.
    pub annotations: Annotations,
    /// Images beneath this one.
    pub dependencies: Vec<Dependency>,
    /// Absolute paths that alone are kept when the image is rendered; empty for all.
    pub path_whitelist: Vec<String>,
}

/// An image manifest breaks a rule about itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageManifestError {
    /// There is no version.
    #[error("acVersion must be set")]
    NoVersion,
    /// There is no name.
    #[error("name must be set")]
    NoName,
}
usage_errors!(ImageManifestError);

impl ImageManifest {
    /// Makes the least manifest there is.
    pub fn new(name: AcIdentifier) -> Self {
        Self {
            ac_version: SemVer::ac_version(),
            name,
            labels: Labels::default(),
            app: None,
            annotations: Annotations::default(),
            dependencies: Vec::new(),
            path_whitelist: Vec::new(),
        }
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] with the place of the first thing wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        from_json(text)
    }

    /// Writes the manifest in one line.
    pub fn to_json(&self) -> Vec<u8> {
        Writer::text_of(self).into_bytes()
    }

    /// Writes the manifest over lines, each level indented by `step`. No newline at the end.
    pub fn to_json_pretty(&self, step: &str) -> Vec<u8> {
        indent(&Writer::text_of(self), step).into_bytes()
    }

    /// The name with all labels.
    pub fn image_name(&self) -> ImageName {
        ImageName {
            name: self.name.clone(),
            labels: self.labels.sorted(),
        }
    }
}

impl Decode for ImageManifest {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        check_kind(cursor, AcKind::ImageManifest)?;
        let fields = cursor.object()?;
        Ok(Self {
            ac_version: fields
                .optional("acVersion")?
                .ok_or_else(|| fields.invalid_at("acVersion", ImageManifestError::NoVersion))?,
            name: fields
                .optional("name")?
                .ok_or_else(|| fields.invalid_at("name", ImageManifestError::NoName))?,
            labels: fields.or_default("labels")?,
            app: fields.optional("app")?,
            annotations: fields.or_default("annotations")?,
            dependencies: fields.or_default("dependencies")?,
            path_whitelist: fields.or_default("pathWhitelist")?,
        })
    }
}

impl Encode for ImageManifest {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("acKind", AcKind::ImageManifest.as_str());
            out.member("acVersion", &self.ac_version);
            out.member("name", &self.name);
            out.member_unless(self.labels.is_empty(), "labels", &self.labels);
            if let Some(app) = &self.app {
                out.member("app", app);
            }
            out.member_unless(
                self.annotations.is_empty(),
                "annotations",
                &self.annotations,
            );
            out.member_unless(
                self.dependencies.is_empty(),
                "dependencies",
                &self.dependencies,
            );
            out.member_unless(
                self.path_whitelist.is_empty(),
                "pathWhitelist",
                &self.path_whitelist,
            );
        });
    }
}
