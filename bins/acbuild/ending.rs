//! How acbuild ends: what is printed where, and the exit status.

use std::io::{self, Write};

use clap::error::ErrorKind;
use gantry_cli::{Context, Failure, Statuses, report, say};

/// Exit status of any failure that has no status of its own.
pub(crate) const FAILED: u8 = 1;
/// Exit status when what shall be removed is not there.
const ABSENT: u8 = 2;
/// Exit status when the command line cannot be understood.
const MISUSED: u8 = 3;

/// Why a command did not succeed, as far as the exit status depends on it.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Something failed.
    Failed(Failure),
    /// What shall be removed is not in the manifest.
    Absent(Failure),
    /// Nothing was given to a command that needs arguments: its usage is the answer.
    Usage,
    /// There were too many arguments, or some but too few.
    WrongCount,
    /// A command that was run for the user failed with this status, which is passed on.
    ChildFailed(Failure, u8),
    /// What ran ended with this status, and everything is said.
    Child(u8),
}

impl<E: Into<Failure>> From<E> for Ending {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Ending {
    /// Says what there is to say, and gives the exit status.
    pub(crate) fn conclude(
        self,
        ctx: &mut Context<'_>,
        parser: &mut clap::Command,
        path: &[String],
        debug: bool,
    ) -> Result<u8, Failure> {
        let (failure, status) = match self {
            Self::Usage => {
                say(ctx.out, usage(parser, path))?;
                // The bare tool only explains itself.
                return Ok(if path.is_empty() { 0 } else { FAILED });
            }
            Self::WrongCount => {
                let failure = Failure::usage("incorrect number of arguments");
                (failure.with_hint(usage_line(parser, path)), FAILED)
            }
            Self::Failed(failure) => {
                let status = Statuses::ONE.of(&failure);
                (failure, status)
            }
            Self::Absent(failure) => (failure, ABSENT),
            Self::ChildFailed(failure, status) => (failure, status),
            Self::Child(status) => return Ok(status),
        };
        report(&path.join(" "), &failure, debug, ctx.err);
        Ok(status)
    }
}

/// Prints what the parser says about a command line, and gives the exit status.
pub(crate) fn misused(error: &clap::Error) -> u8 {
    match error.kind() {
        // A bare group such as `label` only explains itself, as if help had been asked for.
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            match write!(io::stdout(), "{}", error.render()) {
                Ok(()) => 0,
                Err(error) => {
                    report("", &Failure::Output(error), false, &mut io::stderr());
                    FAILED
                }
            }
        }
        _ => {
            // Nobody is left to be told when the stream is gone.
            let _ = error.print();
            MISUSED
        }
    }
}

fn usage(parser: &mut clap::Command, path: &[String]) -> String {
    parser.build();
    find(parser, path)
        .clone()
        .render_help()
        .to_string()
        .trim_end()
        .to_owned()
}

/// How a command is called, as in `acbuild label add NAME VALUE`.
fn usage_line(parser: &mut clap::Command, path: &[String]) -> String {
    parser.build();
    let line = find(parser, path).clone().render_usage().to_string();
    line.trim_start_matches("Usage: ").trim_end().to_owned()
}

fn find<'a>(parser: &'a clap::Command, path: &[String]) -> &'a clap::Command {
    path.iter().fold(parser, |command, name| {
        command.find_subcommand(name).unwrap_or(command)
    })
}
