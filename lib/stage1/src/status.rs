//! Exit statuses: what a process leaves, what the pod makes of it, and the file that tells others.

use rustix::fs::{Mode, OFlags};
use rustix::process::WaitStatus;

use gantry_types::pod_layout;

use crate::failed::{Failed, Step as _};

/// The status of our own failures, as rkt's own commands have it. Source: rkt 1.30, rkt/rkt.go.
pub(crate) const SETUP_FAILED: u8 = 254;

/// The status of an app whose program could not be executed. Source: systemd.exec(5), `EXIT_EXEC`.
pub(crate) const EXEC_FAILED: u8 = 203;

/// The directory of status files, from the pod's own root.
pub(crate) const STATUS_DIR: &str = "/rkt/status";

/// The link that says that the pod is ready, from the pod's own root.
const READY_LINK: &str = "/rkt/supervisor-status";

/// How an app ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It returned this status.
    Status(u8),
    /// This signal ended it.
    Signal(u8),
}

impl Exit {
    /// Reads a status of wait(2); `None` if the process has not ended.
    pub(crate) fn of(status: WaitStatus) -> Option<Self> {
        // Both numbers fit: a status has 8 bits, a signal 7.
        let small = |number: i32| u8::try_from(number & 0xff).unwrap_or(u8::MAX);
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Self::Status(small(code))),
            (None, Some(signal)) => Some(Self::Signal(small(signal))),
            (None, None) => None,
        }
    }

    /// The number that the status file and the pod's own exit status have: a signal's own number,
    /// not 128 more, as rkt has always reported it.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Status(number) | Self::Signal(number) => number,
        }
    }
}

/// Writes the status file of `app`, which must be visible only once it is complete, since its
/// existence says that the app has ended.
pub(crate) fn record(app: &str, exit: Exit) -> Result<(), Failed> {
    let name = || format!("write the exit status of app {app}");
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // A name of an app has no leading dot, so the two never meet.
    let staged = format!("{STATUS_DIR}/.{app}");
    let file = rustix::fs::open(&staged, flags, Mode::from_raw_mode(0o644)).step(name)?;
    rustix::io::write(&file, format!("{}\n", exit.number()).as_bytes()).step(name)?;
    rustix::fs::rename(&staged, format!("{STATUS_DIR}/{app}")).step(name)
}

/// Tells readers that the supervisor takes orders: all apps have been started.
pub(crate) fn announce_ready() -> Result<(), Failed> {
    rustix::fs::symlink(pod_layout::SUPERVISOR_READY, READY_LINK)
        .step(|| "say that the pod is ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_counts_with_its_own_number() {
        assert_eq!(Exit::Signal(15).number(), 15);
        assert_eq!(Exit::Status(42).number(), 42);
    }
}
