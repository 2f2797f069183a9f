//! `actool help [COMMAND]`.

use gantry_cli::{Context, Failure, say};
use gantry_types::SemVer;

/// Show a list of commands or help for one command
#[derive(clap::Args, Debug, Default)]
pub(crate) struct HelpArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl HelpArgs {
    pub(crate) fn run(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut program = crate::cli::parser();
        program.build();
        let Some(name) = self.command.first() else {
            return say(context.out, whole(&program).trim_end());
        };
        match program.find_subcommand(name) {
            Some(command) => say(context.out, one(command).trim_end()),
            None => Err(Failure::environment(format!(
                "Unrecognized command: {name}"
            ))),
        }
    }
}

fn whole(program: &clap::Command) -> String {
    let about = about(program);
    let version = SemVer::ac_version();
    let commands: Vec<_> = program
        .get_subcommands()
        .map(|command| (command.get_name().to_owned(), self::about(command)))
        .collect();
    format!(
        "NAME:\n\tactool - {about}\n\n\
         USAGE: \n\tactool [global options] <command> [command options] [arguments...]\n\n\
         VERSION:\n\t{version}\n\n\
         COMMANDS:\n{}\n\
         GLOBAL OPTIONS:\n{}\n\
         Run \"actool help <command>\" for more details on a specific command.\n",
        columns(&commands),
        columns(&options(program)),
    )
}

fn one(command: &clap::Command) -> String {
    let name = command.get_name();
    let operands = command.get_positionals();
    let operands = operands.map(|operand| {
        format!(
            " {}...",
            operand.get_value_names().map_or("", |names| &names[0])
        )
    });
    let operands: String = operands.collect();
    let options = options(command);
    let flags = if options.is_empty() { "" } else { " [options]" };
    let mut text = format!(
        "NAME:\n\t{name} - {}\n\nUSAGE:\n\tactool {name}{flags}{operands}\n\n",
        about(command)
    );
    if let Some(long) = command.get_long_about() {
        let lines = long.to_string().replace('\n', "\n\t");
        text.push_str(&format!("DESCRIPTION:\n\t{lines}\n\n"));
    }
    if !options.is_empty() {
        text.push_str(&format!("OPTIONS:\n{}", columns(&options)));
    }
    text
}

fn about(command: &clap::Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Each option as `--name=default` with what it does.
fn options(command: &clap::Command) -> Vec<(String, String)> {
    let arguments = command.get_opts();
    let row = |argument: &clap::Arg| {
        let default = argument.get_default_values().first();
        let default = default
            .map(|value| value.to_string_lossy())
            .unwrap_or_default();
        let name = argument.get_long().unwrap_or_default();
        let help = argument.get_help().map(ToString::to_string);
        (format!("--{name}={default}"), help.unwrap_or_default())
    };
    arguments.map(row).collect()
}

/// Two columns, the second aligned at a multiple of eight as Go's tabwriter does.
fn columns(rows: &[(String, String)]) -> String {
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = (widest + 1).next_multiple_of(8);
    let lines = rows
        .iter()
        .map(|(name, text)| format!("\t{name:width$}{text}\n"));
    lines.collect()
}
