//! How stage1 makes the roots of a pod's apps: our file `rootfs.json` in the pod directory.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ac_name::AcName;

/// The roots of all apps of a pod, written by stage0 and read by stage1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootPlan {
    /// One root per app.
    pub apps: Vec<AppRoot>,
}

/// The root of one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRoot {
    /// The app's name in the pod.
    pub name: AcName,
    /// How its root comes about.
    pub kind: RootKind,
}

/// How a root comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootKind {
    /// An overlay over trees of the store.
    Overlay {
        /// The read-only directories, top first, as absolute paths.
        #[serde(with = "paths")]
        lower: Vec<PathBuf>,
        /// The directory for what the app writes, relative to the pod directory.
        #[serde(with = "path")]
        upper: PathBuf,
        /// The overlay's work directory, relative to the pod directory.
        #[serde(with = "path")]
        work: PathBuf,
    },
    /// The app's `rootfs` directory holds a copy already.
    Directory,
}

impl RootPlan {
    /// Reads the file's contents.
    ///
    /// # Errors
    ///
    /// The parser's error if the text is not a plan.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Writes the file's contents.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and every path has a form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The root of an app.
    pub fn app(&self, name: &AcName) -> Option<&AppRoot> {
        self.apps.iter().find(|app| app.name == *name)
    }
}

/// A path in JSON: text, or a list of bytes where it is not UTF-8, as a data directory's path may be.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathForm {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Path> for PathForm {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }
}

impl From<PathForm> for PathBuf {
    fn from(form: PathForm) -> Self {
        match form {
            PathForm::Text(text) => text.into(),
            PathForm::Bytes(bytes) => OsString::from_vec(bytes).into(),
        }
    }
}

mod path {
    use super::{Deserialize, Path, PathBuf, PathForm, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        PathForm::from(path).serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<PathBuf, D::Error> {
        PathForm::deserialize(from).map(PathBuf::from)
    }
}

mod paths {
    use super::{Deserialize, PathBuf, PathForm};

    pub(super) fn serialize<S: serde::Serializer>(
        paths: &[PathBuf],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| PathForm::from(&**path)))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let forms = Vec::<PathForm>::deserialize(from)?;
        Ok(forms.into_iter().map(PathBuf::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_back_the_same() {
        let plan = RootPlan {
            apps: vec![
                AppRoot {
                    name: "web".parse().unwrap(),
                    kind: RootKind::Overlay {
                        lower: vec![
                            "/store/trees/b/rootfs".into(),
                            "/store/trees/a/rootfs".into(),
                        ],
                        upper: "overlay/b/upper/web".into(),
                        work: "overlay/b/work".into(),
                    },
                },
                AppRoot {
                    name: "db".parse().unwrap(),
                    kind: RootKind::Directory,
                },
            ],
        };
        let text = plan.to_json();
        assert_eq!(RootPlan::from_json(&text).unwrap(), plan);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            concat!(
                r#"{"apps":[{"name":"web","kind":{"overlay":{"lower":["/store/trees/b/rootfs","#,
                r#""/store/trees/a/rootfs"],"upper":"overlay/b/upper/web","work":"overlay/b/work"}}},"#,
                r#"{"name":"db","kind":"directory"}]}"#
            )
        );
        assert!(RootPlan::from_json(br#"{"apps":[{"name":"../x","kind":"directory"}]}"#).is_err());
    }

    #[test]
    fn a_path_that_is_not_utf_8_survives() {
        let odd = PathBuf::from(OsString::from_vec(b"/data/\xff".to_vec()));
        let kind = RootKind::Overlay {
            lower: vec![odd.clone()],
            upper: odd,
            work: "w".into(),
        };
        let plan = RootPlan {
            apps: vec![AppRoot {
                name: "a".parse().unwrap(),
                kind,
            }],
        };
        assert_eq!(RootPlan::from_json(&plan.to_json()).unwrap(), plan);
    }
}
