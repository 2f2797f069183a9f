//! Where the files that say which servers to ask lie.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::LoadError;
use crate::small_file;

const SYSTEM: &str = "/etc/containers";

/// The file and the directories of further files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfPaths {
    /// The first of these that exists is the main file; the last if none does.
    main: Vec<PathBuf>,
    /// Directories with further `*.conf`; each overrides those before it.
    directories: Vec<PathBuf>,
}

impl ConfPaths {
    /// The places that the environment leads to: `CONTAINERS_REGISTRIES_CONF`, or else
    /// `~/.config/containers/registries.conf`, or else /etc/containers/registries.conf; and always the
    /// files of `registries.conf.d` beside the last two, of which the user's override the system's.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
        let places: Vec<PathBuf> = [
            Some(PathBuf::from(SYSTEM)),
            config.map(|home| home.join("containers")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let main = match set("CONTAINERS_REGISTRIES_CONF") {
            Some(given) => vec![given],
            None => places
                .iter()
                .rev()
                .map(|place| place.join("registries.conf"))
                .collect(),
        };
        Self {
            main,
            directories: places
                .iter()
                .map(|place| place.join("registries.conf.d"))
                .collect(),
        }
    }

    /// Leaves out what is not below `directory`: the machine's own files are no test's business.
    #[cfg(test)]
    pub(super) fn keep_below(&mut self, directory: &std::ffi::OsStr) {
        self.main.retain(|path| path.starts_with(directory));
        self.directories.retain(|path| path.starts_with(directory));
    }

    /// All files, each of which overrides those before it.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, LoadError> {
        let mut files = Vec::new();
        let main = self.main.iter().find(|path| path.exists());
        files.extend(main.or(self.main.last()).cloned());
        for directory in &self.directories {
            let further = further(directory).map_err(|source| LoadError::Read {
                path: directory.clone(),
                source,
            })?;
            files.extend(further);
        }
        Ok(files)
    }
}

/// The files called `*.conf` directly in `directory`, by name.
fn further(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if small_file::is_absent(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The bytes of a file; none if there is no file.
pub(super) fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match small_file::read(path) {
        Err(error) if small_file::is_absent(&error) => Ok(None),
        content => content.map(Some),
    }
}
