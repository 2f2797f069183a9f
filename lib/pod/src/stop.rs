//! Stopping a running pod.

use std::ffi::OsStr;
use std::path::Path;

use gantry_types::{Diagnostic, Kind, Uuid};

use crate::entrypoint::{self, EntrypointError};
use crate::phase::State;
use crate::pod::Pod;

/// What [`Pod::stop`] found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// stage1 was asked to stop the pod, and agreed. The pod may need a while to end.
    Asked,
    /// The pod had ended before.
    Already,
}

/// A pod could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It never ran, or is not running yet.
    #[error("pod \"{0}\" is not running")]
    NotRunning(Uuid),
    /// stage1 could not be asked, or refused.
    #[error("cannot stop pod \"{uuid}\"")]
    Entrypoint {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: EntrypointError,
    },
}

impl Diagnostic for StopError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotRunning(_) => Kind::Usage,
            Self::Entrypoint { source, .. } => source.kind(),
        }
    }
}

impl Pod {
    /// Asks stage1 to stop the pod in an orderly way, or to kill it with `force`.
    ///
    /// # Errors
    ///
    /// [`StopError`]; a pod that ended by itself is none.
    pub fn stop(&mut self, stage1: &Path, force: bool) -> Result<Stopped, StopError> {
        match self.state() {
            State::Running => {}
            state if state.has_exited() => return Ok(Stopped::Already),
            _ => return Err(StopError::NotRunning(self.uuid())),
        }
        let args: &[&OsStr] = if force { &[OsStr::new("--force")] } else { &[] };
        match entrypoint::call(stage1, self, "stop", args) {
            Ok(()) => Ok(Stopped::Asked),
            // The pod may have ended while stage1 looked for its process.
            Err(_) if self.refresh().is_err() || self.state().has_exited() => Ok(Stopped::Already),
            Err(source) => Err(StopError::Entrypoint {
                uuid: self.uuid(),
                source,
            }),
        }
    }
}
