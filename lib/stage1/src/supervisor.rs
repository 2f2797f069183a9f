//! The outer process of a pod: what `rkt run` becomes.
//!
//! It makes the pod's namespaces with init in them, says in the pod directory who it is, passes on
//! requests to stop and ends with the pod's status. The pod cannot outlive it.

use std::ffi::OsString;

use rustix::fs::{Mode, OFlags};
use rustix::process::{
    PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, waitpid,
};

use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Child, Fork, close_on_exec_from, exit_now, fork_into};
use gantry_sys::signal::SignalSet;
use gantry_types::pod_layout;

use crate::arguments::{ArgumentError, Network, RunArguments};
use crate::failed::{Failed, Step as _, report};
use crate::init;
use crate::plan::{self, PlanError};
use crate::seal;
use crate::status::{Exit, SETUP_FAILED};

/// Signals that ask for an orderly stop.
const STOP_SIGNALS: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// A pod did not come to run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The pod directory is not locked for this process.
    #[error("RKT_LOCK_FD names no open descriptor: rkt starts this program, users do not")]
    NoLock,
    /// The manifests cannot be run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Runs the pod in the working directory to its end and returns its status.
pub(crate) fn run(
    arguments: impl Iterator<Item = OsString>,
    lock: Option<OsString>,
) -> Result<u8, RunError> {
    seal::ensure()?;
    let arguments = RunArguments::parse(arguments)?;
    check_lock(lock)?;
    // The lock stays open here and in init for as long as they live; no app gets it, nor anything
    // else that the caller left open.
    close_on_exec_from(3).step(|| "keep descriptors from the pod")?;
    let plans = plan::load(&arguments, &mut |line| report(format_args!("{line}")))?;
    if let Network::Own(networks) = &arguments.network
        && !networks.is_empty()
    {
        let networks = networks.join(",");
        report(format_args!(
            "warning: network {networks} is not set up yet, only loopback"
        ));
    }

    let _ = rustix::thread::set_name(c"stage1");
    let signals = SignalSet::of(&[
        STOP_SIGNALS[0],
        STOP_SIGNALS[1],
        STOP_SIGNALS[2],
        STOP_SIGNALS[3],
        Signal::CHILD,
    ]);
    signals.block().step(|| "block signals")?;
    let own = pidfd_open(getpid(), PidfdFlags::empty()).step(|| "open the supervisor's process")?;
    let child = match clone(namespaces(&arguments)).step(|| "make the pod's namespaces")? {
        Fork::Child => exit_now(init::run(&plans, &arguments, &own, &signals)),
        Fork::Parent(child) => child,
    };
    drop((own, plans));
    // Its only child is PID 1 of the pod, which is what this file says to readers.
    write_ppid()?;
    Ok(wait_for(&child, &signals)?)
}

fn check_lock(lock: Option<OsString>) -> Result<(), RunError> {
    let number: i32 = lock
        .and_then(|number| number.into_string().ok())
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 2)
        .ok_or(RunError::NoLock)?;
    // That it is locked is stage0's business; here it only has to be there.
    if rustix::fs::stat(format!("/proc/self/fd/{number}")).is_err() {
        return Err(RunError::NoLock);
    }
    Ok(())
}

fn namespaces(arguments: &RunArguments) -> Namespaces {
    let mut namespaces = Namespaces::PID | Namespaces::MOUNT | Namespaces::UTS | Namespaces::CGROUP;
    if !arguments.parent_ipc {
        namespaces |= Namespaces::IPC;
    }
    if arguments.network != Network::Host {
        namespaces |= Namespaces::NET;
    }
    namespaces
}

/// Clones, without a cgroup namespace on a kernel that has none.
fn clone(namespaces: Namespaces) -> std::io::Result<Fork> {
    match fork_into(namespaces) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            fork_into(namespaces.without(Namespaces::CGROUP))
        }
        answer => answer,
    }
}

fn write_ppid() -> Result<(), Failed> {
    let name = || format!("write {}", pod_layout::PPID);
    // Whoever reads the file at any moment finds the whole number.
    let staged = format!(".{}", pod_layout::PPID);
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(&staged, flags, Mode::from_raw_mode(0o644)).step(name)?;
    let pid = getpid().as_raw_nonzero().to_string();
    rustix::io::write(&file, pid.as_bytes()).step(name)?;
    rustix::fs::rename(&staged, pod_layout::PPID).step(name)
}

fn wait_for(init: &Child, signals: &SignalSet) -> Result<u8, Failed> {
    let name = || "wait for the pod";
    loop {
        let Some(signal) = signals.wait(None).step(name)? else {
            continue;
        };
        if signal != Signal::CHILD {
            // If init has just ended, its end is what is found next.
            let _ = pidfd_send_signal(&init.pidfd, Signal::TERM);
            continue;
        }
        let Some((_, status)) = waitpid(Some(init.pid), WaitOptions::NOHANG).step(name)? else {
            continue;
        };
        match Exit::of(status) {
            Some(Exit::Status(status)) => return Ok(status),
            Some(Exit::Signal(signal)) => {
                report(format_args!("the pod was killed by signal {signal}"));
                return Ok(SETUP_FAILED);
            }
            None => {}
        }
    }
}
