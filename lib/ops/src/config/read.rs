//! From directories and files to what they say.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gantry_types::config_file::{ConfigFile, MAX_CONFIG_FILE_BYTES};
use rustix::fs::OFlags;

use super::{Config, ConfigError, ConfigProblem, Section};

/// Reads the files of one section of one directory into `layer`.
pub(super) fn section(
    directory: &Path,
    section: Section,
    layer: &mut Config,
) -> Result<(), ConfigError> {
    if !is_directory(directory)? {
        return Ok(());
    }
    let within = directory.join(section.directory());
    match files(&within) {
        Ok(files) => {
            for file in files {
                one(&file, section, layer)?;
            }
            Ok(())
        }
        Err(error) => pass_over(error, section, layer),
    }
}

fn one(file: &Path, section: Section, layer: &mut Config) -> Result<(), ConfigError> {
    let text = match content(file) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(()),
        Err(source) => {
            let file = file.to_owned();
            return pass_over(ConfigError::Read { file, source }, section, layer);
        }
    };
    let said = ConfigFile::from_json(&text, section.kinds()).map_err(|source| {
        let file = file.to_owned();
        ConfigError::Parse { file, source }
    })?;
    layer.add(said, file)
}

/// Credentials of others are no error; they are just not ours to use.
fn pass_over(error: ConfigError, section: Section, layer: &mut Config) -> Result<(), ConfigError> {
    match error {
        ConfigError::Read { file, source }
            if section == Section::Auth && source.kind() == io::ErrorKind::PermissionDenied =>
        {
            layer.problems.push(ConfigProblem::Denied { file });
            Ok(())
        }
        error => Err(error),
    }
}

fn is_directory(path: &Path) -> Result<bool, ConfigError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(ConfigError::NotDirectory {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ConfigError::Read {
            file: path.to_owned(),
            source,
        }),
    }
}

/// The regular files called `*.json` directly in `directory`, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if !is_directory(directory)? {
        return Ok(Vec::new());
    }
    let list = || {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let named = entry.file_name().as_encoded_bytes().ends_with(b".json");
            if named && entry.file_type()?.is_file() {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    };
    list().map_err(|source| ConfigError::Read {
        file: directory.to_owned(),
        source,
    })
}

/// The bytes of `file`, one more than allowed at most; none if it is no regular file by now.
fn content(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(file);
    let opened = match opened {
        // Removed, or replaced by a link, since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Ok(None);
        }
        opened => opened?,
    };
    if !opened.metadata()?.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    opened
        .take(MAX_CONFIG_FILE_BYTES as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(Some(text))
}
