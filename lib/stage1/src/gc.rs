//! The `gc` entrypoint: gives back what a pod held outside its directory.
//!
//! Mounts and processes of a pod end with its namespaces, however it died. Its control groups stay,
//! and with them whatever of it should still be alive; so do its networks.

use std::ffi::OsString;

use crate::arguments::{ArgumentError, GcArguments};
use crate::failed::Failed;
use crate::limits;
use crate::net::{self, NetError};

/// What a pod held could not be given back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GcError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// Something of its networks stays.
    #[error(transparent)]
    Network(#[from] NetError),
}

/// Gives back what the pod in the working directory held.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), GcError> {
    let GcArguments { local_config, uuid } = GcArguments::parse(arguments)?;
    // One that fails does not keep the other from being given back.
    let groups = limits::end_recorded(&uuid);
    net::collect(&uuid, &local_config)?;
    Ok(groups?)
}
