//! Where a pod stands in its life: the directory it lies in, and whether somebody holds its lock.

use std::fmt;

/// One of the six directories under `pods/`. A pod moves only forward through them.
///
/// Source: rkt 1.30, Documentation/devel/pod-lifecycle.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Created, not locked yet; holds nothing but an empty directory.
    Embryo,
    /// Being filled by the process that holds its lock.
    Prepare,
    /// Complete, waiting to be run.
    Prepared,
    /// Handed to stage1, which holds the lock as long as the pod lives.
    Run,
    /// Ended, and marked for collection by the change time of its directory.
    ExitedGarbage,
    /// Never ran, and marked for collection.
    Garbage,
}

impl Phase {
    /// All phases in the order in which a pod passes them.
    ///
    /// Who looks through them in this order cannot miss a pod that is being renamed meanwhile.
    pub const ALL: [Self; 6] = [
        Self::Embryo,
        Self::Prepare,
        Self::Prepared,
        Self::Run,
        Self::ExitedGarbage,
        Self::Garbage,
    ];

    /// The name of the directory under `pods/`.
    #[must_use]
    pub fn dir_name(self) -> &'static str {
        match self {
            Self::Embryo => "embryo",
            Self::Prepare => "prepare",
            Self::Prepared => "prepared",
            Self::Run => "run",
            Self::ExitedGarbage => "exited-garbage",
            Self::Garbage => "garbage",
        }
    }

    /// What the phase means together with the lock.
    #[must_use]
    pub fn state(self, locked: bool) -> State {
        match (self, locked) {
            (Self::Embryo, _) => State::Embryo,
            (Self::Prepare, true) => State::Preparing,
            (Self::Prepare, false) => State::AbortedPrepare,
            (Self::Prepared, _) => State::Prepared,
            (Self::Run, true) => State::Running,
            (Self::Run, false) => State::Exited,
            (Self::ExitedGarbage, true) => State::ExitedDeleting,
            (Self::ExitedGarbage, false) => State::ExitedGarbage,
            (Self::Garbage, true) => State::Deleting,
            (Self::Garbage, false) => State::Garbage,
        }
    }
}

/// The state of a pod as `rkt list` and `rkt status` name it.
///
/// Source: rkt 1.30, Documentation/devel/pod-lifecycle.md; pkg/pod/pods.go for the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Just created.
    Embryo,
    /// Somebody is filling it.
    Preparing,
    /// Whoever was filling it died.
    AbortedPrepare,
    /// Waiting to be run.
    Prepared,
    /// Its stage1 is alive.
    Running,
    /// It ended, in whatever way.
    Exited,
    /// It ran, and is being removed.
    ExitedDeleting,
    /// It ran, and waits for removal.
    ExitedGarbage,
    /// It never ran, and is being removed.
    Deleting,
    /// It never ran, and waits for removal.
    Garbage,
}

impl State {
    /// The word printed; both kinds of deleting read the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embryo => "embryo",
            Self::Preparing => "preparing",
            Self::AbortedPrepare => "aborted prepare",
            Self::Prepared => "prepared",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::ExitedDeleting | Self::Deleting => "deleting",
            Self::ExitedGarbage => "exited garbage",
            Self::Garbage => "garbage",
        }
    }

    /// Whether the pod was handed to a stage1 once, and has ended since.
    #[must_use]
    pub fn has_exited(self) -> bool {
        matches!(
            self,
            Self::Exited | Self::ExitedDeleting | Self::ExitedGarbage
        )
    }

    /// Whether nothing more will happen to the pod but its removal: it has exited, or will never run.
    #[must_use]
    pub fn is_finished(self) -> bool {
        self.has_exited() || matches!(self, Self::AbortedPrepare | Self::Deleting | Self::Garbage)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_and_lock_has_rkts_name() {
        let table = [
            (Phase::Embryo, "embryo", "embryo", "embryo"),
            (Phase::Prepare, "prepare", "preparing", "aborted prepare"),
            (Phase::Prepared, "prepared", "prepared", "prepared"),
            (Phase::Run, "run", "running", "exited"),
            (
                Phase::ExitedGarbage,
                "exited-garbage",
                "deleting",
                "exited garbage",
            ),
            (Phase::Garbage, "garbage", "deleting", "garbage"),
        ];
        for (phase, dir, locked, free) in table {
            assert_eq!(phase.dir_name(), dir);
            assert_eq!(phase.state(true).as_str(), locked);
            assert_eq!(phase.state(false).as_str(), free);
        }
    }
}
