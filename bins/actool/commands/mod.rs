//! The commands of actool: arguments, help, and a short `run` each.

pub(crate) mod build;
pub(crate) mod cat_manifest;
pub(crate) mod discover;
pub(crate) mod help;
pub(crate) mod validate;
pub(crate) mod version;
