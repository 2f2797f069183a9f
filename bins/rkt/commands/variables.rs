//! `NAME=VALUE` on the command line, and files of such lines.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use gantry_cli::Failure;

/// Largest file of variables, in bytes: what a program's arguments and environment may take together where the
/// stack has its usual limit of 8 MiB. Source: execve(2).
const MOST_BYTES: u64 = 2 << 20;

/// Flags for the environment of all apps.
#[derive(Args, Debug)]
pub(crate) struct VariableArgs {
    /// Give the apps the caller's environment, below their own
    #[arg(long)]
    pub(crate) inherit_env: bool,
    /// Variable of all apps
    #[arg(long, value_name = "NAME=VALUE")]
    set_env: Vec<String>,
    /// File of variables of all apps, one NAME=VALUE a line
    #[arg(long, value_name = "FILE")]
    set_env_file: Vec<PathBuf>,
}

impl VariableArgs {
    /// Whether any of the flags was given.
    pub(crate) fn are_given(&self) -> bool {
        self.inherit_env || !self.set_env.is_empty() || !self.set_env_file.is_empty()
    }

    /// The caller's environment, if the apps are to have it. What is no text stays behind.
    pub(crate) fn inherited(&self) -> Vec<(String, String)> {
        if !self.inherit_env {
            return Vec::new();
        }
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// The variables of the files, then those of the command line, which count more.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, what is no variable, and one that is set twice in the files together or
    /// on the command line.
    pub(crate) fn set(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut all = Vec::new();
        for file in &self.set_env_file {
            let text = read(file).map_err(|error| {
                Failure::environment(format!(
                    "--set-env-file: cannot read {}: {error}",
                    file.display()
                ))
            })?;
            add_lines(&text, file, &mut all)?;
        }
        all.extend(variables("set-env", &self.set_env)?);
        Ok(all)
    }
}

/// Reads a file of variables, which may be a pipe.
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let source = gantry_ops::open_input(file)?;
    let length = source.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    match length as u64 <= MOST_BYTES {
        true => Ok(text),
        false => Err(io::Error::other(format!(
            "it has more than {MOST_BYTES} bytes"
        ))),
    }
}

/// Adds the lines of a file but for empty ones and comments; a value keeps its blanks.
fn add_lines(text: &str, file: &Path, all: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let lines = text.lines().map(str::trim_start);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        let pair = line.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or_else(|| {
            Failure::usage(format!(
                "environment variable must be specified as name=value (file {file:?})"
            ))
        })?;
        if all.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!(
                "environment variable {name:?} already set (file {file:?})"
            )));
        }
        all.push((name.to_owned(), value.to_owned()));
    }
    Ok(())
}

/// Takes `NAME=VALUE` apart; a name may come only once per flag.
///
/// # Errors
///
/// Without `=`, or with a name that was there before.
pub(crate) fn variables(flag: &str, list: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut found: Vec<(String, String)> = Vec::new();
    for text in list {
        let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or_else(|| {
            Failure::usage(format!(
                "invalid argument {text:?} for --{flag}: must be specified as key=value"
            ))
        })?;
        if found.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!(
                "invalid argument {text:?} for --{flag}: key {name:?} already set"
            )));
        }
        found.push((name.to_owned(), value.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn variables_are_pairs_with_different_names() {
        let good = variables("set-env", &words(&["A=1", "B=x=y", "C="])).unwrap();
        assert_eq!(good.len(), 3);
        for bad in [&["A"][..], &["=1"], &["A=1", "A=2"]] {
            assert!(variables("set-env", &words(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn files_have_comments_and_blank_lines_and_no_variable_twice() {
        let file = Path::new("/env");
        let mut all = Vec::new();
        let text = "# c\n; c\n\nA=1 \r\n B=#x\n   \nC=\n";
        add_lines(text, file, &mut all).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(all, [pair("A", "1 "), pair("B", "#x"), pair("C", "")]);
        for bad in ["A", "=x", "A=2", "D=1\nD=2"] {
            assert!(add_lines(bad, file, &mut all.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_may_be_a_pipe_that_nobody_writes_into_and_has_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read(&pipe).unwrap(), "");
        let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(error.contains("more than 2097152 bytes"), "{error}");
    }
}
