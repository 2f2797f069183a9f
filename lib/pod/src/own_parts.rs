//! What a tool that runs pods needs of itself: our stage1, and names for pods.

use std::io;
use std::path::PathBuf;

use gantry_types::{Diagnostic, Kind, Uuid};

/// A tool lacks what it needs to run pods.
#[derive(Debug, thiserror::Error)]
pub enum OwnPartsError {
    /// The kernel does not say where this program is.
    #[error("cannot find this program")]
    Program {
        /// Why.
        source: io::Error,
    },
    /// stage1 is not there.
    #[error("stage1 is neither at {}", places.join(" nor at "))]
    Stage1 {
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// There is no randomness.
    #[error("no random bytes")]
    Random {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for OwnPartsError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Stage1 { .. } => {
                Some("install this program with the stage1 that was built with it".to_owned())
            }
            Self::Program { .. } | Self::Random { .. } => None,
        }
    }
}

/// Our stage1: beside this program, or where `make install` puts it.
///
/// # Errors
///
/// [`OwnPartsError`] when it is in neither place.
pub fn own_stage1() -> Result<PathBuf, OwnPartsError> {
    let own = std::env::current_exe().map_err(|source| OwnPartsError::Program { source })?;
    let beside = own.with_file_name("stage1");
    let prefix = own.parent().and_then(|folder| folder.parent());
    let installed = prefix.map(|prefix| prefix.join("libexec/gantry/stage1"));
    let places: Vec<PathBuf> = std::iter::once(beside).chain(installed).collect();
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| OwnPartsError::Stage1 {
        places: places
            .iter()
            .map(|place| place.display().to_string())
            .collect(),
    })
}

/// A UUID for a new pod.
///
/// # Errors
///
/// [`OwnPartsError::Random`] when the kernel gives no random bytes.
pub fn new_uuid() -> Result<Uuid, OwnPartsError> {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).map_err(
        |error| OwnPartsError::Random {
            source: error.into(),
        },
    )?;
    Ok(Uuid::from_random_bytes(bytes))
}
