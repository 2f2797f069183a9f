//! Why a configuration file cannot be taken.

use super::{ConfigKind, MAX_CONFIG_FILE_BYTES};
use crate::diagnostic::{Diagnostic, Kind};
use crate::json::{DecodeError, Problem, SyntaxError};
use crate::manifest_error::{Location, position};

/// A configuration file cannot be taken. Secrets in the file are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFileError {
    /// The file is larger than [`MAX_CONFIG_FILE_BYTES`].
    #[error("file of {size} bytes is larger than {MAX_CONFIG_FILE_BYTES} bytes")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The text is not JSON.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The field `rktKind` is missing or empty.
    #[error("no rktKind specified")]
    NoKind,
    /// The field `rktVersion` is missing or empty.
    #[error("no rktVersion specified")]
    NoVersion,
    /// Files of that kind do not belong here.
    #[error(
        "configuration files of kinds {} are expected here, but this one has kind of {found:?}",
        quoted(expected)
    )]
    Kind {
        /// The kind of the file.
        found: String,
        /// The kinds that do.
        expected: Vec<ConfigKind>,
    },
    /// The kind has no such version.
    #[error(
        "no parser available for configuration of kind {:?} and version {found:?}",
        kind.as_str()
    )]
    Version {
        /// The kind.
        kind: ConfigKind,
        /// The version.
        found: String,
    },
    /// A field breaks a rule.
    #[error("{}{reason}", field(at))]
    Field {
        /// Where.
        at: Location,
        /// The rule broken.
        reason: String,
    },
}

fn quoted(kinds: &[ConfigKind]) -> String {
    let quoted = kinds.iter().map(|kind| format!("{:?}", kind.as_str()));
    quoted.collect::<Vec<_>>().join(", ")
}

fn field(at: &Location) -> String {
    match at.path.as_str() {
        "" => String::new(),
        path => format!("field {path}: "),
    }
}

impl ConfigFileError {
    pub(super) fn syntax(text: &[u8], error: &SyntaxError) -> Self {
        let (line, column) = position(text, error.offset);
        let message = error.message.clone();
        Self::Syntax {
            line,
            column,
            message,
        }
    }

    pub(super) fn decode(text: &[u8], error: DecodeError) -> Self {
        let (line, column) = position(text, error.offset);
        let reason = match error.problem {
            Problem::Type { found, expected } => {
                // A number may be a password that somebody forgot to quote.
                let found = found.split(' ').next().unwrap_or_default();
                format!("expected {expected}, found {found}")
            }
            Problem::Kind(error) => error.to_string(),
            Problem::Invalid(error) => error.to_string(),
        };
        let path = error.path;
        Self::Field {
            at: Location { path, line, column },
            reason,
        }
    }
}

impl Diagnostic for ConfigFileError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Field { at, .. } => Some(format!("see line {}, column {}", at.line, at.column)),
            Self::NoKind => {
                let kinds = "auth, dockerAuth, paths, stage1 and isolators";
                Some(format!("the kinds are {kinds}, all of version v1"))
            }
            Self::NoVersion | Self::Version { .. } => Some("the only version is v1".to_owned()),
            _ => None,
        }
    }
}
