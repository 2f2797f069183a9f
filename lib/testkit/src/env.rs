//! A hermetic surrounding for one test of a command.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder of its own, a HOME in it, and an environment cleared of everything but what a tool needs.
///
/// Everything a test makes lies under [`TestEnv::path`] and goes with it. Outputs show that folder as
/// `$TEST`, so that they can be compared.
pub struct TestEnv {
    root: TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl TestEnv {
    /// Makes the folder with an empty `home` in it.
    pub fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("gantry-test-")
            .tempdir()
            .expect("temp dir");
        std::fs::create_dir(root.path().join("home")).expect("home");
        Self {
            root,
            variables: Vec::new(),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path beneath the folder.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Sets a variable for every command run from now on.
    pub fn set_var(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        let name = name.as_ref().to_owned();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// Writes a file beneath the folder, with its parents, and returns its path.
    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("parents");
        std::fs::write(&path, content).expect("file");
        path
    }

    /// A command with this environment: working directory, HOME, PATH, and what [`Self::set_var`] set.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("TMPDIR", self.root.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.root.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a program to its end.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Outcome {
        let mut command = self.command(program);
        command.args(arguments);
        self.outcome(&mut command)
    }

    /// Runs a command made by [`Self::command`] and changed by the test.
    pub fn outcome(&self, command: &mut Command) -> Outcome {
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Outcome::new(&output, self.root.path(), format!("{command:?}"))
    }

    /// Every path beneath `relative`, sorted, folders with a trailing `/`.
    pub fn tree(&self, relative: impl AsRef<Path>) -> Vec<String> {
        let top = self.path(relative);
        let mut found = Vec::new();
        let mut waiting = vec![top.clone()];
        while let Some(folder) = waiting.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                let name = path
                    .strip_prefix(&top)
                    .expect("beneath")
                    .display()
                    .to_string();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    found.push(format!("{name}/"));
                    waiting.push(path);
                } else {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

/// What a command printed and how it ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output, with the test's folder as `$TEST`.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// The exit status, or 128 plus the number of the signal that ended it.
    pub status: i32,
    command: String,
}

impl Outcome {
    fn new(output: &Output, root: &Path, command: String) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        let code = status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let root = root.display().to_string();
        let clean = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&root, "$TEST");
        Self {
            stdout: clean(&output.stdout),
            stderr: clean(&output.stderr),
            status: code,
            command,
        }
    }

    /// Checks the exit status, and shows everything when it is another.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "unexpected exit status of {}\n{self}",
            self.command
        );
        self
    }

    /// Checks that standard error contains `text`, and shows everything when it does not.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} on stderr of {}\n{self}",
            self.command
        );
        self
    }

    /// Standard output without its last line break.
    pub fn line(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }
}

/// Standard output, standard error and status in one text, for snapshots.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        writeln!(f, "--- exit {}", self.status)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{self}", self.command)
    }
}

/// Whether this test may go on where it needs root; reports a skip where not.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub fn needs_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIP: this test needs root");
    }
    root
}

/// Whether a program is installed; if not, says that the test is skipped.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn needs_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        eprintln!("SKIP: this test needs {name}");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_show_the_folder_as_a_name_and_the_environment_is_cleared() {
        let mut env = TestEnv::new();
        env.set_var("MARK", "1");
        let outcome = env
            .run("sh", ["-c", "pwd; echo $MARK $USER; exit 3"])
            .expect(3);
        assert_eq!(outcome.stdout, "$TEST\n1\n");
    }
}
