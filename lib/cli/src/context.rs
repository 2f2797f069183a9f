//! Where a command writes and what it may know of its surroundings.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::Failure;

/// The streams of a command, as values, so that a command also runs inside a test.
pub struct Context<'a> {
    /// Data for other programs: standard output.
    pub out: &'a mut dyn Write,
    /// Prose for people: standard error.
    pub err: &'a mut dyn Write,
    /// Whether `err` is a terminal, so that progress bars may be drawn on it.
    pub err_is_terminal: bool,
    /// Whether the user can be asked: standard input and standard error are both terminals.
    pub can_ask: bool,
}

impl Context<'_> {
    /// Runs `command` with the streams of this process.
    ///
    /// Standard output is buffered and flushed at the end; a failure to write is the command's
    /// failure, because a script must not take cut data for the whole.
    ///
    /// # Errors
    ///
    /// What `command` returns, or [`Failure::Output`] when standard output cannot be written.
    pub fn with_process_streams<T>(
        command: impl FnOnce(&mut Context<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut err = io::stderr();
        let err_is_terminal = err.is_terminal();
        let can_ask = err_is_terminal && io::stdin().is_terminal();
        let result = command(&mut Context {
            out: &mut out,
            err: &mut err,
            err_is_terminal,
            can_ask,
        });
        out.flush().map_err(Failure::Output)?;
        result
    }
}

/// Writes one line.
///
/// # Errors
///
/// [`Failure::Output`] when the stream cannot be written.
pub fn say(stream: &mut dyn Write, line: impl fmt::Display) -> Result<(), Failure> {
    writeln!(stream, "{line}").map_err(Failure::Output)
}
