//! Shows keys and asks about them.

use gantry_cli::{Context, note};
use gantry_ops::trust::{KeyReview, PROMPT, PROMPT_AGAIN, ReviewError, Reviewer};

/// Shows keys on the streams of a command and asks on its terminal.
pub(crate) struct Terminal<'a, 'c> {
    pub(crate) context: &'a mut Context<'c>,
}

impl Reviewer for Terminal<'_, '_> {
    fn show(&mut self, review: &KeyReview) {
        note(self.context.err, review.heading());
        // What is shown is prose here: the data of `add` is the path of the file.
        note(self.context.err, review.details());
        if let Some(warning) = &review.warning {
            note(self.context.err, warning);
        }
    }

    fn ask(&mut self, _review: &KeyReview) -> Result<bool, ReviewError> {
        ask(self.context, PROMPT)
    }

    fn note(&mut self, line: &str) {
        note(self.context.err, line);
    }

    fn tell(&mut self, line: &str) {
        note(self.context.err, line);
    }
}

/// Asks a question whose answers are `yes` and `no`.
///
/// # Errors
///
/// [`ReviewError`] if nobody can be asked.
pub(crate) fn ask(context: &mut Context<'_>, question: &str) -> Result<bool, ReviewError> {
    if !context.can_ask {
        return Err(ReviewError::NoTerminal);
    }
    context
        .ask(question, PROMPT_AGAIN)
        .map_err(|source| ReviewError::Input { source })
}
