//! `actool help [COMMAND]`: the texts of the parser, laid out as the original does.

use clap::Command;
use gantry_cli::{Context, Failure, say};
use gantry_types::SemVer;

use crate::go_flags::sorted;
use crate::tabwriter::align;

/// Show a list of commands or help for one command
#[derive(clap::Args, Debug, Default)]
#[command(
    long_about = "Show a list of commands or detailed help for one command",
    override_usage = "actool help [COMMAND]"
)]
pub(crate) struct HelpArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl HelpArgs {
    pub(crate) fn run(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let program = crate::cli::parser();
        let Some(name) = self.command.first() else {
            return say(context.out, align(whole(&program).trim_end()));
        };
        match program.find_subcommand(name) {
            Some(command) => say(context.out, align(one(command).trim_end())),
            None => Err(Failure::environment(format!(
                "Unrecognized command: {name}"
            ))),
        }
    }
}

fn whole(program: &Command) -> String {
    let commands: String = program
        .get_subcommands()
        .map(|command| format!("\n\t{}\t{}", command.get_name(), about(command)))
        .collect();
    format!(
        "NAME:\n\tactool - {}\n\n\
         USAGE:\n\tactool [global options] <command> [command options] [arguments...]\n\n\
         VERSION:\n\t{}\n\n\
         COMMANDS:{commands}\n\n\
         GLOBAL OPTIONS:{}\n\n\
         Run \"actool help <command>\" for more details on a specific command.\n",
        about(program),
        SemVer::ac_version(),
        options(program),
    )
}

fn one(command: &Command) -> String {
    let (name, about) = (command.get_name(), about(command));
    let description: String = description(command)
        .lines()
        .map(|line| format!("\t{line}\n"))
        .collect();
    let mut options = options(command);
    if !options.is_empty() {
        options = format!("OPTIONS:{options}\n\n");
    }
    format!(
        "NAME:\n\t{name} - {about}\n\n\
         USAGE:\n\t{}\n\n\
         DESCRIPTION:\n{description}\n\
         {options}For help on global options run \"actool help\"\n",
        usage(command),
    )
}

fn about(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string);
    about.unwrap_or_default()
}

/// What a command does, without the sentence that stands beside its name already.
fn description(command: &Command) -> String {
    let about = about(command);
    let long = command.get_long_about().map(ToString::to_string);
    match long {
        Some(long) => match long.strip_prefix(&format!("{about}\n\n")) {
            Some(rest) => rest.to_owned(),
            None => long,
        },
        None => about,
    }
}

/// The usage line that a command brings along, or else its flags and operands in their order.
fn usage(command: &Command) -> String {
    let line = |mut command: Command| {
        let text = command.render_usage().to_string();
        text.trim_start_matches("Usage: ").to_owned()
    };
    let own = line(command.clone());
    if own != line(command.clone().override_usage(None::<&str>)) {
        return own;
    }
    let mut text = format!("actool {} ", command.get_name());
    let flags = command.get_opts().filter(|flag| !flag.is_hide_set());
    let flags = flags.map(|flag| {
        let name = flag.get_long().unwrap_or_default();
        match flag.get_value_names() {
            Some([value, ..]) if !flag.is_require_equals_set() => format!("[--{name}={value}]"),
            _ => format!("[--{name}]"),
        }
    });
    let operands = command.get_positionals();
    let operands = operands.filter_map(|operand| {
        let name = operand.get_value_names()?.first()?;
        Some(format!("{name}..."))
    });
    let words: Vec<_> = flags.chain(operands).collect();
    text.push_str(&words.join(" "));
    text
}

/// Each option as `--name=default` with what it does.
fn options(command: &Command) -> String {
    let line = |option: &clap::Arg| {
        let default = option.get_default_values().first();
        let default = default.map(|value| value.to_string_lossy());
        let name = option.get_long().unwrap_or_default();
        let help = option.get_help().map(ToString::to_string);
        format!(
            "\n\t--{name}={}\t{}",
            default.unwrap_or_default(),
            help.unwrap_or_default()
        )
    };
    sorted(command).into_iter().map(line).collect()
}
