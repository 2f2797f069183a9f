//! The `gc` entrypoint: gives back what a pod held outside its directory.
//!
//! Mounts and processes of a pod end with its namespaces, however it died. Its control groups stay,
//! and with them whatever of it should still be alive.

use std::ffi::OsString;

use crate::arguments::{ArgumentError, force_and_uuid};
use crate::failed::Failed;
use crate::limits;

/// What a pod held could not be given back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GcError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Gives back what the pod in the working directory held.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), GcError> {
    let (_, uuid) = force_and_uuid(arguments)?;
    Ok(limits::end_recorded(&uuid)?)
}
