//! `rkt completion SHELL`.

use clap::Args;
use gantry_cli::{Context, Failure, FlagStyle, Shell, completion, say};

/// Print the completion code for a shell
///
/// For bash: `. <(rkt completion bash)`. The same code, and that of the other tools, is installed where
/// the shells look for it.
#[derive(Args, Debug)]
pub(crate) struct CompletionArgs {
    /// bash, zsh or fish
    #[arg(value_name = "SHELL")]
    shells: Vec<String>,
}

impl CompletionArgs {
    /// Prints the script.
    ///
    /// # Errors
    ///
    /// No shell, more than one, or one that is not supported.
    pub(crate) fn run(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let [name] = &*self.shells else {
            let text = match self.shells.is_empty() {
                true => "shell not specified",
                false => "too many arguments",
            };
            return Err(Failure::usage(text).with_hint("name one of bash, zsh and fish"));
        };
        let Some(shell) = Shell::named(name) else {
            return Err(Failure::usage(format!("'{name}' shell is not supported")));
        };
        let script = completion(crate::cli::completion_parser(), shell, FlagStyle::TwoDashes);
        say(context.out, script.trim_end())
    }
}
