//! What a pod is to become: everything that the manifests say, checked before the first clone.

use std::ffi::{CString, NulError};
use std::path::{Path, PathBuf};
use std::{fs, io};

use gantry_sys::capability::Capabilities;
use gantry_sys::seccomp::Filter;
use gantry_types::{
    App, Event, ISOLATORS_ANNOTATION, ImageManifest, IsolatorOutcome, IsolatorStatus,
    ManifestError, PodManifest, RootKind, RootPlan, RuntimeApp, STRICT_ISOLATORS, pod_layout,
};

use crate::activation::{self, ActivatedPort, Listening};
use crate::arguments::RunArguments;
use crate::docker_user;
use crate::environment;
use crate::io::modes::{Interactive, ModeError, Modes};
use crate::io::outside::stdin_is_terminal;
use crate::isolation::{self, IsolationError};
use crate::label::{self, Label, LabelError};
use crate::limits::{self, Asked};
use crate::notify;
use crate::overlay::Source;
use crate::seccomp::{self, SeccompError};
use crate::sysctl::{self, Parameter, SysctlError};
use crate::volume::{self, MountPlan, VolumeError};

/// Largest `pod`, `rootfs.json` or image manifest that is read, in bytes.
const MAX_INPUT_BYTES: u64 = 16 * 1024 * 1024;

/// One app, ready to be set up.
#[derive(Debug)]
pub(crate) struct AppPlan {
    pub(crate) name: String,
    pub(crate) root: Source,
    pub(crate) read_only_root: bool,
    pub(crate) mounts: Vec<MountPlan>,
    /// The program and its arguments, at least one.
    pub(crate) exec: Vec<CString>,
    pub(crate) environment: Vec<CString>,
    /// The value of `PATH` in it.
    pub(crate) search_path: String,
    pub(crate) user: String,
    pub(crate) group: String,
    /// Whether a group that the image does not know has the number of the user.
    pub(crate) group_is_users: bool,
    pub(crate) supplementary_groups: Vec<u32>,
    /// Absolute.
    pub(crate) working_directory: String,
    pub(crate) capabilities: Capabilities,
    pub(crate) no_new_privileges: bool,
    /// What keeps the app from system calls, if anything does.
    pub(crate) seccomp: Option<Filter>,
    /// What security modules of the kernel are to call the app.
    pub(crate) labels: Vec<Label>,
    /// Kernel parameters that this app is the first of the pod to ask for, or that the pod does.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) pre_start: Option<Vec<CString>>,
    pub(crate) post_stop: Option<Vec<CString>>,
    pub(crate) limits: Vec<Asked>,
    /// What becomes of the isolators that are no limits.
    pub(crate) outcomes: Vec<IsolatorOutcome>,
    /// Its standard streams.
    pub(crate) modes: Modes,
    /// It says itself when it is ready.
    pub(crate) notifies: bool,
    pub(crate) activated: Vec<ActivatedPort>,
    /// Sockets that it gets open.
    pub(crate) listening: Vec<Listening>,
}

/// A pod, ready to be set up.
#[derive(Debug)]
pub(crate) struct PodPlan {
    /// At least one.
    pub(crate) apps: Vec<AppPlan>,
    /// Limits of the pod as a whole.
    pub(crate) limits: Vec<Asked>,
    /// What becomes of the pod's isolators that are no limits.
    pub(crate) outcomes: Vec<IsolatorOutcome>,
    /// It may run only if every isolator is enforced.
    pub(crate) strict: bool,
}

/// The pod in the working directory cannot be run as its files describe it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// A file of the pod directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A manifest is not one.
    #[error("bad manifest {}", path.display())]
    Manifest {
        path: PathBuf,
        source: ManifestError,
    },
    /// The plan of root file systems is not one.
    #[error("bad file {}", pod_layout::ROOT_PLAN)]
    RootPlan { source: serde_json::Error },
    /// There is nothing to run.
    #[error("pod must contain at least one application")]
    NoApps,
    /// An app has no root file system in the plan.
    #[error("app {app} has no entry in {}", pod_layout::ROOT_PLAN)]
    NoRoot { app: String },
    /// An app has no program to run.
    #[error("app {app} has an empty exec")]
    NoExec { app: String },
    /// Neither the pod nor the image says how to run an app.
    #[error("image of app {app} has no app section")]
    NoApp { app: String },
    /// A text of an app cannot be passed to a program.
    #[error("a text of app {app} holds a NUL byte")]
    Nul { app: String, source: NulError },
    /// A supplementary group is no group number.
    #[error("app {app} has the supplementary group {gid}, which is out of range")]
    Group { app: String, gid: i64 },
    /// The isolators of an app contradict each other or are malformed.
    #[error("bad isolators of app {app}")]
    Isolation { app: String, source: IsolationError },
    /// The system calls of an app cannot be filtered as its isolators say.
    #[error("bad isolators of app {app}")]
    Seccomp { app: String, source: SeccompError },
    /// A standard stream of an app cannot be what it is to be.
    #[error("bad streams of app {app}")]
    Mode { app: String, source: ModeError },
    /// A security module is asked for that is not there.
    #[error("cannot isolate app {app}")]
    Label { app: String, source: LabelError },
    /// Kernel parameters cannot be set.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// The volumes and mounts of an app do not fit together.
    #[error("bad mounts of app {app}")]
    Volume { app: String, source: VolumeError },
}

/// Reads the pod in the working directory; `warn` gets what will be done differently than asked.
pub(crate) fn load(
    arguments: &RunArguments,
    warn: &mut dyn FnMut(String),
) -> Result<PodPlan, PlanError> {
    let path = Path::new(pod_layout::POD);
    let manifest = PodManifest::from_json(&read(path)?).map_err(|source| PlanError::Manifest {
        path: path.to_owned(),
        source,
    })?;
    let roots = RootPlan::from_json(&read(Path::new(pod_layout::ROOT_PLAN))?)
        .map_err(|source| PlanError::RootPlan { source })?;
    if manifest.apps.is_empty() {
        return Err(PlanError::NoApps);
    }
    let limits = limits::of_pod(manifest.isolators.iter());
    let mut apps: Vec<AppPlan> = Vec::with_capacity(manifest.apps.len());
    let mut parameters = Vec::new();
    sysctl::collect(manifest.isolators.iter(), arguments, &mut parameters)?;
    for app in manifest.apps.iter() {
        let taken = if apps.is_empty() { 0 } else { parameters.len() };
        let mut plan = plan_app(app, &manifest, &roots, arguments, &mut parameters, warn)?;
        plan.parameters = parameters[taken..].to_vec();
        apps.push(plan);
    }
    for app in &mut apps {
        limits::narrow(&mut app.limits, &limits);
    }
    let mode = manifest.annotations.get(ISOLATORS_ANNOTATION);
    Ok(PodPlan {
        apps,
        limits,
        outcomes: pod_outcomes(&manifest),
        strict: mode == Some(STRICT_ISOLATORS),
    })
}

/// What becomes of the isolators of a pod as a whole, but for limits.
fn pod_outcomes(manifest: &PodManifest) -> Vec<IsolatorOutcome> {
    let others = manifest
        .isolators
        .iter()
        .filter(|isolator| !limits::enforces(isolator.value()));
    let names = others.map(|isolator| isolator.name().as_str());
    names
        .map(|name| {
            let enforced = label::is_about(name) || name == sysctl::ISOLATOR;
            let status = match enforced {
                true => IsolatorStatus::Enforced,
                false => IsolatorStatus::Ignored,
            };
            outcome(None, name, status)
        })
        .collect()
}

fn outcome(app: Option<&str>, name: &str, status: IsolatorStatus) -> IsolatorOutcome {
    IsolatorOutcome {
        app: app.map(str::to_owned),
        name: name.to_owned(),
        status,
        detail: String::new(),
    }
}

fn plan_app(
    runtime: &RuntimeApp,
    pod: &PodManifest,
    roots: &RootPlan,
    arguments: &RunArguments,
    parameters: &mut Vec<Parameter>,
    warn: &mut dyn FnMut(String),
) -> Result<AppPlan, PlanError> {
    let name = runtime.name.as_str().to_owned();
    let root = roots
        .app(&runtime.name)
        .ok_or_else(|| PlanError::NoRoot { app: name.clone() })?;
    let root = match &root.kind {
        RootKind::Overlay { lower, upper, work } => Source::Overlay {
            lower: lower.clone(),
            upper: upper.clone(),
            work: work.clone(),
        },
        RootKind::Directory => Source::Directory(pod_layout::app_rootfs(&runtime.name)),
    };
    let from_image;
    let app: &App = match &runtime.app {
        Some(app) => app,
        None => {
            from_image = image_app(runtime)?;
            &from_image
        }
    };
    if app.exec.is_empty() {
        return Err(PlanError::NoExec { app: name });
    }
    let c_strings = |texts: &[String]| -> Result<Vec<CString>, PlanError> {
        let c_string = |text: &String| CString::new(text.as_str());
        let nul = |source| PlanError::Nul {
            app: name.clone(),
            source,
        };
        texts
            .iter()
            .map(c_string)
            .collect::<Result<_, _>>()
            .map_err(nul)
    };
    let handler = |event: Event| {
        let handler = app
            .event_handlers
            .iter()
            .find(|handler| handler.event == event);
        handler
            .filter(|handler| !handler.exec.is_empty())
            .map(|h| c_strings(&h.exec))
            .transpose()
    };
    let supplementary_groups = app
        .supplementary_gids
        .iter()
        .map(|gid| match u32::try_from(*gid) {
            Ok(number) if number != u32::MAX => Ok(number),
            _ => Err(PlanError::Group {
                app: name.clone(),
                gid: *gid,
            }),
        })
        .collect::<Result<_, _>>()?;
    let isolation = isolation::of(&app.isolators).map_err(|source| PlanError::Isolation {
        app: name.clone(),
        source,
    })?;
    let others = app
        .isolators
        .iter()
        .filter(|isolator| !limits::enforces(isolator.value()))
        .map(|isolator| isolator.name().as_str());
    let outcomes = others
        .map(|isolator| {
            let waived = (arguments.all_calls && seccomp::is_about(isolator))
                || (arguments.all_capabilities && isolator.starts_with("os/linux/capabilities-"));
            let status = match waived || isolation.not_enforced.iter().any(|one| one == isolator) {
                true => IsolatorStatus::Ignored,
                false => IsolatorStatus::Enforced,
            };
            let mut outcome = outcome(Some(&name), isolator, status);
            if waived {
                "waived by --insecure-options".clone_into(&mut outcome.detail);
            }
            outcome
        })
        .collect();
    for capability in isolation.unknown_capabilities {
        warn(format!(
            "warning: unknown capability {capability} of app {name} is left out"
        ));
    }
    let seccomp = match arguments.all_calls {
        true => None,
        false => seccomp::filter(&app.isolators, &mut |left_out| {
            warn(format!("warning: {left_out} of app {name} is left out"));
        })
        .map_err(|source| PlanError::Seccomp {
            app: name.clone(),
            source,
        })?,
    };
    sysctl::collect(app.isolators.iter(), arguments, parameters)?;
    let labels = label::of(app.isolators.iter(), pod.isolators.iter()).map_err(|source| {
        PlanError::Label {
            app: name.clone(),
            source,
        }
    })?;
    let mounts =
        volume::plan(runtime, app, &pod.volumes, warn).map_err(|source| PlanError::Volume {
            app: name.clone(),
            source,
        })?;
    let interactive = match arguments.interactive {
        true if stdin_is_terminal() => Interactive::Terminal,
        true => Interactive::Streams,
        false => Interactive::No,
    };
    let modes = Modes::of(runtime, interactive).map_err(|source| PlanError::Mode {
        app: name.clone(),
        source,
    })?;
    let environment = environment::of_app(&name, &app.environment, arguments.terminal.as_deref());
    let search_path = environment::get(&environment, "PATH")
        .unwrap_or_default()
        .to_owned();
    let notifies = notifies(runtime)?;
    let for_notify = notifies
        .then(|| format!("NOTIFY_SOCKET={}", notify::APP_SOCKET))
        .into_iter()
        .chain(arguments.watchdog.filter(|_| notifies).map(|time| {
            // Whoever has it is meant: the number of the process is not known yet.
            format!("WATCHDOG_USEC={}", time.as_micros())
        }));
    let environment: Vec<String> = environment
        .into_iter()
        // These tell of the pod's service manager, or of nobody.
        .filter(|(name, _)| !(notifies && is_of_service(name)))
        .map(|(name, value)| format!("{name}={value}"))
        .chain(for_notify)
        .collect();
    let working_directory = if app.working_directory.is_empty() {
        "/"
    } else {
        &app.working_directory
    };
    Ok(AppPlan {
        root,
        read_only_root: runtime.read_only_root_fs,
        mounts,
        exec: c_strings(&app.exec)?,
        environment: c_strings(&environment)?,
        search_path,
        user: app.user.clone(),
        group: app.group.clone(),
        group_is_users: docker_user::group_is_users(runtime, app),
        supplementary_groups,
        working_directory: working_directory.to_owned(),
        capabilities: if arguments.all_capabilities {
            Capabilities::ALL
        } else {
            isolation.capabilities
        },
        no_new_privileges: isolation.no_new_privileges,
        seccomp,
        labels,
        parameters: Vec::new(),
        pre_start: handler(Event::PreStart)?,
        post_stop: handler(Event::PostStop)?,
        limits: limits::of_app(app.isolators.iter(), &runtime.annotations),
        outcomes,
        modes,
        notifies,
        activated: activation::ports(app, pod),
        listening: Vec::new(),
        name,
    })
}

fn is_of_service(name: &str) -> bool {
    matches!(name, "NOTIFY_SOCKET" | "WATCHDOG_USEC" | "WATCHDOG_PID")
}

/// Whether the image of an app, or the app itself, has the annotation of those that notify.
fn notifies(runtime: &RuntimeApp) -> Result<bool, PlanError> {
    if let Some(value) = runtime.annotations.get(notify::SUPPORTS_NOTIFY) {
        return Ok(value == "true");
    }
    let path = pod_layout::app_manifest(&runtime.name);
    let bytes = match read(&path) {
        Err(PlanError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(false);
        }
        bytes => bytes?,
    };
    // Few images have it, and reading a manifest costs more than looking for the word.
    let name = notify::SUPPORTS_NOTIFY.as_bytes();
    if !bytes.windows(name.len()).any(|window| window == name) {
        return Ok(false);
    }
    let manifest =
        ImageManifest::from_json(&bytes).map_err(|source| PlanError::Manifest { path, source })?;
    Ok(manifest.annotations.get(notify::SUPPORTS_NOTIFY) == Some("true"))
}

fn image_app(runtime: &RuntimeApp) -> Result<App, PlanError> {
    let path = pod_layout::app_manifest(&runtime.name);
    let manifest = ImageManifest::from_json(&read(&path)?)
        .map_err(|source| PlanError::Manifest { path, source })?;
    manifest.app.ok_or_else(|| PlanError::NoApp {
        app: runtime.name.as_str().to_owned(),
    })
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PlanError> {
    use io::Read as _;
    let limited = |file: fs::File| {
        let mut bytes = Vec::new();
        file.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_INPUT_BYTES {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    };
    fs::File::open(path)
        .and_then(limited)
        .map_err(|source| PlanError::Read {
            path: path.to_owned(),
            source,
        })
}
