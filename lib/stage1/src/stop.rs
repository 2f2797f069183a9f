//! The `stop` entrypoint: asks a pod to end, or ends it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use gantry_types::pod_layout;

use crate::arguments::{ArgumentError, force_and_uuid};
use crate::failed::{Failed, Step as _};

/// A pod could not be told to stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The file is not there or holds no process number.
    #[error(
        "pod {uuid} has no supervisor: {} holds no process number",
        pod_layout::PPID
    )]
    NoSupervisor { uuid: String },
    /// The process that has the number now is another.
    #[error("pod {uuid} is not running: process {pid} is not its supervisor")]
    NotRunning { uuid: String, pid: i32 },
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Stops the pod in the working directory: TERM to the supervisor, or KILL to PID 1 by force.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), StopError> {
    let (force, uuid) = force_and_uuid(arguments)?;
    let no_supervisor = || StopError::NoSupervisor { uuid: uuid.clone() };
    let text = read_ppid().map_err(|_| no_supervisor())?;
    let pid = text
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(no_supervisor)?;
    let not_running = || StopError::NotRunning {
        uuid: uuid.clone(),
        pid: pid.as_raw_nonzero().get(),
    };
    let supervisor = supervisor(pid).ok_or_else(not_running)?;
    let signalled = if force {
        match only_child(pid) {
            // It lives until its supervisor has taken note of its end, so the number still is its
            // own if the supervisor is alive after the descriptor was opened.
            Some((init, number)) if only_child(pid).is_some_and(|(_, again)| again == number) => {
                pidfd_send_signal(&init, Signal::KILL)
            }
            // Not yet started, or about to end: then its end is the pod's.
            _ => pidfd_send_signal(&supervisor, Signal::KILL),
        }
    } else {
        pidfd_send_signal(&supervisor, Signal::TERM)
    };
    match signalled {
        // It ended meanwhile, which is what was wanted.
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => Ok(other.step(|| format!("signal pod {uuid}"))?),
    }
}

/// Reads the file that a supervisor writes first of all, waiting for one that is only just starting.
fn read_ppid() -> io::Result<String> {
    for _ in 0..STARTING_ATTEMPTS {
        match std::fs::read_to_string(pod_layout::PPID) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::thread::sleep(STARTING_PAUSE);
            }
            answer => return answer,
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// How often, and in which distance, a file is looked for that a starting supervisor will write.
const STARTING_ATTEMPTS: u32 = 100;
const STARTING_PAUSE: Duration = Duration::from_millis(10);

/// A descriptor of the process `pid`, if that is the supervisor of the pod in this directory.
///
/// A supervisor never leaves the pod directory, and nothing else has that as working directory and
/// runs this program. The descriptor is opened first, so that what is then found under the number
/// is what the descriptor stands for, or the signal goes nowhere.
pub(crate) fn supervisor(pid: Pid) -> Option<OwnedFd> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let number = pid.as_raw_nonzero();
    let theirs = rustix::fs::stat(format!("/proc/{number}/cwd")).ok()?;
    let ours = rustix::fs::stat(".").ok()?;
    let comm = std::fs::read_to_string(format!("/proc/{number}/comm")).ok()?;
    let same = (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino);
    (same && comm.trim_end() == "stage1").then_some(pidfd)
}

/// A descriptor and the number of the only child of a process.
pub(crate) fn only_child(pid: Pid) -> Option<(OwnedFd, Pid)> {
    let number = pid.as_raw_nonzero();
    let path = format!("/proc/{number}/task/{number}/children");
    let children = read(&path).ok()?;
    let child = Pid::from_raw(children.split_ascii_whitespace().next()?.parse().ok()?)?;
    Some((pidfd_open(child, PidfdFlags::empty()).ok()?, child))
}

fn read(path: &str) -> io::Result<String> {
    let file = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    io::read_to_string(std::fs::File::from(file))
}
