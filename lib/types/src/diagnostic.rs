//! Who can mend an error, and what to try next.

/// What kind of failure an error is; it decides the exit status of the new tools and verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The machine, the network or a file is at fault. Exit status 1.
    Environment,
    /// What the user wrote is at fault. Exit status 2.
    Usage,
    /// Trust or integrity said no. Exit status 3.
    Refused,
}

/// An error that knows who can mend it and what to try next.
pub trait Diagnostic: std::error::Error {
    /// Tells who can mend the error.
    fn kind(&self) -> Kind;

    /// Gives the next thing to try, if there is one.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Implements [`Diagnostic`] for errors that are always the user's to mend: bad text in, nothing done.
macro_rules! usage_errors {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::Diagnostic for $name {
            fn kind(&self) -> $crate::Kind {
                $crate::Kind::Usage
            }
        })+
    };
}
pub(crate) use usage_errors;
