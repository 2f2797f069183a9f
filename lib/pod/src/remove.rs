//! Removal of one pod, with all that it left on the host.

use std::ffi::{CString, OsStr};
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use gantry_types::{Diagnostic, Kind, Uuid};

use crate::entrypoint::{self, EntrypointError};
use crate::file;
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::remove_tree::{Leftover, remove_tree};

/// What removal needs to know about the host.
#[derive(Debug, Clone, Copy)]
pub struct RemoveOptions<'a> {
    /// Our stage1 program; its `gc` entrypoint undoes what it did on the host.
    pub stage1: &'a Path,
    /// The directory with the local configuration, handed to stage1.
    pub local_config: &'a Path,
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
            Self::Io { .. } | Self::Leftovers { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Running(uuid) => Some(format!("stop it first with \"rkt stop {uuid}\"")),
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

    /// Deletes a pod that is in a garbage phase and locked by us.
    pub(crate) fn delete(self, options: &RemoveOptions<'_>) -> Result<(), RemoveError> {
        let uuid = self.uuid();
        let io = |action, source| RemoveError::Io {
            action,
            uuid,
            source,
        };
        if self.phase() == Phase::ExitedGarbage {
            let mut local_config = std::ffi::OsString::from("--local-config=");
            local_config.push(options.local_config);
            let mut args = vec![local_config.as_os_str()];
            if options.debug {
                args.insert(0, OsStr::new("--debug"));
            }
            entrypoint::call(options.stage1, &self, "gc", &args)
                .map_err(|source| RemoveError::Entrypoint { uuid, source })?;
        }
        crate::mounts::unmount_below(&self).map_err(|e| io("unmount what is below", e))?;
        // stage1's tree first: as long as the small files are there, an interrupted removal can
        // still be told from a stranger's directory. Source: contract/rkt-ondisk.md 2.1, "sweep".
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
            Ok(())
        } else {
            Err(RemoveError::Leftovers { uuid, entries })
        }
    }
}
