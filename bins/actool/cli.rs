//! The command line of actool.

use std::ffi::OsString;
use std::io::Write;

use clap::builder::PossibleValuesParser;
use clap::error::ContextKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use gantry_cli::note;

use crate::commands;
use crate::go_flags::{self, FlagError};

/// actool, the application container tool
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
    /// Print verbose (debug) output
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
    Build(commands::build::BuildArgs),
    CatManifest(commands::cat_manifest::CatManifestArgs),
    Diff(commands::diff::DiffArgs),
    Discover(commands::discover::DiscoverArgs),
    Help(commands::help::HelpArgs),
    Inspect(commands::inspect::InspectArgs),
    PatchManifest(Box<commands::patch_manifest::PatchManifestArgs>),
    Validate(commands::validate::ValidateArgs),
    /// Print the version and exit
    Version,
}

/// A command line that cannot be carried out.
#[derive(Debug)]
pub(crate) enum UsageError {
    /// The command does not exist.
    Command(String),
    /// A flag before the command is not right.
    Global(FlagError),
    /// A flag of a command is not right.
    Flag {
        /// The command's name.
        command: String,
        /// What is wrong.
        error: FlagError,
    },
}

impl UsageError {
    /// Says what is wrong as the original does, and gives the exit status.
    ///
    /// The error stands once more below a long list of flags, so that it is not missed.
    pub(crate) fn explain(&self, err: &mut dyn Write) -> u8 {
        let program = parser();
        match self {
            Self::Command(name) => {
                note(err, format_args!("actool: unknown subcommand: {name:?}"));
                note(err, "Run 'actool help' for usage.");
                2
            }
            Self::Global(error) => {
                let asked = *error == FlagError::Help;
                if !asked {
                    note(err, error);
                }
                note(err, "Usage of actool:");
                note(err, go_flags::listing(&program).trim_end());
                if asked { 0 } else { 2 }
            }
            Self::Flag { command, error } => {
                if *error != FlagError::Help {
                    note(err, error);
                }
                note(err, "Usage:");
                let command = program.find_subcommand(command);
                let listing = command.map(go_flags::listing).unwrap_or_default();
                if !listing.is_empty() {
                    note(err, listing.trim_end());
                }
                note(err, error);
                2
            }
        }
    }
}

/// Reads the arguments after the program's name, by the rules of Go's flag package.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, UsageError> {
    let program = parser();
    let mut words = vec![OsString::from("actool")];
    let (flags, rest) = go_flags::split(&program, arguments).map_err(UsageError::Global)?;
    words.extend(flags);
    let mut name = String::new();
    // With --help the rest of the line is not even looked at.
    if let Some((word, arguments)) = rest.split_first()
        && !words.contains(&OsString::from("--help=true"))
    {
        name = word.to_string_lossy().into_owned();
        let Some(command) = program.find_subcommand(&name) else {
            return Err(UsageError::Command(name));
        };
        words.push(word.clone());
        let (flags, operands) =
            go_flags::split(command, arguments).map_err(|error| UsageError::Flag {
                command: name.clone(),
                error,
            })?;
        words.extend(flags);
        // A command without operands passes them over, as in the original.
        if command.get_positionals().next().is_some() {
            words.push("--".into());
            words.extend(operands.iter().cloned());
        }
    }
    let matches = program.try_get_matches_from(words);
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| UsageError::Flag {
        command: name,
        error: value_error(&error),
    })
}

/// What clap says of a value, in the words of Go.
fn value_error(error: &clap::Error) -> FlagError {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let flag = context(ContextKind::InvalidArg);
    let name = flag.split([' ', '=']).next().unwrap_or_default();
    let reason = std::error::Error::source(error).map(ToString::to_string);
    FlagError::Value {
        name: name.trim_start_matches('-').to_owned(),
        value: context(ContextKind::InvalidValue),
        reason: reason.unwrap_or_else(|| "parse error".to_owned()),
    }
}

/// The parser as completions show it: with the names of the commands behind `help`.
pub(crate) fn completion_parser() -> clap::Command {
    let parser = parser();
    // Values of a parser live as long as the program, which ends when it has written completions.
    let names: Vec<&'static str> = parser
        .get_subcommands()
        .map(|command| &*command.get_name().to_owned().leak())
        .collect();
    parser.mut_subcommand("help", |help| {
        help.mut_arg("command", |command| {
            command
                .num_args(0..=1)
                .value_parser(PossibleValuesParser::new(names))
        })
    })
}

/// The parser.
pub(crate) fn parser() -> clap::Command {
    gantry_cli::with_go_booleans(Cli::command())
}
