//! Removal of one pod, with all that it left on the host.

use std::ffi::{CString, OsStr};
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use gantry_sys::remove_tree::{Leftover, remove_tree};
use gantry_types::{Diagnostic, Kind, Uuid};

use crate::entrypoint::{self, EntrypointError};
use crate::file;
use crate::metadata::{Registrar, RegistrationError};
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::users::Reservation;

/// What removal needs to know about the host.
#[derive(Debug, Clone, Copy)]
pub struct RemoveOptions<'a> {
    /// Our stage1 program; its `gc` entrypoint undoes what it did on the host.
    pub stage1: &'a Path,
    /// The directory with the local configuration, handed to stage1.
    pub local_config: &'a Path,
    /// The metadata service, which must not know a pod that is gone.
    pub registrar: &'a Registrar,
    /// Makes stage1 say what it does.
    pub debug: bool,
}

/// A pod could not be removed, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Its stage1 is alive.
    #[error("pod \"{0}\" is currently running")]
    Running(Uuid),
    /// Somebody is preparing it.
    #[error("pod \"{0}\" is currently being prepared")]
    Preparing(Uuid),
    /// Somebody else is removing it.
    #[error("pod \"{0}\" is currently being deleted")]
    Deleting(Uuid),
    /// stage1 could not undo what it did on the host.
    #[error("stage1 cannot clean up pod \"{uuid}\"")]
    Entrypoint {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: EntrypointError,
    },
    /// A step failed.
    #[error("cannot {action} pod \"{uuid}\"")]
    Io {
        /// The step.
        action: &'static str,
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: io::Error,
    },
    /// The pod is gone, and the metadata service did not hear of it.
    #[error("the metadata service still knows pod \"{uuid}\", which is removed")]
    StillKnown {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: RegistrationError,
    },
    /// Some entries stay.
    #[error("cannot remove all of pod \"{uuid}\"{}", list(entries))]
    Leftovers {
        /// The pod.
        uuid: Uuid,
        /// The entries, relative to the phase directory; not more than a few.
        entries: Vec<Leftover>,
    },
}

fn list(entries: &[Leftover]) -> String {
    entries.iter().fold(String::new(), |mut text, entry| {
        let _ = write!(text, "; {}: {}", entry.path.display(), entry.source);
        text
    })
}

impl Diagnostic for RemoveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Running(_) | Self::Preparing(_) | Self::Deleting(_) => Kind::Usage,
            Self::Entrypoint { source, .. } => source.kind(),
            Self::Io { .. } | Self::Leftovers { .. } | Self::StillKnown { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Running(uuid) => Some(format!("stop it first with \"rkt stop {uuid}\"")),
            Self::StillKnown { .. } => Some(
                "start the metadata service again: it then knows only pods that are there".to_owned(),
            ),
            Self::Leftovers { .. } => Some(
                "unmount what is busy, or clear the immutable flag with \"chattr -i\", and run \"rkt gc\""
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl Pod {
    /// Removes the pod: marks it as garbage, lets stage1 clean up, unmounts and deletes.
    ///
    /// Every step can be repeated, so a removal that was interrupted is finished by the next one.
    /// Needs no free space.
    ///
    /// # Errors
    ///
    /// [`RemoveError`] if the pod is in use or something of it stays.
    pub fn remove(mut self, options: &RemoveOptions<'_>) -> Result<(), RemoveError> {
        let uuid = self.uuid();
        match self.state() {
            State::Running => return Err(RemoveError::Running(uuid)),
            State::Preparing => return Err(RemoveError::Preparing(uuid)),
            State::Deleting | State::ExitedDeleting => return Err(RemoveError::Deleting(uuid)),
            State::Embryo
            | State::AbortedPrepare
            | State::Prepared
            | State::Exited
            | State::ExitedGarbage
            | State::Garbage => {}
        }
        let io = |action, source| RemoveError::Io {
            action,
            uuid,
            source,
        };
        if !self.try_lock().map_err(|e| io("lock", e))? {
            return Err(match self.phase() {
                Phase::Run | Phase::Prepared => RemoveError::Running(uuid),
                Phase::Embryo | Phase::Prepare => RemoveError::Preparing(uuid),
                Phase::ExitedGarbage | Phase::Garbage => RemoveError::Deleting(uuid),
            });
        }
        match self.phase() {
            Phase::Run => self
                .move_to(Phase::ExitedGarbage)
                .map_err(|e| io("mark", e))?,
            Phase::Embryo | Phase::Prepare | Phase::Prepared => {
                self.move_to(Phase::Garbage).map_err(|e| io("mark", e))?;
            }
            Phase::ExitedGarbage | Phase::Garbage => {}
        }
        self.delete(options)
    }

    /// Takes down the networks of a pod that has ended, and stays; `false` if somebody else has it just now.
    ///
    /// # Errors
    ///
    /// [`RemoveError`] if stage1 cannot.
    pub fn take_down_networks(mut self, options: &RemoveOptions<'_>) -> Result<bool, RemoveError> {
        let uuid = self.uuid();
        let lock = |source| RemoveError::Io {
            action: "lock",
            uuid,
            source,
        };
        if !self.state().has_exited() || !self.try_lock().map_err(lock)? {
            return Ok(false);
        }
        self.clean_up(options).map(|()| true)
    }

    /// Lets stage1 undo what it did on the host.
    fn clean_up(&self, options: &RemoveOptions<'_>) -> Result<(), RemoveError> {
        let mut local_config = std::ffi::OsString::from("--local-config=");
        local_config.push(options.local_config);
        let mut args = vec![local_config.as_os_str()];
        if options.debug {
            args.insert(0, OsStr::new("--debug"));
        }
        let uuid = self.uuid();
        entrypoint::call(options.stage1, self, "gc", &args)
            .map_err(|source| RemoveError::Entrypoint { uuid, source })
    }

    /// Deletes a pod that is in a garbage phase and locked by us.
    pub(crate) fn delete(self, options: &RemoveOptions<'_>) -> Result<(), RemoveError> {
        let uuid = self.uuid();
        let io = |action, source| RemoveError::Io {
            action,
            uuid,
            source,
        };
        if self.phase() == Phase::ExitedGarbage {
            self.clean_up(options)?;
        }
        // As long as the pod's directory says that it is known.
        let unregistered = options.registrar.unregister(&self);
        let users = self.reservation();
        crate::mounts::unmount_below(&self).map_err(|e| io("unmount what is below", e))?;
        // stage1's tree first: as long as the small files are there, an interrupted removal can
        // still be told from a stranger's directory.
        let mut entries = match file::open_dir(self.as_fd(), "stage1") {
            Ok(stage1) => remove_tree(stage1.as_fd(), c"rootfs"),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Vec::new()
            }
            Err(e) => return Err(io("open stage1 of", e)),
        };
        if entries.is_empty() {
            let parent: BorrowedFd<'_> = self.parent().map_err(|e| io("find", e))?;
            let name = CString::new(uuid.to_string()).map_err(|e| io("name", e.into()))?;
            entries = remove_tree(parent, &name);
        }
        if entries.is_empty() {
            users.into_iter().for_each(Reservation::give_back);
            unregistered.map_err(|source| RemoveError::StillKnown { uuid, source })
        } else {
            Err(RemoveError::Leftovers { uuid, entries })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Sample, gc_options, uuid};

    #[test]
    fn pods_in_use_are_refused() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        let options = gc_options(&stage1).remove;
        let remove = || sample.pods.get(uuid(1)).unwrap().unwrap().remove(&options);
        let mut owner = sample.pods.create(uuid(1)).unwrap();
        for (phase, words) in [
            (Phase::Prepare, "prepared"),
            (Phase::Run, "running"),
            (Phase::ExitedGarbage, "deleted"),
        ] {
            if phase != Phase::Prepare {
                owner.move_to(phase).unwrap();
            }
            let text = remove().unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("pod \"{}\" is currently", uuid(1))),
                "{text}"
            );
            assert!(text.ends_with(words), "{text}");
        }
        drop(owner);
        remove().unwrap();
        assert!(sample.calls().starts_with("gc --local-config=/etc/rkt "));
        assert!(sample.pods.get(uuid(1)).unwrap().is_none());
    }

    #[test]
    fn a_pod_in_any_idle_phase_is_removed_and_stage1_cleans_only_what_ran() {
        for phase in Phase::ALL {
            let sample = Sample::new();
            let stage1 = sample.stage1();
            let mut owner = sample.pods.create(uuid(2)).unwrap();
            file::create(
                owner.as_fd(),
                std::path::Path::new("pod"),
                0o640,
                b"not json",
            )
            .unwrap();
            if phase != Phase::Prepare {
                owner.move_to(phase).unwrap();
            }
            drop(owner);
            let mut pod = sample.pods.get(uuid(2)).unwrap().unwrap();
            // A program that another test starts just now holds a copy of the lock until its exec.
            pod.wait_unlocked(None).unwrap();
            pod.refresh().unwrap();
            assert_eq!(pod.phase(), phase);
            pod.remove(&gc_options(&stage1).remove).unwrap();
            let ran = matches!(phase, Phase::Run | Phase::ExitedGarbage);
            assert_eq!(!sample.calls().is_empty(), ran, "{phase:?}");
            for phase in Phase::ALL {
                assert!(sample.phase(phase.dir_name()).is_empty());
            }
        }
    }

    #[test]
    fn a_pod_that_stage1_cannot_clean_stays_and_is_removed_later() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        let options = gc_options(&stage1).remove;
        sample
            .pods
            .create(uuid(3))
            .unwrap()
            .move_to(Phase::Run)
            .unwrap();
        let fail = sample.temp.path().join("fail");
        std::fs::write(&fail, "").unwrap();
        let error = sample
            .pods
            .get(uuid(3))
            .unwrap()
            .unwrap()
            .remove(&options)
            .unwrap_err();
        assert!(matches!(error, RemoveError::Entrypoint { .. }), "{error}");
        assert_eq!(sample.phase("exited-garbage").len(), 1);
        std::fs::remove_file(fail).unwrap();
        sample
            .pods
            .get(uuid(3))
            .unwrap()
            .unwrap()
            .remove(&options)
            .unwrap();
        assert!(sample.phase("exited-garbage").is_empty());
    }
}
