//! Configuration files of rkt: one JSON document of one kind each.
//!
//! Which files are read and how they override each other is the business of whoever reads them; here is
//! what one file says. The kinds and their fields are those of rkt 1.30, rkt/config,
//! and `isolators`, which is ours.

mod auth;
mod error;
mod isolators;
mod paths;
mod secret;
mod stage1;

pub use auth::{AuthConfig, AuthCredentials, BasicCredentials, DockerAuthConfig};
pub use error::ConfigFileError;
pub use isolators::{IsolatorsConfig, UnverifiedImages};
pub use paths::PathsConfig;
pub use secret::Secret;
pub use stage1::{DefaultStage1, Stage1Config};

use crate::json::{Cursor, Decode, DecodeError, parse};

/// Largest configuration file accepted, in bytes. Generous: real ones have a few hundred.
pub const MAX_CONFIG_FILE_BYTES: usize = 1024 * 1024;

/// The one version of every kind.
const VERSION: &str = "v1";

/// What a configuration file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFile {
    /// Who we are for web servers.
    Auth(AuthConfig),
    /// Who we are for docker registries.
    DockerAuth(DockerAuthConfig),
    /// Where data lies.
    Paths(PathsConfig),
    /// Which stage1 image is the default.
    Stage1(Stage1Config),
    /// What unverified images may ask for.
    Isolators(IsolatorsConfig),
}

/// A kind of configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// `auth`
    Auth,
    /// `dockerAuth`
    DockerAuth,
    /// `paths`
    Paths,
    /// `stage1`
    Stage1,
    /// `isolators`
    Isolators,
}

impl ConfigKind {
    /// The text in the field `rktKind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::DockerAuth => "dockerAuth",
            Self::Paths => "paths",
            Self::Stage1 => "stage1",
            Self::Isolators => "isolators",
        }
    }
}

impl ConfigFile {
    /// Reads a file that has to be of one of the kinds `expected`.
    ///
    /// # Errors
    ///
    /// [`ConfigFileError`] with the place of the first thing wrong. Values are never shown: they may be
    /// secrets.
    pub fn from_json(text: &[u8], expected: &[ConfigKind]) -> Result<Self, ConfigFileError> {
        if text.len() > MAX_CONFIG_FILE_BYTES {
            return Err(ConfigFileError::TooLarge { size: text.len() });
        }
        let node = parse(text).map_err(|error| ConfigFileError::syntax(text, &error))?;
        let root = Cursor::root(&node);
        let decode = |error| ConfigFileError::decode(text, error);
        let (kind, version) = header(root).map_err(decode)?;
        if kind.is_empty() {
            return Err(ConfigFileError::NoKind);
        }
        if version.is_empty() {
            return Err(ConfigFileError::NoVersion);
        }
        let Some(found) = expected.iter().find(|known| known.as_str() == kind) else {
            return Err(ConfigFileError::Kind {
                found: kind,
                expected: expected.to_vec(),
            });
        };
        if version != VERSION {
            return Err(ConfigFileError::Version {
                kind: *found,
                found: version,
            });
        }
        let file = match found {
            ConfigKind::Auth => AuthConfig::decode(root).map(Self::Auth),
            ConfigKind::DockerAuth => DockerAuthConfig::decode(root).map(Self::DockerAuth),
            ConfigKind::Paths => PathsConfig::decode(root).map(Self::Paths),
            ConfigKind::Stage1 => Stage1Config::decode(root).map(Self::Stage1),
            ConfigKind::Isolators => IsolatorsConfig::decode(root).map(Self::Isolators),
        };
        file.map_err(decode)
    }
}

/// `rktKind` and `rktVersion`, empty where missing.
fn header(root: Cursor<'_>) -> Result<(String, String), DecodeError> {
    let fields = root.object()?;
    Ok((
        fields.or_default("rktKind")?,
        fields.or_default("rktVersion")?,
    ))
}

#[cfg(test)]
mod tests;
