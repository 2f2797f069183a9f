//! `actool`: builds, validates and discovers app container images.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod go_flags;
mod tabwriter;
mod times;

use std::ffi::OsString;
use std::process::ExitCode;

use gantry_cli::{
    Context, Failure, FlagStyle, Generated, Statuses, report, run_tool, show_notes, write_generated,
};

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    run_tool("actool", Statuses::ONE, |context| run(&arguments, context))
}

/// Parses, runs and reports.
fn run(arguments: &[OsString], context: &mut Context<'_>) -> Result<(), Failure> {
    let parser = |generated| match generated {
        Generated::ManPages => cli::parser(),
        Generated::Completions => cli::completion_parser(),
    };
    if let Some(written) = write_generated(arguments, FlagStyle::Go, parser) {
        return written.map_err(Failure::Output);
    }
    let cli = match cli::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let status = error.explain(context.err);
            return match status {
                0 => Ok(()),
                status => Err(Failure::Status(status)),
            };
        }
    };
    let Cli {
        help,
        debug,
        command,
    } = cli;
    show_notes(debug);
    let (name, result) = match command {
        Some(command) if !help => command.run(debug, context),
        _ => ("help", commands::help::HelpArgs::default().run(context)),
    };
    result.inspect_err(|failure| report(name, failure, debug, context.err))
}

impl Command {
    /// Runs the command; the name before its errors is empty where they stand alone.
    fn run(self, debug: bool, context: &mut Context<'_>) -> (&'static str, Result<(), Failure>) {
        match self {
            Self::Build(args) => ("build", args.run(context)),
            Self::CatManifest(args) => ("cat-manifest", args.run(context)),
            Self::Diff(args) => ("diff", args.run(debug, context)),
            Self::Discover(args) => ("", args.run(debug, context)),
            Self::Help(args) => ("", args.run(context)),
            Self::Inspect(args) => ("inspect", args.run(context)),
            Self::PatchManifest(args) => ("patch-manifest", args.run(context)),
            Self::Validate(args) => ("", args.run(debug, context)),
            Self::Version => ("", commands::version::run(context)),
        }
    }
}
