//! What the parsers of all tools have in common: Go's switches, and manual pages made of them.

use std::io;
use std::path::Path;

use clap::{ArgAction, Command};

/// First argument that makes a tool write its manual pages; the second is the folder.
pub const WRITE_MAN_PAGES: &str = "--write-man-pages";

/// Makes every switch of `command` one as Go has them: `--debug`, and also `--debug=true`, `--debug=0`.
#[must_use]
pub fn with_go_booleans(command: Command) -> Command {
    let command = command.mut_args(|argument| match argument.get_action() {
        ArgAction::SetTrue => argument
            .action(ArgAction::Set)
            .value_parser(|text: &str| gantry_types::go_bool::parse(text))
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_value("false")
            .default_missing_value("true")
            .hide_default_value(true)
            .hide_possible_values(true),
        _ => argument,
    });
    command.mut_subcommands(with_go_booleans)
}

/// Writes `TOOL.1`, and a page per sub-command, into `folder`.
///
/// # Errors
///
/// A file that cannot be written.
pub fn write_man_pages(command: Command, folder: &Path) -> io::Result<()> {
    // Without the help command, which would have pages of pages.
    clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};

    fn parsed(arguments: &[&str]) -> Option<bool> {
        let switch = Arg::new("debug").long("debug").action(ArgAction::SetTrue);
        let command = with_go_booleans(Command::new("tool").arg(switch).no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).ok()?;
        matches.get_one::<bool>("debug").copied()
    }

    #[test]
    fn switches_take_gos_words() {
        for (arguments, expected) in [
            (&[][..], Some(false)),
            (&["--debug"], Some(true)),
            (&["--debug=T"], Some(true)),
            (&["--debug=0"], Some(false)),
            (&["--debug=maybe"], None),
            (&["--debug", "false"], None),
        ] {
            assert_eq!(parsed(arguments), expected, "{arguments:?}");
        }
    }
}
