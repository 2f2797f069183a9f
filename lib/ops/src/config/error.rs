//! What can be wrong with the configuration.

use std::io;
use std::path::PathBuf;

use gantry_remote::CredentialError;
use gantry_types::config_file::ConfigFileError;
use gantry_types::{Diagnostic, Kind};

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Something else stands where a directory should be.
    #[error("expected {path:?} to be a directory")]
    NotDirectory {
        /// Where.
        path: PathBuf,
    },
    /// A file or directory cannot be read.
    #[error("cannot read configuration {}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file says something wrong.
    #[error("failed to parse {file:?}")]
    Parse {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: ConfigFileError,
    },
    /// Two files of one directory say the same thing, maybe differently.
    #[error("failed to parse {file:?}: {what} already specified in {first:?}")]
    Twice {
        /// The second file.
        file: PathBuf,
        /// What they say, as the start of a sentence.
        what: String,
        /// The first file.
        first: PathBuf,
    },
}

impl Diagnostic for ConfigError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::Environment,
            Self::NotDirectory { .. } | Self::Parse { .. } | Self::Twice { .. } => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Parse { source, .. } => source.hint(),
            Self::Twice { .. } => {
                Some("say it once, or override it in another configuration directory".to_owned())
            }
            _ => None,
        }
    }
}

/// A part of the configuration that is passed over.
#[derive(Debug, thiserror::Error)]
pub enum ConfigProblem {
    /// Credentials are not for the caller to read.
    #[error("{} may not be read, so its credentials are not used", file.display())]
    Denied {
        /// The file or directory.
        file: PathBuf,
    },
    /// A credential fits no server, or no request.
    #[error("auth for domain {domain:?} in {} is not used: {source}", file.display())]
    Credential {
        /// The server, as written.
        domain: String,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: CredentialError,
    },
}
