//! `script`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use gantry_cli::{Failure, report};
use gantry_ops::build::{Build, ScriptCommand, parse_script};

use crate::ending::{self, Ending};
use crate::interrupt::Interruptions;
use crate::invocation::{Invocation, exactly};
use crate::scratch::Scratch;

/// Where the build of a script is that runs a script.
const NESTED: &str = "ACBUILD_NESTED_SCRIPT";

/// Most bytes of a script.
const MAX_SCRIPT_BYTES: u64 = 4 << 20;

/// The status of a command that a signal ended, as shells have it: this and the signal's number.
const BY_SIGNAL: i32 = 128;

/// Run the commands in a file
///
/// The build is one of its own, in a temporary directory, and gone at the end. Relative paths are relative
/// to the working directory.
#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild script FILE")]
pub(crate) struct Args {
    /// File with one command per line
    #[arg(value_name = "FILE")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [file] = exactly(&args.arguments)?;
    // All of it is understood before any of it is done.
    let commands = parse_script(&read(Path::new(file))?)?;
    let interruptions =
        Interruptions::watch().map_err(|error| failed("cannot watch for signals", error))?;
    let nested = std::env::var_os(NESTED).map(PathBuf::from);
    let own = match &nested {
        Some(_) => None,
        None => Some(Scratch::new()?),
    };
    let work_path = match (&nested, &own) {
        (Some(path), _) => path.as_path(),
        (None, Some(own)) => own.path(),
        (None, None) => unreachable!("one of the two"),
    };
    let script = Script {
        file: Path::new(file),
        work_path,
        no_history: invocation.globals.no_history,
        interruptions: &interruptions,
    };
    let result = script.run(&commands);
    if let Some(own) = &own {
        end_of_other_owners(own.path());
    }
    if let Some(own) = own
        && let Err(error) = own.end()
    {
        // What the script did counts; what is left of its build is a nuisance.
        report("script", &error, false, invocation.ctx.err);
    }
    match interruptions.received() {
        Some(signal) => Err(Ending::Child(by_signal(signal))),
        None => result,
    }
}

/// Ends a build whose files belong to subordinate IDs, in a process that can have these.
///
/// What it cannot end is told by who removes the rest.
fn end_of_other_owners(work_path: &Path) {
    if Build::has_other_owners(work_path)
        && let Ok(own) = std::env::current_exe()
    {
        let mut end = Command::new(own);
        end.arg("--work-path").arg(work_path).arg("end");
        let _ = end.status();
    }
}

struct Script<'a> {
    file: &'a Path,
    work_path: &'a Path,
    no_history: bool,
    interruptions: &'a Interruptions,
}

impl Script<'_> {
    /// Runs each command as a process of its own, up to the first that fails.
    fn run(&self, commands: &[ScriptCommand]) -> Result<(), Ending> {
        for command in commands {
            let ended = self.interruptions.run(&mut self.command(command)?);
            let ended =
                ended.map_err(|error| failed("cannot run a command of the script", error))?;
            match ended {
                None => return Ok(()),
                Some(status) if status.success() => {}
                Some(status) => {
                    return Err(Ending::ChildFailed(
                        Failure::environment(format!(
                            "{}:{}: {} failed",
                            self.file.display(),
                            command.line,
                            command.words[0].display(),
                        )),
                        status_of(status),
                    ));
                }
            }
        }
        Ok(())
    }

    fn command(&self, command: &ScriptCommand) -> Result<Command, Failure> {
        // The file that runs, even if its name has another one by now.
        let own =
            std::env::current_exe().map_err(|error| failed("cannot find this program", error))?;
        let mut process = Command::new(own);
        process
            .arg("--debug")
            .arg("--work-path")
            .arg(self.work_path);
        if self.no_history {
            process.arg("--no-history");
        }
        process.args(&command.words).env(NESTED, self.work_path);
        Ok(process)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::usage(format!("no such file or directory: {}", file.display()))
        }
        _ => failed(&format!("cannot read {}", file.display()), error),
    };
    let mut text = Vec::new();
    let opened = File::open(file).map_err(cannot)?;
    opened
        .take(MAX_SCRIPT_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > MAX_SCRIPT_BYTES {
        return Err(Failure::usage(format!(
            "{} is larger than {MAX_SCRIPT_BYTES} bytes, and no script",
            file.display()
        )));
    }
    Ok(text)
}

fn failed(what: &str, error: io::Error) -> Failure {
    Failure::environment(format!("{what}: {error}"))
}

/// The exit status that tells how a command ended.
fn status_of(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(ending::FAILED),
        (None, Some(signal)) => by_signal(signal),
        (None, None) => ending::FAILED,
    }
}

fn by_signal(signal: i32) -> u8 {
    u8::try_from(BY_SIGNAL + signal).unwrap_or(ending::FAILED)
}

/// Whether the tool was called by its other name, `acbuild-script FILE`.
pub(crate) fn is_own_name(program: &OsStr) -> bool {
    Path::new(program)
        .file_name()
        .is_some_and(|name| name.as_bytes() == b"acbuild-script")
}
