//! The configuration of rkt: what the files in the configuration directories say together.
//!
//! ```text
//! DIR/auth.d/*.json        kinds auth and dockerAuth
//! DIR/paths.d/*.json       kind paths
//! DIR/stage1.d/*.json      kind stage1
//! DIR/isolators.d/*.json   kind isolators
//! ```
//!
//! Later directories override earlier ones, value by value; within one directory nothing may be said
//! twice. Names of files mean nothing. Source: rkt 1.30, rkt/config; kind isolators is
//! ours.

mod error;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gantry_remote::{Credential, CredentialError, HostCredentials};
use gantry_types::config_file::{
    AuthCredentials, BasicCredentials, ConfigFile, ConfigKind, DefaultStage1, UnverifiedImages,
};

pub use error::{ConfigError, ConfigProblem};

/// A part of the configuration, which is read by itself: what is wrong with one stops no command that
/// does not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Who we are for which servers.
    Auth,
    /// Where data lies.
    Paths,
    /// Which stage1 image is the default.
    Stage1,
    /// What unverified images may ask for.
    Isolators,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Paths, Self::Stage1, Self::Isolators];

    fn directory(self) -> &'static str {
        match self {
            Self::Auth => "auth.d",
            Self::Paths => "paths.d",
            Self::Stage1 => "stage1.d",
            Self::Isolators => "isolators.d",
        }
    }

    fn kinds(self) -> &'static [ConfigKind] {
        match self {
            Self::Auth => &[ConfigKind::Auth, ConfigKind::DockerAuth],
            Self::Paths => &[ConfigKind::Paths],
            Self::Stage1 => &[ConfigKind::Stage1],
            Self::Isolators => &[ConfigKind::Isolators],
        }
    }
}

/// A value and the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated<T> {
    /// What is said.
    pub value: T,
    /// Where.
    pub file: PathBuf,
}

/// What the configuration says.
#[derive(Debug, Default)]
pub struct Config {
    /// Credentials for web servers, by `HOST` or `HOST:PORT` as written.
    pub auth: BTreeMap<String, Stated<AuthCredentials>>,
    /// Credentials for docker registries, by their index as written.
    pub docker_auth: BTreeMap<String, Stated<BasicCredentials>>,
    /// The data directory.
    pub data: Option<Stated<PathBuf>>,
    /// The directory of stage1 images.
    pub stage1_images: Option<Stated<PathBuf>>,
    /// Name and version of the default stage1 image.
    pub stage1_name: Option<Stated<DefaultStage1>>,
    /// Where the default stage1 image is.
    pub stage1_location: Option<Stated<String>>,
    /// What comes of isolators of unverified images that widen the defaults.
    pub unverified_images: Option<Stated<UnverifiedImages>>,
    /// What was passed over.
    pub problems: Vec<ConfigProblem>,
}

impl Config {
    /// Reads `sections` of the configuration in `directories`, each of which overrides those before it.
    /// Directories that do not exist say nothing.
    ///
    /// # Errors
    ///
    /// The first file that cannot be read or says something wrong, in the order of directories and
    /// names. Only credentials that the caller may not read are passed over, as a
    /// [problem](Self::problems): they are for others.
    pub fn load(directories: &[&Path], sections: &[Section]) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for directory in directories {
            let mut layer = Self::default();
            for section in sections {
                read::section(directory, *section, &mut layer)?;
            }
            config.override_with(layer);
        }
        Ok(config)
    }

    /// The credentials for web servers in the form of the HTTP client, and what of them is of no use.
    #[must_use]
    pub fn host_credentials(&self) -> (HostCredentials, Vec<ConfigProblem>) {
        let mut credentials = HostCredentials::default();
        let mut problems = Vec::new();
        for (domain, stated) in &self.auth {
            let set = credential(&stated.value)
                .and_then(|credential| credentials.set(domain, credential));
            if let Err(source) = set {
                problems.push(ConfigProblem::Credential {
                    domain: domain.clone(),
                    file: stated.file.clone(),
                    source,
                });
            }
        }
        (credentials, problems)
    }

    fn override_with(&mut self, layer: Self) {
        self.auth.extend(layer.auth);
        self.docker_auth.extend(layer.docker_auth);
        self.data = layer.data.or(self.data.take());
        self.stage1_images = layer.stage1_images.or(self.stage1_images.take());
        self.stage1_name = layer.stage1_name.or(self.stage1_name.take());
        self.stage1_location = layer.stage1_location.or(self.stage1_location.take());
        self.unverified_images = layer.unverified_images.or(self.unverified_images.take());
        self.problems.extend(layer.problems);
    }

    /// Adds what one more file of the same directory says.
    fn add(&mut self, said: ConfigFile, file: &Path) -> Result<(), ConfigError> {
        let mut again = Twice { file };
        match said {
            ConfigFile::Auth(auth) => {
                for domain in auth.domains {
                    let what = format!("auth for domain {domain:?} is");
                    again.check(what, self.auth.get(&domain))?;
                    let value = again.stated(auth.credentials.clone());
                    self.auth.insert(domain, value);
                }
            }
            ConfigFile::DockerAuth(auth) => {
                for registry in auth.registries {
                    let what = format!("credentials for docker registry {registry:?} are");
                    again.check(what, self.docker_auth.get(&registry))?;
                    let value = again.stated(auth.credentials.clone());
                    self.docker_auth.insert(registry, value);
                }
            }
            ConfigFile::Paths(paths) => {
                again.set(&mut self.data, paths.data, "data directory is")?;
                let what = "stage1 images directory is";
                again.set(&mut self.stage1_images, paths.stage1_images, what)?;
            }
            ConfigFile::Stage1(stage1) => {
                let what = "name and version of a default stage1 image are";
                again.set(&mut self.stage1_name, stage1.name, what)?;
                let what = "location of a default stage1 image is";
                again.set(&mut self.stage1_location, stage1.location, what)?;
            }
            ConfigFile::Isolators(isolators) => {
                let what = "what isolators of unverified images may do is";
                let slot = &mut self.unverified_images;
                again.set(slot, isolators.unverified_images, what)?;
            }
        }
        Ok(())
    }
}

/// Keeps one directory from saying something twice.
struct Twice<'a> {
    file: &'a Path,
}

impl Twice<'_> {
    fn stated<T>(&self, value: T) -> Stated<T> {
        let file = self.file.to_owned();
        Stated { value, file }
    }

    fn check<T>(&self, what: String, first: Option<&Stated<T>>) -> Result<(), ConfigError> {
        match first {
            None => Ok(()),
            Some(first) => Err(ConfigError::Twice {
                file: self.file.to_owned(),
                what,
                first: first.file.clone(),
            }),
        }
    }

    fn set<T>(
        &mut self,
        slot: &mut Option<Stated<T>>,
        value: Option<T>,
        what: &str,
    ) -> Result<(), ConfigError> {
        let Some(value) = value else { return Ok(()) };
        self.check(what.to_owned(), slot.as_ref())?;
        *slot = Some(self.stated(value));
        Ok(())
    }
}

fn credential(credentials: &AuthCredentials) -> Result<Credential, CredentialError> {
    match credentials {
        AuthCredentials::Basic(basic) => Ok(Credential::basic(
            basic.user.as_bytes(),
            basic.password.reveal().as_bytes(),
        )),
        AuthCredentials::OAuth { token } => Credential::bearer(token.reveal()),
        AuthCredentials::Aws {
            access_key_id,
            secret_access_key,
            region,
        } => {
            let region = Some(region.as_str()).filter(|region| !region.is_empty());
            Credential::aws(access_key_id, secret_access_key.reveal(), region)
        }
    }
}
