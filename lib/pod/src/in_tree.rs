//! Running one command in a tree that is being built, so that what it writes stays in the tree.
//!
//! The command has the isolation of a pod, from the same stage1, or with [`Engine::Chroot`] nothing but
//! another root. There is no pod for others to see: the pod's directory lies beside the tree, the lock that
//! stage1 holds is that of the build, and who starts this waits for its end.
//!
//! ```text
//! PLACE/run/           the pod's directory, as stage1 wants it
//! PLACE/work/          work directory of the overlay, where there are layers below the tree
//! PLACE/target/        where the chroot engine mounts the overlay, in a mount namespace of its own
//! ```
//!
//! All mounts lie in mount namespaces that end with the command, and the command ends with this process,
//! however that is killed.

mod chroot;
mod layers;
mod pod_dir;
mod wait;

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Child, Fork, exec_file, exit_now, fork_into};
use gantry_sys::signal::{self, SignalSet};
use gantry_types::{Diagnostic, Environment, Kind, Uuid};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::file;

pub use layers::Layers;

/// Name of the pod's directory.
const RUN: &str = "run";

/// How long a command may take to end when it is asked to, in seconds.
const STOP_TIMEOUT: u32 = 10;

/// Host name of whoever runs in a build: the same everywhere, as it may get into what is built.
const HOSTNAME: &str = "acbuild";

/// Signals that are passed on to the command.
const SIGNALS: [Signal; 5] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::CHILD,
];

/// How a command is kept apart from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// As in a pod: namespaces, capabilities, system calls, devices.
    Namespaces,
    /// By another root directory alone, and mounts that nobody else sees.
    Chroot,
}

/// A command, and how it is run.
#[derive(Clone, Debug)]
pub struct TreeCommand {
    /// Our stage1 program.
    pub stage1: PathBuf,
    /// How it is kept apart.
    pub engine: Engine,
    /// Networks, as for pods: `host`, `none`, or names. Of no meaning to [`Engine::Chroot`].
    pub network: String,
    /// Directory with the local configuration, where networks are looked for.
    pub local_config: PathBuf,
    /// Identifies the directory among pods' networks and control groups.
    pub uuid: Uuid,
    /// The program and its arguments, at least one.
    pub exec: Vec<String>,
    /// Variables of the command.
    pub environment: Environment,
    /// Absolute path in the tree, or empty for `/`.
    pub working_directory: String,
    /// The command gets the host's `/etc/resolv.conf`, as the tree has none.
    pub host_resolv_conf: bool,
}

/// Where the tree is, relative to the place of the build.
#[derive(Clone, Copy, Debug)]
pub struct TreePlace<'a> {
    /// The directory of the build.
    pub directory: BorrowedFd<'a>,
    /// The lock of the build, which is held as long as the command runs.
    pub lock: BorrowedFd<'a>,
    /// The tree, relative to the directory.
    pub tree: &'a Path,
}

/// A command could not be run in a tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeRunError {
    /// A step was refused.
    #[error("cannot {action}")]
    Step {
        /// The step.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The command was not started.
    #[error("{0}")]
    NotStarted(String),
    /// What an earlier command held is still held.
    #[error("\"{} gc\" failed for what an interrupted run left", stage1.display())]
    Collect {
        /// The program.
        stage1: PathBuf,
    },
}

impl Diagnostic for TreeRunError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotStarted(text) if text.contains("overlay") => Some(
                "an overlay needs a file system such as ext4 or xfs below it: put the build there with \
                 --work-path DIR"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Names a step that failed.
fn step<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> TreeRunError {
    move |error| TreeRunError::Step {
        action,
        source: error.into(),
    }
}

/// A process that waits to become the command.
///
/// It is made before anything that needs threads, such as fetching what the tree is laid over. Without
/// [`Waiting::run`] it ends by itself.
#[derive(Debug)]
pub struct Waiting {
    child: Child,
    go: OwnedFd,
    failure: OwnedFd,
    run: OwnedFd,
    signals: SignalSet,
}

impl Waiting {
    /// Makes the pod's directory and the process. This process must have one thread.
    ///
    /// # Errors
    ///
    /// [`TreeRunError`].
    pub fn prepare(command: &TreeCommand, place: &TreePlace<'_>) -> Result<Self, TreeRunError> {
        let run = pod_dir::make(command, place).map_err(step("make the directory of the run"))?;
        let program = File::open(&command.stage1)
            .and_then(|file| gantry_sys::sealed::sealed_copy(&file))
            .map_err(step("read stage1"))?;
        let signals = SignalSet::of(&SIGNALS);
        signals.block().map_err(step("block signals"))?;
        let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(step("make a pipe"));
        let ((wait, go), (failure, told)) = (pipe()?, pipe()?);
        match fork_into(Namespaces::empty()).map_err(step("start a process"))? {
            Fork::Parent(child) => Ok(Self {
                child,
                go,
                failure,
                run,
                signals,
            }),
            Fork::Child => {
                drop((go, failure));
                let Err(text) = become_command(command, place, &run, &program, &wait);
                // Whoever could be told is gone otherwise.
                let _ = rustix::io::write(&told, text.as_bytes());
                exit_now(1)
            }
        }
    }

    /// Lets the process become the command, over the directories `lower`, top first, and waits for its end.
    ///
    /// Gives the command's status, or 128 and the number of the signal that ended it.
    ///
    /// # Errors
    ///
    /// [`TreeRunError`]; the command has then not run.
    pub fn run(self, place: &TreePlace<'_>, lower: Vec<PathBuf>) -> Result<u8, TreeRunError> {
        pod_dir::write_roots(self.run.as_fd(), place, lower)
            .map_err(step("write the plan of the run"))?;
        rustix::io::write(&self.go, &[0]).map_err(step("start the command"))?;
        drop(self.go);
        let mut text = String::new();
        File::from(self.failure)
            .read_to_string(&mut text)
            .map_err(step("start the command"))?;
        let status =
            wait::follow(&self.child, &self.signals).map_err(step("follow the command"))?;
        match text.as_str() {
            "" => Ok(status),
            text => Err(TreeRunError::NotStarted(text.to_owned())),
        }
    }
}

/// Gives back what a command that was killed held outside the place of the build: control groups, networks.
///
/// # Errors
///
/// [`TreeRunError`]; nothing there is no error.
pub fn collect(place: BorrowedFd<'_>, stage1: &Path) -> Result<(), TreeRunError> {
    let name = "look at what an interrupted run left";
    let run = match file::open_dir(place, RUN) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        run => run.map_err(step(name))?,
    };
    let uuid = file::read(run.as_fd(), pod_dir::UUID).map_err(step(name))?;
    let uuid = uuid.and_then(|text| String::from_utf8(text).ok());
    let Some(uuid) = uuid.and_then(|text| text.parse::<Uuid>().ok()) else {
        // It had not got as far as to hold anything.
        return Ok(());
    };
    let status = Command::new(stage1)
        .args(["gc", &uuid.to_string()])
        .current_dir(format!("/proc/self/fd/{}", run.as_raw_fd()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(step(name))?;
    match status.success() {
        true => Ok(()),
        false => Err(TreeRunError::Collect {
            stage1: stage1.to_owned(),
        }),
    }
}

/// Waits to be let go, and becomes the command.
fn become_command(
    command: &TreeCommand,
    place: &TreePlace<'_>,
    run: &OwnedFd,
    program: &OwnedFd,
    wait: &OwnedFd,
) -> Result<Infallible, String> {
    // Before anything else: nothing of this outlives who waits for it.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot follow the build: {error}"))?;
    match rustix::io::retry_on_intr(|| rustix::io::read(wait, &mut [0_u8])) {
        Ok(1) => {}
        // There is nothing to run after all.
        _ => exit_now(0),
    }
    signal::reset().map_err(|error| format!("cannot reset signals: {error}"))?;
    match command.engine {
        Engine::Chroot => chroot::enter(command, place, run),
        Engine::Namespaces => become_stage1(command, place, run, program)
            .map_err(|error| format!("cannot start {}: {error}", command.stage1.display())),
    }
}

fn become_stage1(
    command: &TreeCommand,
    place: &TreePlace<'_>,
    run: &OwnedFd,
    program: &OwnedFd,
) -> io::Result<Infallible> {
    let mut arguments: Vec<OsString> = vec![
        "stage1".into(),
        "run".into(),
        format!("--net={}", command.network).into(),
        format!("--hostname={HOSTNAME}").into(),
        format!("--stop-timeout={STOP_TIMEOUT}").into(),
        "--interactive".into(),
    ];
    let mut local_config = OsString::from("--local-config=");
    local_config.push(&command.local_config);
    arguments.push(local_config);
    if command.host_resolv_conf && command.network == "host" {
        arguments.push("--dns-conf-mode=resolv=host,hosts=default".into());
    }
    arguments.push(command.uuid.to_string().into());
    // A copy that is not closed when stage1 takes over: it is what keeps the build locked.
    let lock = rustix::io::dup(place.lock)?;
    let mut environment: Vec<OsString> = vec![format!("RKT_LOCK_FD={}", lock.as_raw_fd()).into()];
    for name in ["TERM", "PATH"] {
        if let Some(value) = std::env::var_os(name) {
            let mut pair = OsString::from(name);
            pair.push("=");
            pair.push(value);
            environment.push(pair);
        }
    }
    rustix::process::fchdir(run)?;
    exec_file(
        program.as_fd(),
        &c_strings(&arguments)?,
        &c_strings(&environment)?,
    )
}

fn c_strings<S: AsRef<OsStr>>(texts: &[S]) -> io::Result<Vec<CString>> {
    let texts = texts
        .iter()
        .map(|text| CString::new(text.as_ref().as_bytes()));
    Ok(texts.collect::<Result<_, _>>()?)
}
