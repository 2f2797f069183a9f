//! The manifest of an image.

use crate::ac_identifier::AcIdentifier;
use crate::ac_kind::AcKind;
use crate::annotations::Annotations;
use crate::app::App;
use crate::dependency::Dependency;
use crate::diagnostic::usage_errors;
use crate::image_name::ImageName;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, indent, read_all};
use crate::labels::Labels;
use crate::manifest_error::{ManifestError, after_kind, check_kind, from_json};
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
        let fields = cursor.object()?;
        let kind = check_kind(cursor, AcKind::ImageManifest);
        let manifest = || {
            Ok(read_all!(Self {
                ac_version: fields.expected("acVersion", ImageManifestError::NoVersion),
                name: fields.expected("name", ImageManifestError::NoName),
                labels: fields.or_default("labels"),
                app: fields.optional("app"),
                annotations: fields.or_default("annotations"),
                dependencies: fields.or_default("dependencies"),
                path_whitelist: fields.or_default("pathWhitelist"),
            }))
        };
        after_kind(cursor, kind, manifest)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = concat!(
        r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app","#,
        r#""labels":[{"name":"version","value":"1.0"},{"name":"os","value":"linux"}],"#,
        r#""app":{"exec":["/a"],"user":"0","group":"0"},"#,
        r#""annotations":[{"name":"authors","value":"A \u003ca@b.c\u003e"}],"#,
        r#""dependencies":[{"imageName":"example.com/base"}],"pathWhitelist":["/a","/b"]}"#
    );

    #[test]
    fn a_whole_manifest_comes_out_as_it_went_in() {
        let manifest = ImageManifest::from_json(WHOLE.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(manifest.to_json()).unwrap(), WHOLE);
        assert_eq!(
            manifest.image_name().to_string(),
            "example.com/app,os=linux,version=1.0"
        );
        let pretty = manifest.to_json_pretty("    ");
        assert!(pretty.starts_with(b"{\n    \"acKind\": \"ImageManifest\",\n"));
        assert_eq!(ImageManifest::from_json(&pretty).unwrap(), manifest);
    }

    #[test]
    fn what_is_absent_stays_absent() {
        let least = r#"{"acKind":"ImageManifest","acVersion":"0.8.11+git","name":"a"}"#;
        assert_eq!(
            ImageManifest::new("a".parse().unwrap()).to_json(),
            least.as_bytes()
        );
        for text in [
            r#"{"acKind":"ImageManifest","acVersion":"0.8.11+git","name":"a","labels":null,"app":null}"#,
            r#"{"name":"b","acVersion":"0.8.11+git","pathWhitelist":[],"unknown":[{}],"ackind":"ImageManifest","name":"a"}"#,
        ] {
            let manifest = ImageManifest::from_json(text.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8(manifest.to_json()).unwrap(),
                least,
                "{text}"
            );
        }
    }

    #[test]
    fn manifests_are_checked_as_the_original_does() {
        // Source: appc aci.md, "Image Manifest Schema".
        let table = [
            (r#""name":"a""#, "acVersion must be set"),
            (r#""acVersion":null,"name":"a""#, "acVersion must be set"),
            (r#""acVersion":"1","name":"a""#, "SemVer is bad"),
            (r#""acVersion":"0.0.0","name":"a""#, "SemVer cannot be zero"),
            (r#""acVersion":"0.8.11""#, "name must be set"),
            (
                r#""acVersion":"0.8.11","name":"""#,
                "ACIdentifier cannot be empty",
            ),
            (
                r#""acVersion":"0.8.11","name":"a","app":{}"#,
                "user is required",
            ),
            (
                r#""acVersion":"0.8.11","name":"a","pathWhitelist":[1]"#,
                "json: cannot unmarshal number 1 into field pathWhitelist[0] of type string",
            ),
            (
                r#""acVersion":"0.8.11","name":"a","annotations":[{"name":"created","value":"x"}]"#,
                "bad Date: \"x\" is not in the form 2006-01-02T15:04:05Z (RFC 3339)",
            ),
        ];
        for (members, message) in table {
            let text = format!("{{\"acKind\":\"ImageManifest\",{members}}}");
            let error = ImageManifest::from_json(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_to_a_manifest_panics(at in 0..WHOLE.len(), byte: u8, cut in 0..WHOLE.len()) {
            let mut bytes = WHOLE.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = ImageManifest::from_json(&bytes[..cut]);
            if let Ok(manifest) = ImageManifest::from_json(&bytes) {
                prop_assert_eq!(ImageManifest::from_json(&manifest.to_json()).unwrap(), manifest);
            }
        }
    }
}
