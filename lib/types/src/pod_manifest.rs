//! The manifest of a pod.

use std::collections::{BTreeMap, BTreeSet};

use crate::ac_kind::AcKind;
use crate::ac_name::AcName;
use crate::annotations::Annotations;
use crate::diagnostic::usage_errors;
use crate::exposed_port::ExposedPort;
use crate::isolator::Isolator;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, indent, read_all};
use crate::list::List;
use crate::manifest_error::{ManifestError, after_kind, check_kind, from_json};
use crate::runtime_app::RuntimeApp;
use crate::semver::SemVer;
use crate::volume::Volume;

/// The manifest of a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodManifest {
    /// The version of the specification it was written for; the original does not insist on one.
    pub ac_version: Option<SemVer>,
    /// The apps, with unique names.
    pub apps: List<RuntimeApp>,
    /// The volumes, with unique names.
    pub volumes: List<Volume>,
    /// Limits of the pod as a whole; names unknown here are kept.
    pub isolators: List<Isolator>,
    /// Annotations of the pod.
    pub annotations: Annotations,
    /// Ports forwarded from the host.
    pub ports: List<ExposedPort>,
    /// Free text for users.
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels for users.
    pub user_labels: BTreeMap<String, String>,
}

/// A pod manifest breaks a rule about itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PodManifestError {
    /// Two apps have one name.
    #[error("duplicate apps of name {:?}", .0.as_str())]
    DuplicateApp(AcName),
    /// Two volumes have one name.
    #[error("duplicate volume name {:?}", .0.as_str())]
    DuplicateVolume(AcName),
}
usage_errors!(PodManifestError);

impl Default for PodManifest {
    fn default() -> Self {
        Self {
            ac_version: Some(SemVer::ac_version()),
            apps: List::default(),
            volumes: List::default(),
            isolators: List::default(),
            annotations: Annotations::default(),
            ports: List::default(),
            user_annotations: BTreeMap::new(),
            user_labels: BTreeMap::new(),
        }
    }
}

impl PodManifest {
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

    /// The app of a name.
    pub fn app(&self, name: &AcName) -> Option<&RuntimeApp> {
        self.apps.iter().find(|app| app.name == *name)
    }
}

impl Decode for PodManifest {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let kind = check_kind(cursor, AcKind::PodManifest);
        let manifest = || {
            Ok(read_all!(Self {
                ac_version: fields.present("acVersion"),
                apps: fields.or_default("apps").map(|list: Apps| list.0),
                volumes: fields.or_default("volumes").map(|list: Volumes| list.0),
                isolators: fields.or_default("isolators"),
                annotations: fields.or_default("annotations"),
                ports: fields.or_default("ports"),
                user_annotations: fields.or_default("userAnnotations"),
                user_labels: fields.or_default("userLabels"),
            }))
        };
        after_kind(cursor, kind, manifest)
    }
}

/// Apps with unique names.
#[derive(Default)]
struct Apps(List<RuntimeApp>);

impl Decode for Apps {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = BTreeSet::new();
        let apps = cursor.list(|app: &RuntimeApp| {
            if seen.insert(app.name.clone()) {
                Ok(())
            } else {
                Err(PodManifestError::DuplicateApp(app.name.clone()))
            }
        });
        apps.map(|apps| Self(List::found(apps)))
    }
}

/// Volumes with unique names.
#[derive(Default)]
struct Volumes(List<Volume>);

impl Decode for Volumes {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = BTreeSet::new();
        let volumes = cursor.list(|volume: &Volume| {
            if seen.insert(volume.name.clone()) {
                Ok(())
            } else {
                Err(PodManifestError::DuplicateVolume(volume.name.clone()))
            }
        });
        volumes.map(|volumes| Self(List::found(volumes)))
    }
}

impl Encode for PodManifest {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            match &self.ac_version {
                Some(version) => out.member("acVersion", version),
                None => out.member("acVersion", &SemVer::ac_version()),
            }
            out.member("acKind", AcKind::PodManifest.as_str());
            out.member("apps", &self.apps);
            out.member("volumes", &self.volumes);
            out.member("isolators", &self.isolators);
            out.member("annotations", &self.annotations);
            out.member("ports", &self.ports);
            out.member_unless(
                self.user_annotations.is_empty(),
                "userAnnotations",
                &self.user_annotations,
            );
            out.member_unless(self.user_labels.is_empty(), "userLabels", &self.user_labels);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = concat!(
        r#"{"acVersion":"0.8.11","acKind":"PodManifest","apps":[{"name":"web","#,
        r#""image":{"name":"example.com/web","id":"sha512-abc","labels":[{"name":"os","value":"linux"}]},"#,
        r#""app":{"exec":["/web"],"user":"0","group":"0"},"readOnlyRootFS":true,"#,
        r#""mounts":[{"volume":"data","path":"/data","#,
        r#""appVolume":{"name":"data","kind":"host","source":"/srv"}}],"#,
        r#""annotations":[{"name":"a","value":"b"}]}],"#,
        r#""volumes":[{"name":"data","kind":"empty","mode":"0755","uid":0,"gid":0}],"#,
        r#""isolators":[{"name":"resource/memory","value":{"limit":"4G"}},{"name":"x/y","value":[1]}],"#,
        r#""annotations":[{"name":"c","value":"d"}],"#,
        r#""ports":[{"name":"http","hostPort":80,"hostIP":"127.0.0.1","#,
        r#""podPort":{"name":"","protocol":"tcp","port":8080,"count":1,"socketActivated":false}}],"#,
        r#""userAnnotations":{"e":"f"},"userLabels":{"g":"h"}}"#
    );

    #[test]
    fn a_whole_manifest_comes_out_as_it_went_in() {
        let text = WHOLE.replace(r#""name":"","protocol""#, r#""name":"p","protocol""#);
        let pod = PodManifest::from_json(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(pod.to_json()).unwrap(), text);
        assert_eq!(
            PodManifest::from_json(&pod.to_json_pretty("\t")).unwrap(),
            pod
        );
        assert!(pod.app(&"web".parse().unwrap()).is_some());
    }

    #[test]
    fn empty_lists_are_written_as_they_were_read() {
        // Source: appc spec, schema/pod.go, and how Go writes lists that were never set.
        let least = concat!(
            r#"{"acVersion":"0.8.11+git","acKind":"PodManifest","apps":null,"volumes":null,"#,
            r#""isolators":null,"annotations":null,"ports":null}"#
        );
        assert_eq!(
            String::from_utf8(PodManifest::default().to_json()).unwrap(),
            least
        );
        assert_eq!(
            PodManifest::from_json(least.as_bytes()).unwrap(),
            PodManifest::default()
        );
        let empty = least.replace("null", "[]");
        let pod = PodManifest::from_json(empty.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(pod.to_json()).unwrap(), empty);
        let pod = PodManifest::from_json(br#"{"acKind":"PodManifest"}"#).unwrap();
        assert_eq!(pod.ac_version, None);
    }

    #[test]
    fn isolators_of_a_pod_are_neither_counted_nor_refused_when_unknown() {
        // Source: appc pods.md, "isolators".
        let one = r#"{"name":"os/linux/cpu-shares","value":2}"#;
        let text = format!(
            r#"{{"acKind":"PodManifest","isolators":[{one},{one},{{"name":"ponies","value":0}}]}}"#
        );
        let pod = PodManifest::from_json(text.as_bytes()).unwrap();
        assert_eq!(pod.isolators.len(), 3);
        assert_eq!(pod.isolators[2].value(), &crate::IsolatorValue::Unknown);
        let text = text.replace("\"value\":2}", "\"value\":1}");
        assert!(PodManifest::from_json(text.as_bytes()).is_err());
    }

    #[test]
    fn manifests_are_checked_as_the_original_does() {
        // Source: appc spec, schema/pod.go.
        let app = r#"{"name":"a","image":{"id":"sha512-x"}}"#;
        let volume = r#"{"name":"v","kind":"empty"}"#;
        let table = [
            (
                format!(r#""apps":[{app},{app}]"#),
                "duplicate apps of name \"a\"",
            ),
            (
                format!(r#""volumes":[{volume},{volume}]"#),
                "duplicate volume name \"v\"",
            ),
            (
                r#""apps":[{"image":{"id":"sha512-x"}}]"#.to_owned(),
                "ACName cannot be empty",
            ),
            (
                r#""apps":[{"name":"a"}]"#.to_owned(),
                "badly formatted hash string",
            ),
            (
                r#""apps":[{"name":"a","image":{"id":"sha512-"}}]"#.to_owned(),
                "unexpected empty hash value",
            ),
            (r#""acVersion":"x""#.to_owned(), "SemVer is bad"),
            (
                r#""ports":[{"name":"p","hostIP":"localhost"}]"#.to_owned(),
                "invalid IP address: localhost",
            ),
            (
                r#""ports":[{"name":"p","hostPort":-1}]"#.to_owned(),
                "json: cannot unmarshal number -1 into field ports[0].hostPort of type uint",
            ),
            (
                r#""isolators":[{"name":"resource/cpu"}]"#.to_owned(),
                "isolator \"resource/cpu\" has no value",
            ),
        ];
        for (members, message) in table {
            let text = format!("{{\"acKind\":\"PodManifest\",{members}}}");
            let error = PodManifest::from_json(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
        for members in [
            r#""ports":[{"name":"p","hostPort":0},{"name":"p","hostPort":70000}]"#,
            r#""apps":[{"name":"a","image":{"id":"sha512-x"},"mounts":[{"volume":"v"}]}]"#,
        ] {
            let text = format!("{{\"acKind\":\"PodManifest\",{members}}}");
            assert!(PodManifest::from_json(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
