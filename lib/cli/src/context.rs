//! Where a command writes and what it may know of its surroundings.

use std::fmt;
use std::io::{self, BufRead as _, IsTerminal, Write};
use std::process::ExitCode;

use crate::{Failure, Statuses, report};

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
    /// Asks a question whose answers are `yes` and `no` in full, and says `again` to any other.
    ///
    /// The question goes to standard error, the answer is read from the standard input of this process:
    /// see [`can_ask`](Self::can_ask) first.
    ///
    /// # Errors
    ///
    /// Those of the streams; `UnexpectedEof` when there is no answer.
    pub fn ask(&mut self, question: &str, again: &str) -> io::Result<bool> {
        loop {
            writeln!(self.err, "{question}")?;
            let mut answer = String::new();
            if io::stdin().lock().read_line(&mut answer)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match answer.trim() {
                "yes" => return Ok(true),
                "no" => return Ok(false),
                _ => writeln!(self.err, "{again}")?,
            }
        }
    }

    /// Runs `command` with the streams of this process.
    ///
    /// Standard output is buffered and flushed at the end; a failure to write is the command's
    /// failure, because a script must not take cut data for the whole.
    ///
    /// # Errors
    ///
    /// What `command` returns, or [`Failure::Output`] when it succeeded and its output cannot be written.
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
        let flushed = out.flush().map_err(Failure::Output);
        let value = result?;
        flushed.map(|()| value)
    }
}

/// Runs a tool that reports its own failures, and gives its exit status.
///
/// What only shows at the end, that the output does not arrive where it should, is reported here under
/// the tool's name.
pub fn run_tool(
    name: &str,
    statuses: Statuses,
    tool: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>,
) -> ExitCode {
    let mut reported = false;
    let result =
        Context::with_process_streams(|context| tool(context).inspect_err(|_| reported = true));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !reported {
                report(name, &failure, false, &mut io::stderr());
            }
            ExitCode::from(statuses.of(&failure))
        }
    }
}

/// Writes one line of prose to standard error.
///
/// A stream that cannot be written (closed, or a full disk behind it) stops no work: there is nobody to
/// be told, and a pod has to run all the same.
pub fn note(err: &mut dyn Write, line: impl fmt::Display) {
    let _ = writeln!(err, "{line}");
}

/// Writes one line of data.
///
/// # Errors
///
/// [`Failure::Output`] when the stream cannot be written.
pub fn say(stream: &mut dyn Write, line: impl fmt::Display) -> Result<(), Failure> {
    writeln!(stream, "{line}").map_err(Failure::Output)
}
