//! Who we are for which registry, by everything on this machine that says so.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, Kind};

use super::auth_file::{AuthFile, AuthFileError, Entry, Login, normalized};
use super::helper::{HelperError, Helpers};
use crate::small_file;

/// Where logins are looked for; nothing is read before one is needed.
///
/// The order: what rkt's own configuration says (kind `dockerAuth`), then the files, of which the first
/// that knows a registry holds. `credential-helpers` of registries.conf puts helpers before or after the files.
#[derive(Debug, Clone, Default)]
pub struct Keychain {
    configured: BTreeMap<String, Login>,
    files: Vec<Place>,
    helpers: Helpers,
    /// Who is asked in this order, if not the files alone.
    order: Option<Vec<String>>,
}

/// What the files together are called among the helpers.
const FILES: &str = "containers-auth.json";

/// A file that may keep logins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    /// Whether it is a `.dockercfg`.
    legacy: bool,
    /// Whether the user named it, so that it must be there.
    named: bool,
}

/// A login could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// A file cannot be read.
    #[error("cannot read credentials in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} does not hold credentials as Docker and podman write them", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: AuthFileError,
    },
    /// A credential helper was of no help.
    #[error("no credentials for {registry} from the helper that {} names", path.display())]
    Helper {
        /// The registry.
        registry: String,
        /// The file that names the helper.
        path: PathBuf,
        /// Why.
        source: HelperError,
    },
}

impl Diagnostic for KeychainError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Parse { .. } => {
                Some("log in again with `podman login` or `docker login`, or remove it".to_owned())
            }
            Self::Helper { .. } => Some(
                "install or unlock the helper, or remove it from credHelpers and credsStore"
                    .to_owned(),
            ),
        }
    }
}

impl Keychain {
    /// The places that the environment and the user's number lead to, in the order of
    /// containers-auth.json(5) and `docker login`:
    ///
    /// - the file that `REGISTRY_AUTH_FILE` names, and then no other one; or else
    /// - `$XDG_RUNTIME_DIR/containers/auth.json` (`/run/containers/UID` without that variable),
    /// - `$XDG_CONFIG_HOME/containers/auth.json` (`~/.config`),
    /// - `$DOCKER_CONFIG/config.json` (`~/.docker`),
    /// - `~/.dockercfg`.
    ///
    /// Programs named as helpers are looked for in `PATH`.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<OsString>, user_id: u32) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut files = Vec::new();
        let mut add = |path: PathBuf, legacy: bool, named: bool| {
            files.push(Place {
                path,
                legacy,
                named,
            });
        };
        let home = set("HOME").map(PathBuf::from);
        let in_home = |variable: &str, otherwise: &str| {
            let given = set(variable).map(PathBuf::from);
            given.or_else(|| Some(home.as_ref()?.join(otherwise)))
        };
        if let Some(file) = set("REGISTRY_AUTH_FILE") {
            add(file.into(), false, true);
        } else {
            let runtime = match set("XDG_RUNTIME_DIR") {
                Some(directory) => Path::new(&directory).join("containers"),
                None => PathBuf::from(format!("/run/containers/{user_id}")),
            };
            add(runtime.join("auth.json"), false, false);
            if let Some(directory) = in_home("XDG_CONFIG_HOME", ".config") {
                add(directory.join("containers/auth.json"), false, false);
            }
            if let Some(directory) = in_home("DOCKER_CONFIG", ".docker") {
                add(directory.join("config.json"), false, false);
            }
            if let Some(home) = &home {
                add(home.join(".dockercfg"), true, false);
            }
        }
        let helpers = Helpers {
            path: set("PATH").unwrap_or_default(),
            ..Helpers::default()
        };
        Self {
            configured: BTreeMap::new(),
            files,
            helpers,
            order: None,
        }
    }

    /// Sets who is asked, and in which order: helpers, and `containers-auth.json` for the files.
    pub fn set_order(&mut self, order: Vec<String>) {
        self.order = Some(order);
    }

    /// Sets the login for `registry` that beats all files.
    pub fn configure(&mut self, registry: &str, login: Login) {
        self.configured.insert(normalized(registry), login);
    }

    /// The login for `repository` at `registry`, if there is one.
    ///
    /// # Errors
    ///
    /// A file that is there and cannot be understood, and a helper that fails. A file that the caller may
    /// not read is that of somebody else, and is passed over unless the user named it.
    pub fn login(&self, registry: &str, repository: &str) -> Result<Option<Login>, KeychainError> {
        if let Some(login) = self.configured.get(&normalized(registry)) {
            return Ok(Some(login.clone()));
        }
        let files = [FILES.to_owned()];
        for keeper in self.order.as_deref().unwrap_or(&files) {
            let found = match keeper.as_str() {
                FILES => self.in_files(registry, repository)?,
                name => self.by_helper(name, registry, "registries.conf".as_ref())?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn in_files(&self, registry: &str, repository: &str) -> Result<Option<Login>, KeychainError> {
        for place in &self.files {
            let Some(file) = place.read()? else { continue };
            let found = match file.find(registry, repository) {
                None => continue,
                Some(Entry::Login(login)) => Some(login.clone()),
                Some(Entry::Helper(name)) => self.by_helper(name, registry, &place.path)?,
            };
            if found.is_some() {
                tracing::debug!("login for {registry} by {}", place.path.display());
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What the helper `name`, which the file `path` names, knows.
    fn by_helper(
        &self,
        name: &str,
        registry: &str,
        path: &Path,
    ) -> Result<Option<Login>, KeychainError> {
        tracing::debug!("asking docker-credential-{name} about {registry}");
        let asked = self.helpers.ask(name, &server_name(registry));
        asked.map_err(|source| KeychainError::Helper {
            registry: registry.to_owned(),
            path: path.to_owned(),
            source,
        })
    }
}

/// How helpers call a registry.
fn server_name(registry: &str) -> String {
    match normalized(registry).as_str() {
        "docker.io" => "https://index.docker.io/v1/".to_owned(),
        other => other.to_owned(),
    }
}

impl Place {
    fn read(&self) -> Result<Option<AuthFile>, KeychainError> {
        let path = || self.path.clone();
        let text = match small_file::read(&self.path) {
            Ok(text) => text,
            Err(error) => {
                let absent = small_file::is_absent(&error);
                if (absent || error.kind() == io::ErrorKind::PermissionDenied) && !self.named {
                    return Ok(None);
                }
                return Err(KeychainError::Read {
                    path: path(),
                    source: error,
                });
            }
        };
        let parsed = match self.legacy {
            true => AuthFile::parse_legacy(&text),
            false => AuthFile::parse(&text),
        };
        let parsed = parsed.map_err(|source| KeychainError::Parse {
            path: path(),
            source,
        })?;
        Ok(Some(parsed))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A home directory, and the keychain of whoever lives there with some further variables set.
    fn keychain(home: &Path, variables: &[(&str, &str)]) -> Keychain {
        Keychain::of_environment(
            |name| {
                let given = variables.iter().find(|(known, _)| *known == name);
                match (given, name) {
                    (Some((_, value)), _) => Some(home.join(value).into_os_string()),
                    (None, "HOME" | "XDG_RUNTIME_DIR") => Some(
                        home.join(match name {
                            "HOME" => "",
                            _ => "run",
                        })
                        .into_os_string(),
                    ),
                    _ => None,
                }
            },
            1000,
        )
    }

    fn put(home: &Path, path: &str, user: &str) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let auth = crate::base64::encode(format!("{user}:x").as_bytes());
        let entry = format!(r#"{{"a.test": {{"auth": "{auth}"}}}}"#);
        let legacy = path.ends_with(".dockercfg");
        let text = match legacy {
            true => entry,
            false => format!(r#"{{"auths": {entry}}}"#),
        };
        fs::write(path, text).unwrap();
    }

    fn user(keychain: &Keychain) -> Option<String> {
        match keychain.login("a.test", "app").unwrap()? {
            Login::Password { user, .. } => Some(user),
            Login::IdentityToken(_) => None,
        }
    }

    #[test]
    fn the_places_are_asked_in_the_documented_order() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        assert_eq!(user(&keychain(home, &[])), None);
        // From the last to the first: each beats those before it.
        for (path, variables) in [
            (".dockercfg", &[][..]),
            (".docker/config.json", &[]),
            ("docker/config.json", &[("DOCKER_CONFIG", "docker")]),
            (
                ".config/containers/auth.json",
                &[("DOCKER_CONFIG", "docker")],
            ),
            ("xdg/containers/auth.json", &[("XDG_CONFIG_HOME", "xdg")]),
            ("run/containers/auth.json", &[("XDG_CONFIG_HOME", "xdg")]),
            ("mine.json", &[("REGISTRY_AUTH_FILE", "mine.json")]),
        ] {
            put(home, path, path);
            assert_eq!(user(&keychain(home, variables)).as_deref(), Some(path));
        }
        let mut own = keychain(home, &[("REGISTRY_AUTH_FILE", "mine.json")]);
        let password = "x".to_owned().into();
        let rkt = "rkt".to_owned();
        own.configure(
            "A.test",
            Login::Password {
                user: rkt,
                password,
            },
        );
        assert_eq!(user(&own).as_deref(), Some("rkt"));
    }

    #[test]
    fn helpers_are_asked_before_or_after_the_files_as_was_said() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        put(home, ".docker/config.json", "file");
        let program = home.join("docker-credential-test");
        let script = r#"#!/bin/sh
            echo '{"Username":"helper","Secret":"s"}'"#;
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let ordered = |order: &[&str]| {
            let mut keychain = keychain(home, &[("PATH", "")]);
            keychain.set_order(order.iter().map(|&name| name.to_owned()).collect());
            user(&keychain).unwrap_or_default()
        };
        assert_eq!(ordered(&["test", FILES]), "helper");
        assert_eq!(ordered(&[FILES, "test"]), "file");
        assert_eq!(ordered(&[FILES]), "file");
    }

    #[test]
    fn a_file_named_by_the_user_is_the_only_one_and_has_to_be_there() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), ".docker/config.json", "d");
        let named = keychain(home.path(), &[("REGISTRY_AUTH_FILE", "none.json")]);
        let error = named.login("a.test", "app").unwrap_err();
        assert!(matches!(error, KeychainError::Read { .. }), "{error}");
        fs::write(home.path().join("none.json"), "{}").unwrap();
        assert_eq!(user(&named), None);
    }

    #[test]
    fn a_file_that_is_damaged_is_told_with_its_path() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), ".docker/config.json", "d");
        fs::write(home.path().join(".docker/config.json"), "{secret").unwrap();
        let error = keychain(home.path(), &[])
            .login("a.test", "app")
            .unwrap_err();
        assert!(error.to_string().contains(".docker/config.json"), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        fs::remove_file(home.path().join(".docker/config.json")).unwrap();
        fs::create_dir(home.path().join(".docker/config.json")).unwrap();
        assert!(keychain(home.path(), &[]).login("a.test", "app").is_err());
    }
}
