//! acbuild: scripted builds of container images.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod ending;
mod images;
mod interrupt;
mod invocation;
mod rootless;
mod scratch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};
use gantry_cli::{Context, Failure, FlagStyle, report, show_notes, write_generated};

use crate::cli::Cli;
use crate::ending::Ending;
use crate::invocation::Invocation;

fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().collect()))
}

fn run(mut arguments: Vec<OsString>) -> u8 {
    if arguments
        .first()
        .is_some_and(|name| commands::script::is_own_name(name))
    {
        arguments.insert(1, "script".into());
    }
    let mut parser = cli::parser();
    let after_name = arguments.get(1..).unwrap_or_default();
    let written = write_generated(after_name, FlagStyle::TwoDashes, |_| cli::parser());
    if let Some(written) = written {
        return if written.is_ok() { 0 } else { ending::FAILED };
    }
    let (cli, path) = match parse(&mut parser, arguments) {
        Ok(parsed) => parsed,
        Err(error) => return ending::misused(&error),
    };
    let name = path.join(" ");
    let debug = cli.globals.debug;
    show_notes(debug);
    let result = Context::with_process_streams(|ctx| {
        let mut invocation = Invocation {
            ctx,
            globals: &cli.globals,
            name: &name,
        };
        let ending = match cli.command {
            Some(command) => commands::run(command, &mut invocation),
            None => Err(Ending::Usage),
        };
        match ending {
            Ok(()) => Ok(0),
            Err(ending) => ending.conclude(ctx, &mut parser, &path, debug),
        }
    });
    result.unwrap_or_else(|failure: Failure| {
        report(&name, &failure, debug, &mut std::io::stderr());
        ending::FAILED
    })
}

/// Parses the command line; also gives the names of the command and sub-command, aliases and
/// prefixes resolved.
fn parse(
    parser: &mut clap::Command,
    arguments: Vec<OsString>,
) -> Result<(Cli, Vec<String>), clap::Error> {
    let matches = parser.try_get_matches_from_mut(arguments)?;
    let path = command_path(&matches);
    Ok((Cli::from_arg_matches(&matches)?, path))
}

fn command_path(matches: &ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut next = matches.subcommand();
    while let Some((name, matches)) = next {
        path.push(name.to_owned());
        next = matches.subcommand();
    }
    path
}
