//! From a fresh process in the app's root to the app's program.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Gid, Uid, WaitOptions, waitpid};
use rustix::thread::{set_no_new_privs, set_thread_res_gid, set_thread_res_uid};

use gantry_sys::capability::{Capabilities, limit_bounding_set, limit_own};
use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Fork, exec, exit_now, fork_into};
use gantry_sys::user_namespace::IdKind;

use crate::activation::{self, Listening};
use crate::failed::{Chain, Failed, Step as _, report};
use crate::inside;
use crate::label;
use crate::plan::AppPlan;
use crate::program::{self, ExecError};
use crate::status::{EXEC_FAILED, Exit, SETUP_FAILED};
use crate::user::{self, LookupError};
use crate::users;

/// Why an app did not come to run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// The user or group of the app is not known.
    #[error("cannot find the user or group of the app")]
    Identity(#[from] LookupError),
    /// The pre-start handler did not succeed.
    #[error("pre-start handler failed with status {}", .0.number())]
    PreStart(Exit),
    /// A program could not be executed.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl LaunchError {
    /// The exit status that stands for this error.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Identity(_) => SETUP_FAILED,
            Self::PreStart(exit) => exit.number(),
            Self::Exec(_) => EXEC_FAILED,
        }
    }
}

/// Runs the pre-start handler, then becomes the app. The process's root must be the app's.
pub(crate) fn app(plan: &AppPlan) -> Result<Infallible, LaunchError> {
    let (uid, gid) = user::of_app(plan)?;
    users::require(IdKind::User, uid)?;
    users::require(IdKind::Group, gid)?;
    plan.modes
        .give_to(uid, gid)
        .step(|| "give the app its standard streams")?;
    if let Some(handler) = &plan.pre_start {
        match run_handler(plan, handler)? {
            Exit::Status(0) => {}
            exit => return Err(LaunchError::PreStart(exit)),
        }
    }
    let identity = Identity {
        uid,
        gid,
        groups: &plan.supplementary_groups,
    };
    become_with_sockets(plan, &identity, &plan.exec, &plan.listening)
}

/// Becomes an event handler: root, within the capabilities of the app.
///
/// rkt runs handlers without the app's user since 1.30, so that they can prepare what the app may
/// not touch; beyond the app's own bounds they need nothing.
pub(crate) fn handler(plan: &AppPlan, program: &[CString]) -> Result<Infallible, LaunchError> {
    become_program(
        plan,
        &Identity {
            uid: 0,
            gid: 0,
            groups: &[],
        },
        program,
    )
}

fn run_handler(plan: &AppPlan, program: &[CString]) -> Result<Exit, LaunchError> {
    let child = match fork_into(Namespaces::empty()).step(|| "start the pre-start handler")? {
        Fork::Parent(child) => child,
        Fork::Child => exit_now(failure(plan, handler(plan, program))),
    };
    loop {
        let ended = waitpid(Some(child.pid), WaitOptions::empty());
        match ended {
            Err(rustix::io::Errno::INTR) => {}
            ended => {
                let ended = ended.step(|| "wait for the pre-start handler")?;
                if let Some(exit) = ended.and_then(|(_, status)| Exit::of(status)) {
                    return Ok(exit);
                }
            }
        }
    }
}

/// Reports why a process did not become a program, and gives the status to leave with.
pub(crate) fn failure(plan: &AppPlan, result: Result<Infallible, LaunchError>) -> u8 {
    let Err(error) = result;
    report(format_args!("app {}: {}", plan.name, Chain(&error)));
    error.status()
}

/// Who a process becomes.
#[derive(Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: &'a [u32],
}

/// Takes on the identity and the bounds of an app, and then its program.
///
/// It closes every descriptor but the standard streams, so the caller has to end if this fails.
pub(crate) fn become_program(
    plan: &AppPlan,
    identity: &Identity<'_>,
    program: &[CString],
) -> Result<Infallible, LaunchError> {
    become_with_sockets(plan, identity, program, &[])
}

/// The same with sockets that the program finds open.
fn become_with_sockets(
    plan: &AppPlan,
    identity: &Identity<'_>,
    program: &[CString],
    sockets: &[Listening],
) -> Result<Infallible, LaunchError> {
    // Where this cannot be done there are no keys, or a filter keeps the app from them as well.
    let _ = gantry_sys::keyring::new_session();
    // Whoever is not root cannot have a filter otherwise. Source: rkt 1.30, seccomp-guide.md.
    let unprivileged = plan.no_new_privileges || (identity.uid != 0 && plan.seccomp.is_some());
    let until_exec = match &plan.seccomp {
        // For the filter, and gone when root executes a program within its bounds.
        Some(_) if !unprivileged => Capabilities::from_name("CAP_SYS_ADMIN").unwrap_or_default(),
        _ => Capabilities::NONE,
    };
    take_identity(identity, plan.capabilities, until_exec)?;
    if unprivileged {
        set_no_new_privs(true).step(|| "forbid new privileges")?;
    }
    // Before any path of the image is looked up: one through /proc/self/fd could lead outside.
    activation::place(sockets).step(|| "keep descriptors from the app")?;
    let directory = &plan.working_directory;
    inside::open(directory, OFlags::PATH | OFlags::DIRECTORY)
        .and_then(rustix::process::fchdir)
        .step(|| format!("enter the working directory {directory:?} of the app"))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    execute(plan, program, activation::variables(sockets))
}

/// `until_exec` is kept besides `bounds`, by root, until it executes a program.
fn take_identity(
    identity: &Identity<'_>,
    bounds: Capabilities,
    until_exec: Capabilities,
) -> Result<(), Failed> {
    let uid = Uid::from_raw(identity.uid);
    let gid = Gid::from_raw(identity.gid);
    let groups: Vec<Gid> = [identity.gid]
        .iter()
        .chain(identity.groups)
        .copied()
        .map(Gid::from_raw)
        .collect();
    limit_bounding_set(bounds).step(|| "limit the capabilities of the app")?;
    users::set_groups(&groups, !identity.groups.is_empty())?;
    set_thread_res_gid(gid, gid, gid).step(|| format!("become group {}", identity.gid))?;
    set_thread_res_uid(uid, uid, uid).step(|| format!("become user {}", identity.uid))?;
    // Of root these remain; for any other user the change of user took them all.
    limit_own(bounds.union(until_exec)).step(|| "drop capabilities")
}

fn execute(
    plan: &AppPlan,
    program: &[CString],
    more: Vec<CString>,
) -> Result<Infallible, LaunchError> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(ExecError::missing("").into());
    };
    let directory = Path::new(&plan.working_directory);
    let environment: Vec<CString> = plan.environment.iter().cloned().chain(more).collect();
    let candidates = program::candidates(name, directory, &plan.search_path);
    for label in &plan.labels {
        label::ask_for(label)?;
    }
    if let Some(filter) = &plan.seccomp {
        // A filter may keep this process from finding out, and from saying, what is wrong.
        program::check(&candidates, name)?;
        filter
            .load()
            .step(|| "filter the system calls of the app")?;
    }
    let mut denied = None;
    for candidate in candidates {
        let arguments: Vec<CString> = [candidate.clone()]
            .into_iter()
            .chain(arguments.iter().cloned())
            .collect();
        let Err(error) = exec(&candidate, &arguments, &environment);
        match error.kind() {
            // What execvp(3) passes over. A missing interpreter looks the same, so what is there
            // and cannot run is remembered.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if !exists(&candidate) => {}
            io::ErrorKind::PermissionDenied => {
                denied.get_or_insert((candidate, error));
            }
            _ => return Err(program::diagnose(&candidate, error).into()),
        }
    }
    Err(match denied {
        Some((candidate, error)) => program::diagnose(&candidate, error).into(),
        None => ExecError::missing(&name.to_string_lossy()).into(),
    })
}

fn exists(path: &CStr) -> bool {
    rustix::fs::stat(path).is_ok()
}
