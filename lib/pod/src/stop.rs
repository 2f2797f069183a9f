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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Phase;
    use crate::sample::{Sample, uuid};

    #[test]
    fn only_a_running_pod_is_stopped() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        let mut owner = sample.pods.create(uuid(1)).unwrap();
        let open = || sample.pods.get(uuid(1)).unwrap().unwrap();
        let error = open().stop(&stage1, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("pod \"{}\" is not running", uuid(1))
        );
        owner.move_to(Phase::Run).unwrap();
        assert_eq!(open().stop(&stage1, false).unwrap(), Stopped::Asked);
        assert_eq!(open().stop(&stage1, true).unwrap(), Stopped::Asked);
        let dir = open().path();
        let (dir, uuid) = (dir.display(), uuid(1));
        assert_eq!(
            sample.calls(),
            format!("stop {uuid} in {dir}\nstop --force {uuid} in {dir}\n")
        );
        std::fs::write(sample.temp.path().join("fail"), "").unwrap();
        assert!(matches!(
            open().stop(&stage1, false),
            Err(StopError::Entrypoint { .. })
        ));
        drop(owner);
        assert_eq!(open().stop(&stage1, false).unwrap(), Stopped::Already);
    }
}
