//! `rkt`: fetches, trusts and lists images, runs and looks after pods.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod duration;
mod grammar;
mod images;
mod journal;
mod rootless;
mod service;
mod setup;

use std::ffi::OsString;
use std::process::ExitCode;

use gantry_cli::{
    Context, Failure, FlagStyle, Generated, Statuses, note, report, run_tool, say, show_notes,
    write_generated,
};

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    run_tool("rkt", Statuses::RKT, |context| {
        match std::env::args_os().skip(1).map(text).collect() {
            Ok(arguments) => run(arguments, context),
            Err(failure) => reported("rkt", failure, false, context),
        }
    })
}

/// An argument as text: pod manifests are JSON, and a name with other characters in place of its own
/// would be another file.
fn text(argument: OsString) -> Result<String, Failure> {
    argument
        .into_string()
        .map_err(|argument| Failure::usage(format!("argument {argument:?} is not valid UTF-8")))
}

/// Parses, runs and reports.
fn run(arguments: Vec<String>, context: &mut Context<'_>) -> Result<(), Failure> {
    let parser = |generated| match generated {
        Generated::ManPages => cli::parser(),
        Generated::Completions => cli::completion_parser(),
    };
    if let Some(written) = write_generated(&arguments, FlagStyle::TwoDashes, parser) {
        return written.map_err(Failure::Output);
    }
    let parser = cli::parser_for(&arguments);
    let parts = match cli::take_apart(&arguments, &parser) {
        Ok(parts) => parts,
        Err((command, error)) => {
            let command = command.as_deref().unwrap_or("rkt");
            return reported(command, error.into(), false, context);
        }
    };
    let parsed = match cli::parse(&parts.plain, parser) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, context),
    };
    let Cli { globals, command } = parsed;
    let Some(command) = command else {
        note(context.err, "rkt: missing command");
        say(context.out, cli::parser().render_help())?;
        return Err(Failure::Status(2));
    };
    let debug = globals.debug;
    show_notes(debug);
    let (name, result) = match command {
        Command::Attach(args) => ("attach", args.run(&globals, context)),
        Command::CatManifest(args) => ("cat-manifest", args.run(&globals, context)),
        Command::Config(args) => ("config", args.run(&globals, context)),
        Command::Completion(args) => ("completion", args.run(context)),
        Command::Doctor(args) => ("doctor", args.run(&globals, context)),
        Command::Export(args) => ("export", args.run(&globals, context)),
        Command::Enter(args) => ("enter", args.run(&globals, context)),
        Command::Fetch(args) => ("fetch", args.run(&parts.images, &globals, context)),
        Command::Gc(args) => ("gc", args.run(&globals, context)),
        Command::Image(args) => {
            return group(args.leaf(), |c| args.run(&globals, c), debug, context);
        }
        Command::List(args) => ("list", args.run(&globals, context)),
        Command::Logs(args) => ("logs", args.run(&globals, context)),
        Command::MetadataService(args) => ("metadata-service", args.run(&globals, context)),
        Command::Net(args) => return group(args.leaf(), |c| args.run(&globals, c), debug, context),
        Command::Prepare(args) => ("prepare", args.run(&parts.images, &globals, context)),
        Command::Rm(args) => ("rm", args.run(&globals, context)),
        Command::Run(args) => ("run", args.run(&parts.images, &globals, context)),
        Command::RunPrepared(args) => ("run-prepared", args.run(&globals, context)),
        Command::Status(args) => ("status", args.run(&globals, context)),
        Command::Stop(args) => ("stop", args.run(&globals, context)),
        Command::Trust(args) => ("trust", args.run(&globals, context)),
        Command::Version(args) => ("version", args.run(context)),
    };
    result.or_else(|failure| reported(name, failure, debug, context))
}

/// A group of commands, such as `rkt image …`: the leaf's name is what its errors carry.
fn group(
    leaf: &str,
    run: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>,
    debug: bool,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    run(context).or_else(|failure| reported(leaf, failure, debug, context))
}

fn reported(
    command: &str,
    failure: Failure,
    debug: bool,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    report(command, &failure, debug, context.err);
    Err(failure)
}

/// What clap has to say: help and the like is data, everything else a usage error.
fn usage(error: &clap::Error, context: &mut Context<'_>) -> Result<(), Failure> {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp => say(context.out, error.render().to_string().trim_end()),
        // A group of commands without a command shows its help, as the original does.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            say(context.out, error.render().to_string().trim_end())
        }
        _ => {
            match cli::missing_command(error) {
                Some(name) => note(
                    context.err,
                    format_args!("rkt: {name} is not supported yet"),
                ),
                None => note(context.err, error.render().to_string().trim_end()),
            }
            Err(Failure::Status(Statuses::RKT.usage))
        }
    }
}
