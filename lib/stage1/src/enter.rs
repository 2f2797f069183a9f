//! The `enter` entrypoint: runs a command in an app of a running pod, as that app.
//!
//! The command gets the app's root, mounts, user, capability bounds, working directory and
//! environment, so that whoever enters has no more rights than the app itself.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, Signal, getpid, kill_process, set_dumpable_behavior};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces};

use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Fork, close_from, exit_now};
use gantry_sys::signal;
use gantry_types::pod_layout;

use crate::arguments::{ArgumentError, EnterArguments, RunArguments};
use crate::failed::{Failed, Step as _};
use crate::init::pid_file;
use crate::launch::{self, Identity, LaunchError};
use crate::limits;
use crate::metadata;
use crate::plan::{self, AppPlan, PlanError};
use crate::seal;
use crate::session::Session;
use crate::status::{Exit, SETUP_FAILED};
use crate::stop::{only_child, supervisor};
use crate::user;
use crate::users;

/// A command could not be run in an app.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnterError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The pod cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The pod has no such app.
    #[error("the pod has no app {0}")]
    NoApp(String),
    /// The process is not PID 1 of the pod in this directory.
    #[error("process {0} is not the first process of this pod; is the pod running?")]
    NotThePod(i32),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Runs the command and returns its status; a signal that ends it ends this process too.
pub(crate) fn run(
    arguments: impl Iterator<Item = OsString>,
    terminal: String,
) -> Result<u8, EnterError> {
    // Nothing is open here yet but what the caller left open, which must not come near the pod.
    close_from(3).step(|| "close descriptors of the caller")?;
    seal::ensure()?;
    let arguments = EnterArguments::parse(arguments)?;
    let run = as_started(terminal);
    let mut pod = plan::load(&run, &mut |_| {})?;
    if let Some(url) = metadata::url_of_running() {
        metadata::tell(&url, &mut pod.apps);
    }
    let plan = pod
        .apps
        .iter()
        .find(|plan| plan.name == arguments.app)
        .ok_or_else(|| EnterError::NoApp(arguments.app.clone()))?;
    let command = arguments
        .command
        .into_iter()
        .map(|text| CString::new(text.into_vec()))
        .collect::<Result<Vec<_>, _>>()
        .step(|| "pass the command on")?;
    let group = limits::of_running_app(&plan.name)?;
    let (init, number) =
        first_process(arguments.pid).ok_or(EnterError::NotThePod(arguments.pid))?;

    // What runs here until exec has rights that nothing in the pod may get hold of.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step(|| "keep the pod from tracing")?;
    let kinds = users::namespaces_of(number)?;
    move_into_thread_name_spaces(init.as_fd(), kinds).step(|| "join the pod's namespaces")?;
    users::be_root_of(kinds)?;
    let session = Session::open()?;
    // Only a child is in the PID namespace that was joined.
    match group
        .fork(Namespaces::empty())
        .step(|| "start a process in the pod")?
    {
        Fork::Child => {
            let joined = group.join(plan).map_err(LaunchError::from);
            let result = joined.and_then(|()| become_command(plan, &command, &session));
            exit_now(launch::failure(plan, result))
        }
        Fork::Parent(child) => Ok(end_like(session.follow(&child)?)?),
    }
}

/// How the pod was started, as its supervisor's command line says, which no app can change. Of one that
/// is not understood, of another version perhaps, the command gets no more than any app has.
fn as_started(terminal: String) -> RunArguments {
    let words = std::fs::read_to_string(pod_layout::PPID)
        .and_then(|pid| std::fs::read(format!("/proc/{}/cmdline", pid.trim())));
    let words = words.unwrap_or_default();
    let words = words
        .split(|byte| *byte == 0)
        .skip(2)
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()));
    match RunArguments::parse(words) {
        Ok(started) => RunArguments {
            interactive: true,
            terminal: Some(terminal),
            ..started
        },
        Err(_) => RunArguments::of_running(String::new(), terminal),
    }
}

/// A descriptor of process `pid`, if it is PID 1 of the pod in this directory.
fn first_process(pid: i32) -> Option<(OwnedFd, Pid)> {
    let text = std::fs::read_to_string(pod_layout::PPID).ok()?;
    let outer = text.trim().parse().ok().and_then(Pid::from_raw)?;
    let _supervisor = supervisor(outer)?;
    let (init, number) = only_child(outer)?;
    (number.as_raw_nonzero().get() == pid).then_some((init, number))
}

fn become_command(
    plan: &AppPlan,
    command: &[CString],
    session: &Session,
) -> Result<Infallible, LaunchError> {
    let name = || format!("enter the mounts of app {}; is it running?", plan.name);
    let mounts = mounts_of(&plan.name).step(name)?;
    move_into_link_name_space(mounts.as_fd(), Some(LinkNameSpaceType::Mount)).step(name)?;
    // What becomes the command closes all descriptors, whoever owns them.
    drop(mounts);
    signal::reset().step(|| "reset signals")?;
    let (uid, gid) = user::of_app(plan)?;
    session.begin(uid)?;
    let identity = Identity {
        uid,
        gid,
        groups: &plan.supplementary_groups,
    };
    launch::become_program(plan, &identity, command)
}

/// Opens the mount namespace of a running app, with the pod's root as root.
fn mounts_of(app: &str) -> Result<OwnedFd, Errno> {
    let file = pid_file(app);
    let number = read_number(&file)?;
    let path = format!("/proc/{number}/ns/mnt");
    let mounts = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // The file goes when the process does, before its number can be another's.
    if read_number(&file)? == number {
        Ok(mounts)
    } else {
        Err(Errno::SRCH)
    }
}

fn read_number(path: &str) -> Result<u32, Errno> {
    let file = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = [0; 16];
    let length = rustix::io::read(&file, &mut text)?;
    let text = std::str::from_utf8(&text[..length]).map_err(|_| Errno::INVAL)?;
    text.parse().map_err(|_| Errno::INVAL)
}

/// The status to end with, unless a signal ended the command, which then ends this process too.
fn end_like(exit: Exit) -> Result<u8, Failed> {
    if let Exit::Signal(number) = exit
        && let Some(signal) = Signal::from_named_raw(number.into())
    {
        // Whoever started this program sees the end that the command had.
        signal::reset().step(|| "reset signals")?;
        kill_process(getpid(), signal).step(|| "end like the command")?;
        return Ok(SETUP_FAILED);
    }
    Ok(exit.number())
}
