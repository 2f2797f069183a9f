//! Where the store and the pods are.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, Kind};

use crate::config::{Config, ConfigError, Section};

/// The data directory of root.
const HOST: &str = "/var/lib/rkt";

/// What decides about the data directory.
#[derive(Debug, Clone)]
pub struct DataDirRequest<'a> {
    /// The one that was asked for.
    pub given: Option<&'a Path>,
    /// The configuration directories, each of which overrides those before it.
    pub configuration: &'a [&'a Path],
    /// That of the user, which is the last of them.
    pub user_config: Option<&'a Path>,
    /// The caller is root.
    pub is_root: bool,
    /// `XDG_DATA_HOME`.
    pub xdg_data_home: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
}

/// There is no data directory.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The configuration that may name it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The path cannot be made absolute.
    #[error("bad --dir {}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller has no home.
    #[error("no place for data: HOME is not set")]
    NoHome,
}

impl Diagnostic for DataDirError {
    fn kind(&self) -> Kind {
        match self {
            Self::Config(error) => error.kind(),
            Self::Path { .. } | Self::NoHome => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Path { .. } => None,
            Self::NoHome => Some("give one with --dir".to_owned()),
        }
    }
}

/// The data directory: the one given, the host's, or that of a user without root.
///
/// # Errors
///
/// [`DataDirError`].
pub fn data_dir(request: &DataDirRequest<'_>) -> Result<PathBuf, DataDirError> {
    let chosen = match request.given {
        Some(dir) => dir.to_owned(),
        None => default(request)?,
    };
    // Symbolic links are resolved once, so that what is written down (trees, pods) stays valid when
    // the caller's working directory or the link changes. What does not exist yet has none.
    let absolute = std::path::absolute(&chosen).map_err(|source| DataDirError::Path {
        path: chosen,
        source,
    })?;
    Ok(std::fs::canonicalize(&absolute).unwrap_or(absolute))
}

/// The host's data directory, which the configuration may name, for root, for the members of the group that
/// shares it, and for whoever may write to the images there; the user's own for everybody else.
///
/// What the user's own configuration directory says holds for every user.
fn default(request: &DataDirRequest<'_>) -> Result<PathBuf, DataDirError> {
    let configured = Config::load(request.configuration, &[Section::Paths])?.data;
    let own = configured.as_ref().is_some_and(|stated| {
        let user_config = request.user_config;
        user_config.is_some_and(|directory| stated.file.starts_with(directory))
    });
    let host = configured.map_or_else(|| PathBuf::from(HOST), |stated| stated.value);
    if own || request.is_root || gantry_store::is_member(&host) || may_write(&host) {
        return Ok(host);
    }
    let named = |variable: &Option<OsString>| {
        let path = variable.as_ref().filter(|path| !path.is_empty());
        path.map(PathBuf::from)
    };
    match (named(&request.xdg_data_home), named(&request.home)) {
        (Some(data), _) => Ok(data.join("rkt")),
        (None, Some(home)) => Ok(home.join(".local/share/rkt")),
        (None, None) => Err(DataDirError::NoHome),
    }
}

/// Whether the caller may bring images into `data_dir`, or make the place for them there.
fn may_write(data_dir: &Path) -> bool {
    use rustix::fs::Access;
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let store = data_dir.join("store");
    let place = if store.exists() {
        store
    } else {
        data_dir.to_owned()
    };
    rustix::fs::access(place, all).is_ok()
}
