//! What is wrong with a network's definition: the file, the field and the problem.

use std::fmt;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Kind};
use crate::show::harmless;

/// A file that defines a network cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// The file.
    pub file: PathBuf,
    /// The member at fault, as in `plugins[1].ipam.type`; empty for the whole file.
    pub field: String,
    /// The network's name, where the file says that much.
    pub network: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a member of a network's definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is larger than any such file.
    #[error("is larger than {} KiB", super::definition::MAX_BYTES / 1024)]
    TooLarge,
    /// It is not JSON.
    #[error("is not valid JSON: {0}")]
    Json(String),
    /// It has another type.
    #[error("must be {expected}, not {found}")]
    Type {
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// It is missing.
    #[error("is missing")]
    Missing,
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// A name has characters that no network has.
    #[error("{0:?} is no name: letters, digits, and \"_\", \".\", \"-\" after the first")]
    Name(String),
    /// A name that means something else.
    #[error("{0:?} cannot be the name of a network: it has a meaning of its own in --net")]
    Reserved(String),
    /// The name of a plugin is a path.
    #[error("{0:?} is no name of a plugin: it is looked for by name, without a path")]
    PluginName(String),
    /// No such version.
    #[error(
        "{0:?} is no version of CNI known here: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"
    )]
    Version(String),
    /// A list of plugins in a version that has none.
    #[error("{0} is too old for several plugins, which need 0.3.0 or newer")]
    NoChains(&'static str),
    /// Not an address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// Only the runtime may set it.
    #[error("is set by whoever calls the plugin and cannot be configured")]
    Runtime,
    /// A list of plugins in a file for one, or the other way round.
    #[error("belongs in a file named *.conflist")]
    WantsList,
    /// A single plugin in a file for lists.
    #[error("is missing: a single plugin belongs in a file named *.conf")]
    WantsSingle,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        let problem = harmless(&self.problem.to_string());
        match self.field.is_empty() {
            true => write!(f, "network configuration {file} {problem}"),
            false => write!(f, "network configuration {file}: {} {problem}", self.field),
        }
    }
}

impl std::error::Error for DefinitionError {}

impl Diagnostic for DefinitionError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        Some(format!("mend or remove {}", self.file.display()))
    }
}
