//! Handing a pod over to stage1.

use std::convert::Infallible;
use std::ffi::{CString, NulError, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use gantry_types::{Diagnostic, Kind, UserRange, Uuid};

use crate::conf_files::ConfFiles;
use crate::entrypoint;
use crate::host_ports;
use crate::metadata::{Registered, Registrar, RegistrationError};
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::prepare::PreparedPod;
use crate::run_image;
use crate::stage1_image::Stage1Image;

/// How a pod is run; the values go to stage1 as they are.
///
/// Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md, interface version 6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Our stage1 program.
    pub stage1: PathBuf,
    /// Networks: `host`, `none`, or a list of names with arguments. Empty means `default`.
    pub net: String,
    /// Host name in the pod; `rkt-UUID` if none is given.
    pub hostname: Option<String>,
    /// The one app gets our terminal and stdin.
    pub interactive: bool,
    /// stage1 says what it does.
    pub debug: bool,
    /// Directory with the local configuration, where stage1 looks for networks.
    pub local_config: PathBuf,
    /// The metadata service that the pod is made known to, if it is.
    pub registrar: Option<Registrar>,
    /// Apps keep all capabilities.
    pub disable_capabilities: bool,
    /// No path in the pod is protected or hidden.
    pub disable_paths: bool,
    /// No seccomp filter.
    pub disable_seccomp: bool,
    /// `/etc/resolv.conf` and `/etc/hosts` of the apps.
    pub conf_files: ConfFiles,
    /// `auto`, `private` or `parent`.
    pub ipc: Option<String>,
    /// Environment of stage1. Not that of the apps.
    pub environment: Vec<(OsString, OsString)>,
    /// Environment of a stage1 that is an image, which is the caller's.
    pub caller_environment: Vec<(OsString, OsString)>,
}

impl RunOptions {
    /// The defaults for a stage1 program: host network, nothing disabled, empty environment.
    #[must_use]
    pub fn new(stage1: PathBuf, local_config: PathBuf) -> Self {
        Self {
            stage1,
            net: String::new(),
            hostname: None,
            interactive: false,
            debug: false,
            local_config,
            registrar: None,
            disable_capabilities: false,
            disable_paths: false,
            disable_seccomp: false,
            conf_files: ConfFiles::default(),
            ipc: None,
            environment: Vec::new(),
            caller_environment: Vec::new(),
        }
    }

    /// The arguments of the `run` entrypoint, with the name of the program.
    ///
    /// `users` are the IDs that were reserved for the pod when it was prepared. Of the metadata service our
    /// stage1 is told only the port: the token is in the pod's directory, and everybody can see the arguments
    /// of a process.
    fn arguments(
        &self,
        uuid: Uuid,
        users: Option<UserRange>,
        registered: Option<&Registered>,
    ) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["stage1".into(), "run".into()];
        let mut add = |name: &str, value: &OsStr| {
            let mut arg = OsString::from(name);
            arg.push(value);
            args.push(arg);
        };
        let net = if self.net.is_empty() {
            "default"
        } else {
            &self.net
        };
        add("--net=", OsStr::new(net));
        add("--local-config=", self.local_config.as_os_str());
        if let Some(hostname) = &self.hostname {
            add("--hostname=", OsStr::new(hostname));
        }
        if let Some(registered) = registered {
            add("--mds-port=", OsStr::new(&registered.port.to_string()));
        }
        if let Some(users) = users {
            add("--private-users=", OsStr::new(&users.to_string()));
        }
        if let Some(mode) = self.conf_files.mode() {
            add("--dns-conf-mode=", OsStr::new(&mode));
        }
        if let Some(ipc) = &self.ipc {
            add("--ipc=", OsStr::new(ipc));
        }
        for (on, flag) in [
            (self.debug, "--debug"),
            (self.interactive, "--interactive"),
            (
                self.disable_capabilities,
                "--disable-capabilities-restriction",
            ),
            (self.disable_paths, "--disable-paths"),
            (self.disable_seccomp, "--disable-seccomp"),
        ] {
            if on {
                args.push(flag.into());
            }
        }
        args.push(uuid.to_string().into());
        args
    }

    /// Whether the pod takes something outside its directory that outlives a power cut.
    ///
    /// Networks lease addresses in files, and only a pod that is found in `run` or `exited-garbage`
    /// gives them back.
    fn takes_leases(&self) -> bool {
        !matches!(self.net.as_str(), "host" | "none")
    }
}

/// A pod could not be handed over to stage1.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is in another state, perhaps because somebody else was faster.
    #[error("pod \"{0}\" is not prepared")]
    NotPrepared(Uuid),
    /// A port of the host that is to be forwarded is somebody else's.
    #[error(
        "port {name} cannot be forwarded: {protocol} port {port} of the host is used by {}",
        match by { Some(pod) => format!("pod \"{pod}\""), None => "another program".to_owned() }
    )]
    PortTaken {
        /// The app's port.
        name: String,
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
        /// The host's port.
        port: u64,
        /// The pod that has it; a program of the host if unset.
        by: Option<Uuid>,
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
    /// The stage1 program cannot be read, copied or started.
    #[error("cannot start {}", path.display())]
    Stage1 {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The metadata service does not know the pod, which was to be made known to it.
    #[error("failed to register the pod")]
    Metadata(#[from] RegistrationError),
    /// An option holds a zero byte.
    #[error("an argument or environment variable for stage1 holds a zero byte")]
    ZeroByte {
        /// Where.
        source: NulError,
    },
}

impl Diagnostic for RunError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotPrepared(_) | Self::ZeroByte { .. } => Kind::Usage,
            Self::PortTaken { .. } | Self::Io { .. } | Self::Stage1 { .. } | Self::Metadata(_) => {
                Kind::Environment
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Metadata(error) => error.hint(),
            _ => None,
        }
    }
}

impl PreparedPod {
    /// Replaces this process by the pod's stage1; returns only if that failed.
    ///
    /// The pod is still locked since its creation. Its move to `run` is synced only if it takes
    /// leases (see [`RunOptions::net`]): a pod that a power cut throws back to `prepare` counts as
    /// aborted and is collected as such, and nothing of it is alive then.
    ///
    /// # Errors
    ///
    /// [`RunError`]. The pod then stays for the next collection.
    pub fn run(self, options: &RunOptions) -> RunError {
        hand_over(self.into_pod(), options)
    }
}

impl Pod {
    /// Runs a pod that was prepared before; returns only if that failed.
    ///
    /// # Errors
    ///
    /// [`RunError::NotPrepared`] if it is in another state or somebody else runs it just now.
    pub fn run_prepared(mut self, options: &RunOptions) -> RunError {
        let uuid = self.uuid();
        // First the lock, then the move: whoever loses the race for the lock finds the pod moved.
        match self.try_lock() {
            Ok(true) if self.phase() == Phase::Prepared => hand_over(self, options),
            Ok(_) => RunError::NotPrepared(uuid),
            Err(source) => RunError::Io {
                action: "lock",
                uuid,
                source,
            },
        }
    }

    /// Whether [`Pod::run_prepared`] makes sense.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.state() == State::Prepared
    }
}

fn hand_over(mut pod: Pod, options: &RunOptions) -> RunError {
    let registrar = options.registrar.as_ref();
    let registered = match registrar
        .map(|registrar| registrar.register(&pod))
        .transpose()
    {
        Ok(registered) => registered,
        Err(error) => return error.into(),
    };
    let Err(error) = try_hand_over(&mut pod, options, registered.as_ref());
    if let Some(registrar) = registrar {
        registrar.take_back(&pod);
    }
    error
}

fn try_hand_over(
    pod: &mut Pod,
    options: &RunOptions,
    registered: Option<&Registered>,
) -> Result<Infallible, RunError> {
    let uuid = pod.uuid();
    let users = pod.users().map_err(|source| RunError::Io {
        action: "read the users of",
        uuid,
        source,
    })?;
    let io = |action, source| RunError::Io {
        action,
        uuid,
        source,
    };
    if let Some(image) = Stage1Image::of(pod).map_err(|e| io("read stage1 of", e))? {
        return run_image::run(pod, &image, options, registered);
    }
    let stage1_error = |source| RunError::Stage1 {
        path: options.stage1.clone(),
        source,
    };
    // What can fail without the pod fails while it can still be run again.
    let program =
        gantry_sys::sealed::sealed_program(&options.stage1, pod.as_fd()).map_err(stage1_error)?;
    let c_string =
        |s: &OsStr| CString::new(s.as_bytes()).map_err(|source| RunError::ZeroByte { source });
    let args = options.arguments(uuid, users, registered);
    let args = args
        .iter()
        .map(|a| c_string(a))
        .collect::<Result<Vec<_>, _>>()?;
    let lock = format!("RKT_LOCK_FD={}", pod.as_fd().as_raw_fd());
    let mut environment = vec![c_string(OsStr::new(&lock))?];
    for (name, value) in &options.environment {
        if name == "RKT_LOCK_FD" {
            continue;
        }
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        environment.push(c_string(&pair)?);
    }
    options
        .conf_files
        .write(pod)
        .map_err(|e| io("write the files for", e))?;
    let _ports = claim_ports(pod, options)?;
    pod.move_to(Phase::Run)
        .map_err(|e| io("move to the running ones", e))?;
    if options.takes_leases() {
        pod.sync_phase().map_err(|e| io("sync", e))?;
    }
    rustix::process::fchdir(pod.as_fd()).map_err(|e| io("enter", e.into()))?;
    // The lock is the running state: stage1 keeps the descriptor open as long as the pod lives.
    rustix::io::fcntl_setfd(pod.as_fd(), rustix::io::FdFlags::empty())
        .map_err(|e| io("lock", e.into()))?;
    gantry_sys::process::exec_file(program.as_fd(), &args, &environment).map_err(stage1_error)
}

/// Makes sure that the ports to be forwarded are free; held until the pod is among the running ones.
fn claim_ports(pod: &Pod, options: &RunOptions) -> Result<Option<OwnedFd>, RunError> {
    if !options.takes_leases() {
        return Ok(None);
    }
    let mut local_config = OsString::from("--local-config=");
    local_config.push(&options.local_config);
    let release = |dead: &Pod| {
        let released = entrypoint::call(&options.stage1, dead, "gc", &[local_config.as_os_str()]);
        released.map_err(io::Error::other)
    };
    match host_ports::check(pod, release) {
        Ok(Ok(lock)) => Ok(lock),
        Ok(Err(taken)) => Err(RunError::PortTaken {
            name: taken.name,
            protocol: taken.protocol,
            port: taken.port,
            by: taken.by,
        }),
        Err(source) => Err(RunError::Io {
            action: "look at the ports of",
            uuid: pod.uuid(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::file;
    use crate::pods_dir::PodsDir;
    use crate::sample::{Sample, child, eventually, uuid};

    #[test]
    fn arguments_are_those_of_interface_version_6() {
        let uuid: Uuid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().unwrap();
        let mut options = RunOptions::new("/s1".into(), "/etc/rkt".into());
        assert_eq!(
            options.arguments(uuid, None, None).join(OsStr::new(" ")),
            *"stage1 run --net=default --local-config=/etc/rkt aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        );
        options.net = "host".into();
        options.hostname = Some("h".into());
        let registered = Registered {
            token: "secret".parse().unwrap(),
            port: 18112,
        };
        let users = UserRange::new(65536, 65536).ok();
        options.conf_files.resolv_conf = crate::conf_files::ResolvConf::Host;
        options.ipc = Some("private".into());
        options.debug = true;
        options.interactive = true;
        options.disable_capabilities = true;
        options.disable_paths = true;
        options.disable_seccomp = true;
        assert_eq!(
            options
                .arguments(uuid, users, Some(&registered))
                .join(OsStr::new(" ")),
            *"stage1 run --net=host --local-config=/etc/rkt --hostname=h --mds-port=18112 \
             --private-users=65536:65536 --dns-conf-mode=resolv=host,hosts=default --ipc=private \
             --debug --interactive --disable-capabilities-restriction --disable-paths \
             --disable-seccomp aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        );
    }

    #[test]
    fn child_runs_a_prepared_pod() {
        let Some(data) = std::env::var_os("GANTRY_TEST_RUN") else {
            return;
        };
        let pods = PodsDir::open(Path::new(&data)).unwrap();
        let pod = pods.get(uuid(1)).unwrap().unwrap();
        let mut options = RunOptions::new("/bin/sh".into(), "/etc/rkt".into());
        options.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        panic!("{}", pod.run_prepared(&options));
    }

    #[test]
    fn stage1_gets_the_lock_the_directory_and_its_arguments() {
        let sample = Sample::new();
        let mut pod = sample.pods.create(uuid(1)).unwrap();
        // The program is a shell, whose first argument, `run`, is a script in the pod's directory.
        let script = "echo \"$@\" >out; readlink /proc/self/fd/$RKT_LOCK_FD >>out; pwd >>out\n\
                      readlink /proc/$$/exe >>out; echo done >>out\n\
                      while test -e out; do sleep 0.01; done\n";
        file::create(pod.as_fd(), Path::new("run"), 0o600, script.as_bytes()).unwrap();
        pod.move_to(Phase::Prepared).unwrap();
        drop(pod);
        let mut runner = child(
            "run::tests::child_runs_a_prepared_pod",
            &[("GANTRY_TEST_RUN", &sample.data())],
        );
        let dir = sample.data().join("pods/run").join(uuid(1).to_string());
        let out = dir.join("out");
        let text = || std::fs::read_to_string(&out).unwrap_or_default();
        eventually("the script", || text().ends_with("done\n"));
        let dir = dir.display();
        // Of the program's path only what an overlay shows, or that it is a copy.
        let shell = std::fs::canonicalize("/bin/sh").unwrap();
        let behind_overlay = format!("/{}", shell.file_name().unwrap().display());
        let expected = ["/memfd:stage1 (deleted)", &behind_overlay].map(|program| {
            format!(
                "--net=default --local-config=/etc/rkt {}\n{dir}\n{dir}\n{program}\ndone\n",
                uuid(1)
            )
        });
        assert!(expected.contains(&text()), "{}", text());
        let state = || sample.pods.get(uuid(1)).unwrap().unwrap().state();
        assert_eq!(state(), State::Running);
        let again = sample.pods.get(uuid(1)).unwrap().unwrap();
        let error = again.run_prepared(&RunOptions::new("/bin/true".into(), "/".into()));
        assert!(matches!(error, RunError::NotPrepared(_)), "{error}");
        std::fs::remove_file(&out).unwrap();
        assert!(runner.wait().unwrap().success());
        eventually("the end", || state() == State::Exited);
    }

    #[test]
    fn a_pod_that_cannot_be_handed_over_stays_prepared() {
        let sample = Sample::new();
        sample
            .pods
            .create(uuid(2))
            .unwrap()
            .move_to(Phase::Prepared)
            .unwrap();
        let pod = sample.pods.get(uuid(2)).unwrap().unwrap();
        let error = pod.run_prepared(&RunOptions::new("/does/not/exist".into(), "/".into()));
        assert_eq!(error.to_string(), "cannot start /does/not/exist");
        assert!(sample.pods.get(uuid(2)).unwrap().unwrap().is_prepared());
    }
}
