//! `actrust`: looks after the keys that say which images may be used, without a network.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod json;
mod offline;
mod period;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use gantry_cli::{
    Context, Failure, FlagStyle, Statuses, note, report, run_tool, say, write_generated,
};

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    run_tool("actrust", Statuses::NEW, |context| run(&arguments, context))
}

/// Parses, runs and reports.
fn run(arguments: &[OsString], context: &mut Context<'_>) -> Result<(), Failure> {
    let after_name = arguments.get(1..).unwrap_or_default();
    let written = write_generated(after_name, FlagStyle::TwoDashes, |_| cli::parser());
    if let Some(written) = written {
        return written.map_err(Failure::Output);
    }
    let Cli { globals, command } = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return misused(&error, context),
    };
    let (name, result) = match &command {
        Command::Add(args) => ("add", args.run(&globals, context)),
        Command::Check(args) => ("check", args.run(&globals, context)),
        Command::Disable(args) => ("disable", args.run(&globals, context)),
        Command::Enable(args) => ("enable", args.run(&globals, context)),
        Command::Explain(args) => ("explain", args.run(&globals, context)),
        Command::Export(args) => ("export", args.run(&globals, context)),
        Command::Import(args) => ("import", args.run(&globals, context)),
        Command::List(args) => ("list", args.run(&globals, context)),
        Command::Remove(args) => ("remove", args.run(&globals, context)),
        Command::Show(args) => ("show", args.run(&globals, context)),
        Command::Verify(args) => ("verify", args.run(&globals, context)),
        Command::VerifyImage(args) => ("verify-image", args.run(&globals, context)),
    };
    result.inspect_err(|failure| report(name, failure, globals.debug, context.err))
}

/// What clap has to say: help and the like is data, everything else a usage error.
fn misused(error: &clap::Error, context: &mut Context<'_>) -> Result<(), Failure> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => say(context.out, text.trim_end()),
        _ => {
            note(context.err, text.trim_end());
            Err(Failure::Status(Statuses::NEW.usage))
        }
    }
}
