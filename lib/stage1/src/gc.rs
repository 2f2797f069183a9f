//! The `gc` entrypoint: gives back what a pod held outside its directory.
//!
//! Mounts and processes of a pod end with its namespaces, however it died; nothing else is held yet.

use std::ffi::OsString;

use crate::arguments::{ArgumentError, force_and_uuid};

/// Gives back what the pod in the working directory held.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), ArgumentError> {
    force_and_uuid(arguments).map(drop)
}
