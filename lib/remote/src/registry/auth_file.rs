//! Files that keep credentials for registries: podman's `auth.json`, Docker's `config.json` and its
//! forerunner `.dockercfg`.
//!
//! Source: containers-auth.json(5); docker login(1), "Credential stores". Of what such a file says besides,
//! nothing concerns us.

use std::collections::BTreeMap;
use std::fmt;

use gantry_types::config_file::Secret;
use gantry_types::oci::DEFAULT_REGISTRY;
use serde_json::Value;

use super::helper::is_helper_name;
use crate::{base64, small_file};

/// Largest file read, in bytes.
pub const MAX_AUTH_FILE_BYTES: usize = small_file::MAX_BYTES;

/// Who we are for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that the registry's token server takes in place of user and password.
    IdentityToken(Secret),
}

/// What one file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthFile {
    logins: BTreeMap<String, Login>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

/// What a file says of one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<'a> {
    /// This.
    Login(&'a Login),
    /// The program `docker-credential-NAME` knows.
    Helper(&'a str),
}

/// A file is none of the kinds; what it holds is not shown, for it is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthFileError {
    /// It is too large.
    #[error("it is larger than {MAX_AUTH_FILE_BYTES} bytes")]
    TooLarge,
    /// It is no JSON.
    #[error("it is not JSON (line {line}, column {column})")]
    Syntax {
        /// Line of the first mistake, from 1.
        line: usize,
        /// Column of the first mistake, from 1.
        column: usize,
    },
    /// A value is of another kind than it has to be.
    #[error("{place} is not {expected}")]
    Kind {
        /// Which value.
        place: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// The name of a helper would lead to another program.
    #[error("{place} is not the name of a credential helper")]
    HelperName {
        /// Which value.
        place: String,
    },
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(_) => f.write_str("a login"),
            Self::Helper(name) => write!(f, "docker-credential-{name}"),
        }
    }
}

impl AuthFile {
    /// Reads `auth.json` or `config.json`.
    ///
    /// # Errors
    ///
    /// [`AuthFileError`].
    pub fn parse(text: &[u8]) -> Result<Self, AuthFileError> {
        let document = document(text)?;
        let root = object(&document, || "the document".to_owned())?;
        let mut file = Self::default();
        if let Some(auths) = present(root.get("auths")) {
            file.add_logins(object(auths, || "auths".to_owned())?)?;
        }
        if let Some(helpers) = present(root.get("credHelpers")) {
            for (key, name) in object(helpers, || "credHelpers".to_owned())? {
                let place = || format!("credHelpers of {key:?}");
                if let Some(name) = helper_name(name, place)? {
                    file.helpers.insert(normalized(key), name);
                }
            }
        }
        if let Some(store) = present(root.get("credsStore")) {
            file.store = helper_name(store, || "credsStore".to_owned())?;
        }
        Ok(file)
    }

    /// Reads `.dockercfg`, which is what `config.json` has as `auths`.
    ///
    /// # Errors
    ///
    /// [`AuthFileError`].
    pub fn parse_legacy(text: &[u8]) -> Result<Self, AuthFileError> {
        let document = document(text)?;
        let mut file = Self::default();
        file.add_logins(object(&document, || "the document".to_owned())?)?;
        Ok(file)
    }

    /// What is said of `repository` at `registry`: of the repository itself, or of the nearest of the
    /// names above it, which all begin with the registry. A helper for one registry beats the helper for
    /// all, and that beats what is in the file, as for Docker.
    pub fn find(&self, registry: &str, repository: &str) -> Option<Entry<'_>> {
        let keys = keys(registry, repository);
        let helper = keys.iter().find_map(|key| self.helpers.get(key));
        let helper = helper.or(self.store.as_ref());
        if let Some(name) = helper {
            return Some(Entry::Helper(name));
        }
        let login = keys.iter().find_map(|key| self.logins.get(key));
        login.map(Entry::Login)
    }

    fn add_logins(&mut self, auths: &serde_json::Map<String, Value>) -> Result<(), AuthFileError> {
        for (key, entry) in auths {
            let place = |member: &str| format!("{member} of {key:?}");
            let entry = object(entry, || place("the entry"))?;
            let text = |member: &str| match present(entry.get(member)) {
                None => Ok(""),
                Some(Value::String(text)) => Ok(text.as_str()),
                Some(_) => Err(kind(place(member), "a text")),
            };
            let (user, password) = match text("auth")? {
                "" => (text("username")?.to_owned(), text("password")?.to_owned()),
                pair => split_pair(pair)
                    .ok_or_else(|| kind(place("auth"), "USER:PASSWORD in base 64"))?,
            };
            let token = text("identitytoken")?;
            let login = match (token, user.as_str()) {
                ("", "") => continue,
                ("", _) => Login::Password {
                    user,
                    password: password.into(),
                },
                (token, _) => Login::IdentityToken(token.to_owned().into()),
            };
            self.logins.insert(normalized(key), login);
        }
        Ok(())
    }
}

/// The names under which a login for a repository may be kept, the nearest first.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let registry = normalized(registry);
    let mut key = format!("{registry}/{repository}");
    let mut keys = Vec::new();
    while key.len() > registry.len() {
        keys.push(key.clone());
        key.truncate(key.rfind('/').unwrap_or(registry.len()));
    }
    keys.push(registry);
    keys
}

/// A key as it is looked up: old ones are URLs, of which only the host counts; and Docker's own registry
/// has several names.
pub(crate) fn normalized(key: &str) -> String {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"));
    let key = match bare {
        Some(url) => url.split('/').next().unwrap_or_default(),
        None => key.trim_end_matches('/'),
    };
    let (host, path) = key.split_at(key.find('/').unwrap_or(key.len()));
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY.to_owned(),
        host => host.to_ascii_lowercase(),
    };
    // `index.docker.io/v1` without a scheme is that same old key.
    let path = if matches!(path, "/v1" | "/v2") {
        ""
    } else {
        path
    };
    format!("{host}{path}")
}

/// User and password of `auth`; old tools filled up with NUL.
fn split_pair(text: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(base64::decode(text.trim())?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

fn document(text: &[u8]) -> Result<Value, AuthFileError> {
    if text.len() > MAX_AUTH_FILE_BYTES {
        return Err(AuthFileError::TooLarge);
    }
    // `podman login` begins with an empty file.
    if text.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(text).map_err(|error| AuthFileError::Syntax {
        line: error.line(),
        column: error.column(),
    })
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn object(
    value: &Value,
    place: impl Fn() -> String,
) -> Result<&serde_json::Map<String, Value>, AuthFileError> {
    value.as_object().ok_or_else(|| kind(place(), "an object"))
}

/// The name of a helper, or none if it is empty.
fn helper_name(value: &Value, place: impl Fn() -> String) -> Result<Option<String>, AuthFileError> {
    let name = value.as_str().ok_or_else(|| kind(place(), "a text"))?;
    match name {
        "" => Ok(None),
        name if is_helper_name(name) => Ok(Some(name.to_owned())),
        _ => Err(AuthFileError::HelperName { place: place() }),
    }
}

fn kind(place: String, expected: &'static str) -> AuthFileError {
    AuthFileError::Kind { place, expected }
}

#[cfg(test)]
mod tests;
