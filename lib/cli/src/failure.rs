//! How a command fails: what is printed, and the exit status.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use gantry_types::show::one_line;
use gantry_types::{Diagnostic, Kind};

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// An operation failed and knows who can fix it.
    Diagnosed(Box<dyn Diagnostic + Send + Sync>),
    /// The command itself refuses; there is no deeper cause.
    Message {
        /// Who can fix it.
        kind: Kind,
        /// What is wrong, without the command's name.
        text: String,
        /// The next thing to try.
        hint: Option<String>,
    },
    /// The same, where the original has an exit status of its own for it.
    Coded {
        /// The exit status.
        status: u8,
        /// What is wrong, without the command's name.
        text: String,
    },
    /// Standard output could not be written.
    Output(io::Error),
    /// Everything has been said already; only the exit status is left.
    Status(u8),
}

impl Failure {
    /// The command line is wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Message {
            kind: Kind::Usage,
            text: text.into(),
            hint: None,
        }
    }

    /// The machine or the arguments' objects do not allow it.
    pub fn environment(text: impl Into<String>) -> Self {
        Self::Message {
            kind: Kind::Environment,
            text: text.into(),
            hint: None,
        }
    }

    /// Adds the next thing to try to a message.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Message { kind, text, .. } => Self::Message {
                kind,
                text,
                hint: Some(hint.into()),
            },
            other => other,
        }
    }

    /// The message as one line: from the outermost text to the innermost cause, nothing twice.
    fn summary(&self) -> String {
        match self {
            Self::Diagnosed(error) => one_line(&**error),
            Self::Message { text, .. } | Self::Coded { text, .. } => text.clone(),
            Self::Output(error) => format!("cannot write to standard output: {error}"),
            Self::Status(_) => String::new(),
        }
    }

    /// The next thing to try, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Diagnosed(error) => error.hint(),
            Self::Message { hint, .. } => hint.clone(),
            Self::Coded { .. } | Self::Output(_) | Self::Status(_) => None,
        }
    }
}

impl<E: Diagnostic + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Diagnosed(Box::new(error))
    }
}

/// The exit statuses of one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    /// For [`Kind::Environment`].
    pub environment: u8,
    /// For [`Kind::Usage`].
    pub usage: u8,
    /// For [`Kind::Refused`].
    pub refused: u8,
}

impl Statuses {
    /// New tools and new verbs: 1 environment, 2 usage, 3 refused by trust or integrity.
    pub const NEW: Self = Self {
        environment: 1,
        usage: 2,
        refused: 3,
    };
    /// rkt's verbs: every failure of rkt's own is 254.
    pub const RKT: Self = Self {
        environment: 254,
        usage: 254,
        refused: 254,
    };
    /// acbuild and actool: any failure of an operation is 1.
    pub const ONE: Self = Self {
        environment: 1,
        usage: 1,
        refused: 1,
    };

    /// The exit status for `failure`.
    pub fn of(self, failure: &Failure) -> u8 {
        let kind = match failure {
            Failure::Diagnosed(error) => error.kind(),
            Failure::Message { kind, .. } => *kind,
            Failure::Output(_) => Kind::Environment,
            Failure::Coded { status, .. } | Failure::Status(status) => return *status,
        };
        match kind {
            Kind::Environment => self.environment,
            Kind::Usage => self.usage,
            Kind::Refused => self.refused,
        }
    }
}

/// Prints `failure` to `err`: `COMMAND: message: … innermost cause`, then the hint.
///
/// With `debug` every level of the chain is shown as a tree, one `└─` per level, as rkt does. A broken
/// pipe on standard output is not reported: the reader has gone and knows.
pub fn report(command: &str, failure: &Failure, debug: bool, err: &mut dyn Write) {
    match failure {
        Failure::Status(_) => return,
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
        _ => {}
    }
    let text = match failure {
        Failure::Diagnosed(error) if debug => tree(error.as_ref()),
        other => other.summary(),
    };
    let prefix = if command.is_empty() {
        String::new()
    } else {
        format!("{command}: ")
    };
    // Nothing is left to be done when standard error itself is gone.
    let _ = writeln!(err, "{prefix}{text}");
    if let Some(hint) = failure.hint() {
        let _ = writeln!(err, "hint: {hint}");
    }
}

fn tree(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut level = 0;
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!("\n{:indent$}└─{cause}", "", indent = level * 2));
        level += 1;
        next = cause.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read key file a.asc")]
    struct Outer {
        source: Middle,
    }
    #[derive(Debug, thiserror::Error)]
    #[error("cannot open it")]
    struct Middle {
        source: io::Error,
    }
    impl Diagnostic for Outer {
        fn kind(&self) -> Kind {
            Kind::Refused
        }
        fn hint(&self) -> Option<String> {
            Some("try another file".to_owned())
        }
    }

    fn failure() -> Failure {
        Outer {
            source: Middle {
                source: io::Error::other("disk on fire"),
            },
        }
        .into()
    }

    fn printed(failure: &Failure, debug: bool) -> String {
        let mut text = Vec::new();
        report("fetch", failure, debug, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_failure_prints_its_chain_once_and_the_hint() {
        assert_eq!(
            printed(&failure(), false),
            "fetch: cannot read key file a.asc: cannot open it: disk on fire\n\
             hint: try another file\n"
        );
    }

    #[test]
    fn debug_prints_the_chain_as_a_tree() {
        assert_eq!(
            printed(&failure(), true),
            "fetch: cannot read key file a.asc\n└─cannot open it\n  └─disk on fire\n\
             hint: try another file\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_not_reported_but_fails() {
        let failure = Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(printed(&failure, false), "");
        assert_eq!(Statuses::RKT.of(&failure), 254);
    }

    #[test]
    fn statuses_follow_the_kind() {
        assert_eq!(Statuses::NEW.of(&failure()), 3);
        assert_eq!(Statuses::RKT.of(&failure()), 254);
        assert_eq!(Statuses::NEW.of(&Failure::usage("x")), 2);
        assert_eq!(Statuses::NEW.of(&Failure::Status(7)), 7);
    }
}
