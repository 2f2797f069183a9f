//! The command line of actool.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::go_flags::{self, FlagError};

/// Builds, validates and discovers app container images
#[derive(Parser, Debug)]
#[command(
    name = "actool",
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true
)]
pub(crate) struct Cli {
    /// Print usage information and exit
    #[arg(long)]
    pub(crate) help: bool,
    /// Print out more debug information to stderr
    #[arg(long)]
    pub(crate) debug: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands, in the order of the help.
#[derive(Subcommand, Debug)]
#[command(disable_help_flag = true)]
pub(crate) enum Command {
    CatManifest(commands::cat_manifest::CatManifestArgs),
    Discover(commands::discover::DiscoverArgs),
    Help(commands::help::HelpArgs),
    Validate(commands::validate::ValidateArgs),
    /// Print the version and exit
    Version,
}

/// A command line that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// The command does not exist.
    #[error("unknown subcommand: {0:?}")]
    Command(String),
    /// A flag is not right.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// A value is not right.
    #[error("{0}")]
    Value(String),
}

/// Reads the arguments after the program's name, by the rules of Go's flag package.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, UsageError> {
    let program = parser();
    let mut words = vec![OsString::from("actool")];
    let (flags, rest) = go_flags::split(&program, arguments)?;
    words.extend(flags);
    if let Some((name, arguments)) = rest.split_first() {
        let name = name.to_string_lossy();
        let Some(command) = program.find_subcommand(name.as_ref()) else {
            return Err(UsageError::Command(name.into_owned()));
        };
        words.push(name.as_ref().into());
        if command.get_name() == "version" {
            // Further arguments are passed over, as in the original.
        } else {
            let (flags, operands) = go_flags::split(command, arguments)?;
            words.extend(flags);
            words.push("--".into());
            words.extend(operands.iter().cloned());
        }
    }
    let matches = program.try_get_matches_from(words);
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        UsageError::Value(first.trim_start_matches("error: ").to_owned())
    })
}

/// The parser.
pub(crate) fn parser() -> clap::Command {
    gantry_cli::with_go_booleans(Cli::command())
}
