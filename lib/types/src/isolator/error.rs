//! What is wrong with an isolator.

use crate::ac_identifier::AcIdentifier;
use crate::diagnostic::usage_errors;

/// An isolator breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsolatorError {
    /// An app has an isolator that nobody here knows.
    #[error("invalid isolator")]
    Unknown,
    /// There is no value.
    #[error("isolator {0:?} has no value")]
    NoValue(String),
    /// There is one more isolator of a type than there may be. The stray quote is the original's.
    #[error("isolators set contains too many instances of type {0}\"")]
    TooMany(AcIdentifier),
    /// Two isolators exclude each other.
    #[error("isolators set contains incompatible types")]
    Incompatible,
    /// A set of capabilities or system calls is empty.
    #[error("set must be non-empty")]
    EmptySet,
    /// The name of an error does not begin with `E`.
    #[error("errno must start with an 'E' character")]
    ErrnoStart,
    /// The name of an error holds another character.
    #[error("errno can only contain upper case or numeric characters")]
    ErrnoCharacter,
    /// The number is out of range.
    #[error("{name} must be between {low} and {high}, not {value}")]
    Range {
        /// The isolator.
        name: &'static str,
        /// The least allowed.
        low: i64,
        /// The most allowed.
        high: i64,
        /// What was given.
        value: i64,
    },
    /// A part of an SELinux context is empty.
    #[error("SELinux {0} must be non-empty")]
    SelinuxEmpty(&'static str),
    /// A part of an SELinux context holds a colon.
    #[error("SELinux {0} must not contain a colon")]
    SelinuxColon(&'static str),
    /// There is no profile.
    #[error("AppArmor profile must be non-empty")]
    ApparmorEmpty,
    /// `default` is true where a request and a limit are meant.
    #[error("default must be false")]
    DefaultTrue,
    /// `default` is not true where one limit for all devices is meant.
    #[error("default must be true")]
    DefaultFalse,
    /// There is a request where there can only be a limit.
    #[error("request not supported by this resource, must be empty")]
    Request,
}
usage_errors!(IsolatorError);
