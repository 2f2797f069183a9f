//! The outer process of a pod: what `rkt run` becomes.
//!
//! It makes the pod's namespaces with init in them, says in the pod directory who it is, passes on
//! requests to stop and ends with the pod's status. The pod cannot outlive it.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal,
    set_dumpable_behavior, waitpid,
};

use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{
    Child, Fork, close_inherited, close_on_exec_from, exit_now, fork_into, take_inherited,
};
use gantry_sys::signal::SignalSet;
use gantry_types::pod_layout;

use crate::activation::{self, Announced};
use crate::arguments::{ArgumentError, Network, RunArguments};
use crate::failed::{Chain, Failed, Step as _, report};
use crate::init;
use crate::io::outside::Outside;
use crate::io::terminal::RawTerminal;
use crate::limits::{LimitError, PodGroups};
use crate::machined::Machine;
use crate::metadata::{self, Access};
use crate::net::{Gate, Joined, NetError, Networks, Watch, Word as Joint};
use crate::notify::{self, FromInit, Notifier, Readiness, Word};
use crate::plan::{self, PlanError};
use crate::seal;
use crate::status::{Exit, SETUP_FAILED};
use crate::users::Private;

/// Signals that ask for an orderly stop, those that are the apps' own affair, and those that tell of the end
/// of a child and of a new size of the terminal.
pub(crate) const SIGNALS: [Signal; 8] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::CHILD,
    Signal::WINCH,
];

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
    /// The limits cannot be set.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// The pod gets no network.
    #[error("failed to setup network")]
    Network(#[from] NetError),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Runs the pod in the working directory to its end and returns its status.
pub(crate) fn run(
    arguments: impl Iterator<Item = OsString>,
    lock: Option<OsString>,
    terminal: String,
) -> Result<u8, RunError> {
    let lock = take_lock(lock)?;
    seal::ensure()?;
    let variable = |name| std::env::var(name).ok();
    let own_pid = getpid().as_raw_nonzero().get().unsigned_abs();
    let mut arguments = RunArguments::parse(arguments)?;
    arguments.watchdog = notify::watchdog(
        variable("WATCHDOG_USEC").as_deref(),
        variable("WATCHDOG_PID").as_deref(),
        own_pid,
    );
    arguments.terminal = arguments.interactive.then_some(terminal);
    // Nothing in the pod may look into or trace this process, or what it forks, before its exec.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step(|| "keep the pod from tracing")?;
    // The lock stays open here and in init; no app gets it, nor anything else that the caller left.
    let (count, pid, names) = (
        variable("LISTEN_FDS"),
        variable("LISTEN_PID"),
        variable("LISTEN_FDNAMES"),
    );
    let announced = Announced {
        count: count.as_deref(),
        pid: pid.as_deref(),
        names: names.as_deref(),
    };
    let sockets = announced.take(own_pid, &lock)?;
    let count = u32::try_from(sockets.len()).unwrap_or(u32::MAX);
    close_inherited(count, lock.as_fd()).step(|| "close descriptors of the caller")?;
    close_on_exec_from(3).step(|| "keep descriptors from the pod")?;
    let warn = &mut |line: String| report(format_args!("{line}"));
    let mut plan = plan::load(&arguments, warn)?;
    activation::distribute(sockets, &announced, &mut plan.apps, warn);
    let access = Access::of(&arguments)?;
    if let (Some(access), Network::Host) = (&access, &arguments.network) {
        metadata::tell(&access.announce(metadata::LOOPBACK)?, &mut plan.apps);
    }
    let mut networks = Networks::plan(&arguments, warn)?;
    let gate = networks.as_ref().map(|_| Gate::new()).transpose()?;

    let mut groups = PodGroups::make(&plan, &arguments.uuid, warn)?;
    let _ = rustix::thread::set_name(c"stage1");
    let signals = SignalSet::of(&SIGNALS);
    signals.block().step(|| "block signals")?;
    let own = pidfd_open(getpid(), PidfdFlags::empty()).step(|| "open the supervisor's process")?;
    let (to_supervisor, from_init) = notify::channel().step(|| "make a channel")?;
    let shared = to_supervisor.share().step(|| "make a channel")?;
    let readiness = Readiness::new(shared, arguments.watchdog);
    let notifier = Notifier::new(variable("NOTIFY_SOCKET").as_deref());
    let journal_stream = variable("JOURNAL_STREAM");
    let outside = Outside::open(&plan.apps, &arguments, journal_stream.as_deref())?;
    // From here to the end of the pod; init has a copy that it never drops.
    let raw = plan.apps.iter().any(|app| app.modes.has_callers_terminal());
    let raw = raw.then(RawTerminal::new).transpose()?;
    // Once there is a child it is PID 1 of the pod, which is what this file says to readers; who
    // reads it before may already ask for a stop. If it cannot be written nothing was started.
    if let Some(networks) = &networks {
        // Whoever then sees this pod run, and wants ports of the host, sees that it has networks.
        networks.record()?;
    }
    write_ppid()?;
    let private = arguments
        .private_users
        .map(|range| Private::prepare(&plan.apps, &arguments, range))
        .transpose()?;
    let child = match fork_into(namespaces(&arguments)).step(|| "make the pod's namespaces")? {
        Fork::Child => {
            drop(from_init);
            let mut lock = Some(lock);
            let status = init::run(
                &mut plan.apps,
                &mut groups,
                &arguments,
                own,
                &mut lock,
                &signals,
                (outside, readiness, gate, private),
            );
            // Once the supervisor is gone too, the pod counts as exited.
            drop(lock);
            to_supervisor.end(status);
            exit_now(status)
        }
        Fork::Parent(child) => {
            private
                .map(|private| private.admit(child.pid))
                .transpose()?;
            child
        }
    };
    drop((own, plan, to_supervisor, readiness, outside));
    if let (Some(networks), Some(gate)) = (&mut networks, gate) {
        let watch = Watch {
            signals: Some(&signals),
            lock: Some(lock.as_fd()),
        };
        let joined = networks.attach(child.pid, watch);
        let word = joined.map_err(RunError::from).and_then(|joined| {
            word(joined, access.as_ref()).inspect_err(|_| {
                let watch = Watch {
                    signals: None,
                    ..watch
                };
                if let Err(error) = networks.detach(watch) {
                    report(format_args!("{}", Chain(&error)));
                }
            })
        });
        match word {
            Ok(word) => gate.open(&word),
            Err(error) => {
                // Nothing of the pod may be left when its lock is gone; no app has started yet.
                let _ = pidfd_send_signal(&child.pidfd, Signal::KILL);
                let _ = waitpid(Some(child.pid), WaitOptions::empty());
                return Err(error);
            }
        }
    }
    let machine = Machine::register(&arguments.uuid, child.pid);
    let status = wait_for(&child, &from_init, &signals, notifier.as_ref());
    drop(raw);
    if let Some(machine) = machine {
        machine.end();
    }
    let mut lock = Some(lock);
    if let Some(networks) = &networks {
        networks.finish(&mut lock);
    }
    // By now all apps have been reaped, and the groups go before the lock.
    drop(groups);
    Ok(status?)
}

/// What init has to know of the networks.
fn word(joined: Joined, access: Option<&Access>) -> Result<Joint, RunError> {
    let url = |access: &Access| {
        let host = joined.host.ok_or(NetError::NoHost)?;
        Ok::<_, RunError>(access.announce(host)?)
    };
    Ok(Joint {
        metadata_url: access.map(url).transpose()?,
        resolv_conf: joined.resolv_conf,
    })
}

fn take_lock(number: Option<OsString>) -> Result<OwnedFd, RunError> {
    // That it is locked is stage0's business; here it only has to be there.
    number
        .and_then(|number| number.into_string().ok())
        .and_then(|number| number.parse().ok())
        .and_then(|number| take_inherited(number).ok())
        .ok_or(RunError::NoLock)
}

fn namespaces(arguments: &RunArguments) -> Namespaces {
    let mut namespaces = Namespaces::PID | Namespaces::MOUNT | Namespaces::UTS;
    if !arguments.parent_ipc {
        namespaces |= Namespaces::IPC;
    }
    if arguments.network != Network::Host {
        namespaces |= Namespaces::NET;
    }
    if arguments.private_users.is_some() {
        namespaces |= Namespaces::USER;
    }
    namespaces
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

/// Passes on requests to stop until the pod has ended, and returns its status.
///
/// `from_init` tells that status before init exits: the kernel then still has to take down the pod's
/// mounts, and when it does so for an overlay it syncs the file system below, which takes as long as
/// that has work to do. Nobody needs to wait for it: the lock is gone, and what is left has no name.
fn wait_for(
    init: &Child,
    from_init: &FromInit,
    signals: &SignalSet,
    notifier: Option<&Notifier>,
) -> Result<u8, Failed> {
    let name = || "wait for the pod";
    let pending = signals.descriptor().step(name)?;
    loop {
        let mut ready = [
            PollFd::new(from_init, PollFlags::IN),
            PollFd::new(&pending, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            polled => polled.step(name)?,
        };
        if !ready[0].revents().is_empty() {
            match from_init.word().step(name)? {
                Word::End(status) => return Ok(status),
                Word::Gone => return killed(init),
                Word::Notify(message) => tell(notifier, message),
                Word::Nothing => {}
            }
        }
        match signals.wait(Some(Duration::ZERO)).step(name)? {
            // The channel tells about the end of init.
            None | Some(Signal::CHILD) => {}
            Some(signal @ (Signal::USR1 | Signal::USR2 | Signal::WINCH)) => {
                let _ = pidfd_send_signal(&init.pidfd, signal);
            }
            // If init is just ending, the signal is not needed.
            Some(_) => drop(pidfd_send_signal(&init.pidfd, Signal::TERM)),
        }
    }
}

/// Passes a message on, and says with one about readiness who is the main process.
fn tell(notifier: Option<&Notifier>, mut message: Vec<u8>) {
    let Some(notifier) = notifier else { return };
    if message.starts_with(b"READY=1") {
        let pid = getpid().as_raw_nonzero();
        message.extend(format!("\nMAINPID={pid}").bytes());
    }
    notifier.tell(&message);
}

/// Finds out how init ended without a word.
fn killed(init: &Child) -> Result<u8, Failed> {
    let (_, status) = loop {
        match waitpid(Some(init.pid), WaitOptions::empty()) {
            Ok(Some(ended)) => break ended,
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).step(|| "wait for the pod"),
        }
    };
    match Exit::of(status) {
        Some(Exit::Status(status)) => Ok(status),
        Some(Exit::Signal(_)) | None => {
            report(format_args!("the pod was killed"));
            Ok(SETUP_FAILED)
        }
    }
}
