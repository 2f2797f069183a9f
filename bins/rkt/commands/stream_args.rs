//! The flags of an app that say what its standard streams are.

use clap::{Args, ValueEnum};
use gantry_cli::Failure;
use gantry_types::Annotations;

/// Standard streams of an app; stage1 reads them from annotations.
#[derive(Args, Debug)]
pub(crate) struct StreamArgs {
    /// Standard input: empty, from whoever attaches, or a terminal
    #[arg(long, value_name = "null|stream|tty", hide_possible_values = true)]
    stdin: Option<Input>,
    /// Standard output: kept and shown, dropped, for whoever attaches, or a terminal
    #[arg(long, value_name = "log|null|stream|tty", hide_possible_values = true)]
    stdout: Option<Output>,
    /// Standard error, likewise
    #[arg(long, value_name = "log|null|stream|tty", hide_possible_values = true)]
    stderr: Option<Output>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Input {
    Null,
    Stream,
    Tty,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Log,
    Null,
    Stream,
    Tty,
}

impl StreamArgs {
    /// Adds the annotations that stage1 reads. Source: rkt 1.30, stage1-implementors-guide.md.
    ///
    /// # Errors
    ///
    /// None in practice: the names and values are constants.
    pub(crate) fn annotate(&self, annotations: &mut Annotations) -> Result<(), Failure> {
        let stdin = self.stdin.map(|mode| match mode {
            Input::Null => "null",
            Input::Stream => "stream",
            Input::Tty => "tty",
        });
        let output = |mode: Option<Output>| {
            mode.map(|mode| match mode {
                Output::Log => "log",
                Output::Null => "null",
                Output::Stream => "stream",
                Output::Tty => "tty",
            })
        };
        for (stream, mode) in [
            ("stdin", stdin),
            ("stdout", output(self.stdout)),
            ("stderr", output(self.stderr)),
        ] {
            let Some(mode) = mode else { continue };
            let wrong = |error: &dyn std::fmt::Display| {
                Failure::usage(format!("invalid value for --{stream}: {error}"))
            };
            let name = format!("coreos.com/rkt/stage2/{stream}");
            let name = name.parse().map_err(|error| wrong(&error))?;
            annotations
                .set(name, mode.to_owned())
                .map_err(|error| wrong(&error))?;
        }
        Ok(())
    }
}
