//! The command line of rkt: flags, commands, and the grammar read off them.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use gantry_cli::with_go_booleans;
use gantry_types::go_bool::BoolError;

use crate::commands;
use crate::grammar::{Flag, Flags, Grammar, Parts, Scope};

/// The commands that take images with flags of their own.
const WITH_IMAGES: &[&str] = &["run", "prepare", "fetch"];

/// Run App Container pods, fetch and trust their images
#[derive(Parser, Debug)]
#[command(name = "rkt", infer_subcommands = true, disable_version_flag = true)]
pub(crate) struct Cli {
    /// Flags of every command.
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The flags of every command.
#[derive(Args, Debug, Clone)]
pub(crate) struct Globals {
    /// Show every level of an error, and what is done
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Data directory; for a user without root the default is $XDG_DATA_HOME/rkt
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Directory of the vendor's configuration and keys
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "/usr/lib/rkt"
    )]
    pub(crate) system_config: PathBuf,
    /// Directory of this host's configuration and keys
    #[arg(long, global = true, value_name = "DIR", default_value = "/etc/rkt")]
    pub(crate) local_config: PathBuf,
    /// Directory of the user's configuration, used only when given
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) user_config: Option<PathBuf>,
    /// Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities,
    /// paths, seccomp, all-fetch, all-run, all
    #[arg(long, global = true, value_name = "LIST", default_value = "none")]
    pub(crate) insecure_options: String,
    /// Trust keys that discovery finds over https without asking
    #[arg(long, global = true)]
    pub(crate) trust_keys_from_https: bool,
    /// Taken and of no effect: profiles of the original's own
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    cpuprofile: Option<PathBuf>,
    /// The same
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    memprofile: Option<PathBuf>,
    /// Where a name leads, as curl's option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO
    #[arg(long, global = true, value_name = "H1:P1:H2:P2")]
    pub(crate) connect_to: Vec<String>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Attach(commands::attach::AttachArgs),
    CatManifest(commands::cat_manifest::CatManifestArgs),
    Completion(commands::completion::CompletionArgs),
    Config(commands::config::ConfigArgs),
    Doctor(commands::doctor::DoctorArgs),
    Export(commands::export::ExportArgs),
    Enter(commands::enter::EnterArgs),
    Fetch(commands::fetch::FetchArgs),
    Gc(commands::gc::GcArgs),
    Image(commands::image::ImageArgs),
    List(commands::list::ListArgs),
    Logs(commands::logs::LogsArgs),
    MetadataService(commands::metadata_service::MetadataServiceArgs),
    Net(commands::net::NetArgs),
    Prepare(commands::prepare::PrepareArgs),
    Rm(commands::rm::RmArgs),
    Run(commands::run::RunArgs),
    RunPrepared(commands::run_prepared::RunPreparedArgs),
    Status(commands::status::StatusArgs),
    Stop(commands::stop::StopArgs),
    Trust(commands::trust::TrustArgs),
    Version(commands::version::VersionArgs),
}

/// Commands of rkt that are still to come: whoever calls one has not mistyped it.
const NOT_YET: [&str; 2] = ["api-service", "app"];

/// The command that a user asked for and that is still to come, if that is what `error` is about.
pub(crate) fn missing_command(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(name) => NOT_YET.contains(&name.as_str()).then_some(name),
        _ => None,
    }
}

/// Reads the value of a switch that is on by default, or that has to have one.
pub(crate) fn go_bool(text: &str) -> Result<bool, BoolError> {
    gantry_types::go_bool::parse(text)
}

/// The parser.
pub(crate) fn parser() -> clap::Command {
    let mut parser = parser_without_texts();
    // The flags behind an image are cut off before; the help has to show them all the same.
    for name in ["prepare", "run"] {
        parser = parser.mut_subcommand(name, |command| command.after_help(app_options()));
    }
    parser
}

/// The parser for these arguments; texts that only help shows are made only where one may ask for help.
pub(crate) fn parser_for(arguments: &[String]) -> clap::Command {
    let asks = |word: &String| word == "-h" || word.starts_with("--h") || word.starts_with('h');
    match arguments.iter().any(asks) {
        true => parser(),
        false => parser_without_texts(),
    }
}

fn parser_without_texts() -> clap::Command {
    // Of a flag that has one value and is given twice the last counts, as in the original.
    let once = |command: clap::Command| command.args_override_self(true);
    once(with_go_booleans(Cli::command())).mut_subcommands(once)
}

/// The parser that completions are made of: what may follow an image stands among the other flags.
pub(crate) fn completion_parser() -> clap::Command {
    let app = commands::app_args::AppArgs::augment_args(clap::Command::new("app"));
    let mut parser = parser().mut_subcommand("completion", |command| {
        command.mut_arg("shells", |shell| {
            shell.value_parser(["bash", "zsh", "fish"])
        })
    });
    for name in ["prepare", "run"] {
        parser = parser.mut_subcommand(name, |command| {
            let known: Vec<_> = command
                .get_arguments()
                .filter_map(clap::Arg::get_long)
                .collect();
            let missing = app.get_arguments().filter(|argument| {
                argument
                    .get_long()
                    .is_some_and(|name| !known.contains(&name))
            });
            let missing: Vec<_> = missing.cloned().collect();
            command.args(missing)
        });
    }
    parser
}

/// The flags that may follow an image, as text for the help and the manual pages.
fn app_options() -> String {
    let app = commands::app_args::AppArgs::augment_args(clap::Command::new("app"));
    let mut text = "App options, behind an image:\n".to_owned();
    for argument in app
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
    {
        let name = argument.get_long().unwrap_or_default();
        let value = argument.get_value_names().and_then(|names| names.first());
        let value = value.map_or("", |value| value.as_str());
        let help = argument
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        text.push_str(&format!("  --{name} <{value}>\n          {help}\n"));
    }
    text
}

/// Takes the arguments after the tool's name apart by rkt's grammar, which `parser` knows the flags for.
///
/// # Errors
///
/// Where flags and images are out of order; with the name of the command.
pub(crate) fn take_apart(
    arguments: &[String],
    parser: &clap::Command,
) -> Result<Parts, (Option<String>, crate::grammar::GrammarError)> {
    let grammar = grammar(parser);
    let parts = grammar.take_apart(arguments);
    parts.map_err(|error| (grammar.command_of(arguments), error))
}

/// Parses what [`take_apart`] left.
///
/// # Errors
///
/// clap's own, which may also be a request for help.
pub(crate) fn parse(plain: &[String], parser: clap::Command) -> Result<Cli, clap::Error> {
    let words = std::iter::once("rkt".to_owned()).chain(plain.iter().cloned());
    Cli::from_arg_matches(&parser.try_get_matches_from(words)?)
}

fn grammar(tool: &clap::Command) -> Grammar {
    let app = commands::app_args::AppArgs::augment_args(clap::Command::new("app"));
    let all = commands::pod_args::MountArgs::augment_args(clap::Command::new("all"));
    let mut commands = std::collections::BTreeMap::new();
    for command in tool.get_subcommands() {
        let mut flags = flags_of(command, Scope::Pod);
        match command.get_name() {
            "run" | "prepare" => {
                flags.extend(flags_of(&app, Scope::App));
                flags.extend(flags_of(&all, Scope::Both));
            }
            "fetch" => {
                let signature = Flag {
                    scope: Scope::App,
                    takes_value: true,
                };
                flags.insert("signature".to_owned(), signature);
            }
            _ => {}
        }
        commands.insert(command.get_name().to_owned(), flags);
    }
    Grammar {
        global: flags_of(tool, Scope::Pod),
        commands,
        with_images: WITH_IMAGES,
    }
}

fn flags_of(command: &clap::Command, scope: Scope) -> Flags {
    let arguments = command
        .get_arguments()
        .filter(|argument| argument.get_long().is_some());
    let mut flags = Flags::new();
    for argument in arguments {
        let takes_value = argument.get_action().takes_values() && !argument.is_require_equals_set();
        let names = argument.get_long_and_visible_aliases().unwrap_or_default();
        let hidden = argument.get_all_aliases().unwrap_or_default();
        for name in names.into_iter().chain(hidden) {
            flags.insert(name.to_owned(), Flag { scope, takes_value });
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_consistent() {
        parser().debug_assert();
    }

    #[test]
    fn a_command_that_is_still_to_come_is_no_typing_error() {
        for name in NOT_YET {
            let error = parse(&[name.to_owned()], parser()).unwrap_err();
            assert_eq!(missing_command(&error), Some(name));
        }
        let error = parse(&["bogus".to_owned()], parser()).unwrap_err();
        assert_eq!(missing_command(&error), None);
    }

    #[test]
    fn the_grammar_knows_where_flags_stand() {
        let grammar = grammar(&parser());
        let run = &grammar.commands["run"];
        assert_eq!(
            run["exec"],
            Flag {
                scope: Scope::App,
                takes_value: true
            }
        );
        assert_eq!(run["mount"].scope, Scope::Both);
        assert_eq!(
            run["net"],
            Flag {
                scope: Scope::Pod,
                takes_value: false
            }
        );
        assert!(grammar.global["dir"].takes_value);
        assert!(!grammar.global["debug"].takes_value);
    }
}
