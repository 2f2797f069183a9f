//! The commands of actool: arguments, help, and a short `run` each.

pub(crate) mod discover;
pub(crate) mod help;
pub(crate) mod version;
