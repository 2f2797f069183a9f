//! What the parsers of all tools have in common: Go's switches.

use clap::{ArgAction, Command};

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
