//! Laying a manifest from a file over the one of the build.
//!
//! It is done on the JSON of both, and reading the result back checks it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, ImageManifest, Kind, MAX_MANIFEST_BYTES};
use serde_json::{Map, Value};

use super::context::Build;
use super::edit::EditError;

/// A manifest could not be replaced by a file.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// There is no such file.
    #[error("no such file or directory: {}", path.display())]
    NotFound {
        /// The file or directory.
        path: PathBuf,
    },
    /// It is not a file.
    #[error("{} is a directory", path.display())]
    Directory {
        /// The file or directory.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than any manifest may be.
    #[error("{} is larger than {MAX_MANIFEST_BYTES} bytes", path.display())]
    TooLarge {
        /// The file or directory.
        path: PathBuf,
    },
    /// It is not a JSON object.
    #[error("{} is not a JSON object", path.display())]
    Json {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: Option<serde_json::Error>,
    },
    /// The result could not be taken.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl Diagnostic for ReplaceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::Environment,
            Self::Edit(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Edit(error) => error.hint(),
            _ => None,
        }
    }
}

impl Build {
    /// Lays the manifest in `file` over the one of this build: what it does not say stays.
    ///
    /// # Errors
    ///
    /// [`ReplaceError`]; the manifest of the build then stays as it was.
    pub fn replace_manifest(&self, file: &Path, history: Option<&str>) -> Result<(), ReplaceError> {
        let over = read_object(file)?;
        Ok(self.edit(history, |manifest| lay_over(manifest, over))?)
    }
}

/// Lays `over` over the manifest, and checks the result.
pub(super) fn lay_over(
    manifest: &mut ImageManifest,
    over: Map<String, Value>,
) -> Result<(), EditError> {
    let mut base: Map<String, Value> = serde_json::from_slice(&manifest.to_json())
        .expect("a manifest is written as a JSON object");
    overlay(&mut base, over, &["app"]);
    let json = Value::Object(base).to_string();
    *manifest = ImageManifest::from_json(json.as_bytes())?;
    Ok(())
}

/// Lays `over` over `base`; members named in `nested` are objects of which the same is true.
///
/// Names of members are compared as Go does, without regard to case.
pub(super) fn overlay(base: &mut Map<String, Value>, over: Map<String, Value>, nested: &[&str]) {
    for (key, value) in over {
        let key = base
            .keys()
            .find(|known| known.eq_ignore_ascii_case(&key))
            .cloned()
            .unwrap_or(key);
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) if nested.contains(&key.as_str()) => {
                overlay(base, over, &[]);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

pub(super) fn read_object(file: &Path) -> Result<Map<String, Value>, ReplaceError> {
    let path = || file.to_owned();
    let metadata = std::fs::metadata(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReplaceError::NotFound { path: path() },
        _ => ReplaceError::Read {
            path: path(),
            source,
        },
    })?;
    if metadata.is_dir() {
        return Err(ReplaceError::Directory { path: path() });
    }
    let mut text = Vec::new();
    crate::open_input(file)
        .and_then(|file| {
            file.take(MAX_MANIFEST_BYTES as u64 + 1)
                .read_to_end(&mut text)
        })
        .map_err(|source| ReplaceError::Read {
            path: path(),
            source,
        })?;
    if text.len() > MAX_MANIFEST_BYTES {
        return Err(ReplaceError::TooLarge { path: path() });
    }
    match serde_json::from_slice(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ReplaceError::Json {
            path: path(),
            source: None,
        }),
        Err(source) => Err(ReplaceError::Json {
            path: path(),
            source: Some(source),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> ImageManifest {
        ImageManifest::from_json(
            br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a",
                "labels":[{"name":"version","value":"1"}],
                "app":{"exec":["/a"],"user":"1","group":"2","workingDirectory":"/w"}}"#,
        )
        .unwrap()
    }

    fn laid_over(over: &str) -> Result<ImageManifest, EditError> {
        let mut manifest = manifest();
        lay_over(&mut manifest, serde_json::from_str(over).unwrap())?;
        Ok(manifest)
    }

    #[test]
    fn what_a_new_manifest_does_not_say_stays() {
        let merged = laid_over(r#"{"Name":"example.com/b","app":{"Exec":["/b"]}}"#).unwrap();
        assert_eq!(merged.name.as_str(), "example.com/b");
        assert_eq!(merged.labels.get("version"), Some("1"));
        let app = merged.app.unwrap();
        assert_eq!((&*app.exec[0], app.exec.len(), &*app.user), ("/b", 1, "1"));
        assert_eq!(app.working_directory, "/w");
    }

    #[test]
    fn a_list_replaces_a_list_and_null_removes() {
        let merged = laid_over(r#"{"labels":[{"name":"arch","value":"x"}],"app":null}"#).unwrap();
        assert_eq!(merged.labels.get("version"), None);
        assert!(merged.app.is_none());
    }

    #[test]
    fn the_result_has_to_be_a_manifest() {
        for over in [
            r#"{"acKind":"PodManifest"}"#,
            r#"{"name":"Bad Name"}"#,
            r#"{"app":{"user":""}}"#,
            r#"{"app":{"workingDirectory":"relative"}}"#,
            r#"{"labels":[{"name":"os","value":"plan9"}]}"#,
            r#"{"labels":7}"#,
        ] {
            assert!(
                matches!(laid_over(over), Err(EditError::Manifest(_))),
                "{over}"
            );
        }
    }
}
