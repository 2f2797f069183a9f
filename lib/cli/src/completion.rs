//! Completions for shells, made of the parsers.

use std::io;
use std::path::Path;

use clap::builder::ValueParser;
use clap::{ArgAction, Command};
use clap_complete::{Generator, generate, shells};

/// A shell that completions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash(1), with or without the package bash-completion.
    Bash,
    /// zsh(1).
    Zsh,
    /// fish(1).
    Fish,
}

/// How a tool reads its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagStyle {
    /// Long flags have two dashes.
    TwoDashes,
    /// Long flags have one dash or two, as in Go.
    Go,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// The shell with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// The file where the shell looks for the completion of a tool. Sources: the README of
    /// bash-completion; zshcompsys(1), "Initialization"; fish, "Writing your own completions".
    pub fn file_of(self, tool: &str) -> String {
        match self {
            Self::Bash => tool.to_owned(),
            Self::Zsh => format!("_{tool}"),
            Self::Fish => format!("{tool}.fish"),
        }
    }
}

/// The completion of a tool for a shell, as a script.
pub fn completion(command: Command, shell: Shell, style: FlagStyle) -> String {
    let mut command = with_plain_switches(command);
    let script = match shell {
        Shell::Bash => script(shells::Bash, &mut command),
        Shell::Zsh => script(shells::Zsh, &mut command),
        Shell::Fish => script(shells::Fish, &mut command),
    };
    match shell {
        Shell::Bash => bash(&script, style),
        Shell::Zsh if style == FlagStyle::Go => zsh_with_one_dash(&script),
        Shell::Fish if style == FlagStyle::Go => fish_with_one_dash(&script),
        Shell::Zsh | Shell::Fish => script,
    }
}

/// Writes the completions of a tool into `folder`, in a folder for each shell.
pub(crate) fn write_completions(
    command: &Command,
    style: FlagStyle,
    folder: &Path,
) -> io::Result<()> {
    for shell in Shell::ALL {
        let folder = folder.join(shell.name());
        std::fs::create_dir_all(&folder)?;
        let script = completion(command.clone(), shell, style);
        std::fs::write(folder.join(shell.file_of(command.get_name())), script)?;
    }
    Ok(())
}

fn script(shell: impl Generator, command: &mut Command) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Takes back what [`crate::with_go_booleans`] does: nobody wants files offered after `--debug`.
fn with_plain_switches(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if !argument.is_require_equals_set() {
            return argument;
        }
        argument
            .action(ArgAction::SetTrue)
            .num_args(0)
            .require_equals(false)
            .hide_possible_values(false)
            .hide_default_value(false)
            .default_value(None::<&str>)
            .default_missing_values(Vec::<&str>::new())
            .value_parser(ValueParser::bool())
    });
    command.mut_subcommands(with_plain_switches)
}

/// Offers flags only where a dash was typed, so that files are offered for operands; and finds flags that
/// are typed with one dash.
fn bash(script: &str, style: FlagStyle) -> String {
    let mut changed = String::new();
    for line in script.lines() {
        let code = line.trim_start();
        if code.starts_with("if [[ ${cur} == -* || ${COMP_CWORD} -eq ") {
            let indent = &line[..line.len() - code.len()];
            changed.push_str(&format!("{indent}if [[ ${{cur}} == -* ]] ; then\n"));
            continue;
        }
        // The first of the two offers follows the test for a dash, the second is for everything else.
        let after_dash = changed.trim_end().ends_with("== -* ]] ; then");
        let offer = "COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )";
        if code == offer && !after_dash {
            changed.push_str(&line.replace("-W", "-X '-*' -W"));
        } else {
            changed.push_str(line);
        }
        changed.push('\n');
        if code == "prev=\"$3\"" && style == FlagStyle::Go {
            changed.push_str("    [[ ${cur} == -[!-]* ]] && cur=\"-${cur}\"\n");
            changed.push_str("    [[ ${prev} == -[!-]* ]] && prev=\"-${prev}\"\n");
        }
    }
    changed
}

/// Adds each long flag with one dash. Single letters then cannot be stacked, which Go's flags cannot either.
fn zsh_with_one_dash(script: &str) -> String {
    let mut changed = String::new();
    for line in script.lines() {
        let line = line.replace("_arguments_options=(-s ", "_arguments_options=(");
        for (two, one) in [("'--", "'-"), ("'*--", "'*-")] {
            if let Some(flag) = line.strip_prefix(two) {
                changed.push_str(&format!("{one}{flag}\n"));
            }
        }
        changed.push_str(&line);
        changed.push('\n');
    }
    changed
}

/// Adds each long flag with one dash, which fish calls an old-style option.
fn fish_with_one_dash(script: &str) -> String {
    let mut changed = String::new();
    for line in script.lines() {
        match line.split_once(" -l ") {
            Some((before, after)) if line.starts_with("complete ") => {
                let name = after.split(' ').next().unwrap_or_default();
                changed.push_str(&format!("{before} -o {name} -l {after}\n"));
            }
            _ => changed.push_str(&format!("{line}\n")),
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::with_go_booleans;
    use clap::Arg;

    fn tool() -> Command {
        let switch = Arg::new("dry").long("dry-run").action(ArgAction::SetTrue);
        let value = Arg::new("kind").long("kind").value_parser(["a", "b"]);
        let leaf = Command::new("go").args([switch, value, Arg::new("file")]);
        with_go_booleans(Command::new("tool").subcommand(leaf))
    }

    #[test]
    fn every_shell_gets_the_commands_and_flags() {
        for shell in Shell::ALL {
            assert_eq!(Shell::named(shell.name()), Some(shell));
            for style in [FlagStyle::TwoDashes, FlagStyle::Go] {
                let script = completion(tool(), shell, style);
                for word in ["tool", "go", "dry-run", "kind"] {
                    assert!(script.contains(word), "{word}: {script}");
                }
                assert!(!script.contains("BOOL"), "{script}");
            }
        }
        assert_eq!(Shell::named("tcsh"), None);
    }

    #[test]
    fn flags_with_one_dash_are_known_where_the_tool_takes_them() {
        for (shell, line) in [
            (Shell::Bash, "[[ ${cur} == -[!-]* ]] && cur=\"-${cur}\""),
            (Shell::Zsh, "\n'-dry-run[]' \\\n'--dry-run[]' \\\n"),
            (Shell::Fish, "-o dry-run -l dry-run"),
        ] {
            assert!(completion(tool(), shell, FlagStyle::Go).contains(line));
            assert!(!completion(tool(), shell, FlagStyle::TwoDashes).contains(line));
        }
    }
}
