//! Calls of plugins.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use gantry_sys::signal::SignalSet;
use gantry_types::net::{CniVersion, PluginError};

use super::error::CallError;

/// How long a plugin may take. Those that ask a DHCP server wait for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a plugin may take to end when asked.
const GRACE: Duration = Duration::from_secs(5);

/// More than any plugin answers, in bytes.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// What is watched while a plugin works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch<'a> {
    /// Blocked signals, of which those that ask for a stop end the call.
    pub(crate) signals: Option<&'a SignalSet>,
    /// The pod's lock, which the plugin holds too: should this process be killed, the pod counts as
    /// running until the plugin has ended.
    pub(crate) lock: Option<BorrowedFd<'a>>,
}

/// A call of a plugin, without what it reads.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// `ADD`, `DEL`, `CHECK` or `GC`.
    pub(super) command: &'static str,
    pub(super) program: &'a Path,
    pub(super) version: CniVersion,
    pub(super) container: &'a str,
    /// Path of the namespace; empty if it is gone.
    pub(super) netns: &'a str,
    pub(super) interface: &'a str,
    pub(super) args: &'a str,
    pub(super) plugin_path: &'a OsStr,
}

impl Call<'_> {
    /// Calls the plugin with `configuration` and returns what it printed; `meanwhile` runs while it works.
    pub(super) fn run(
        &self,
        configuration: &[u8],
        watch: Watch<'_>,
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<u8>, CallError> {
        let mut input = memory().map_err(CallError::Start)?;
        let mut output = memory().map_err(CallError::Start)?;
        let mut prose = memory().map_err(CallError::Start)?;
        input
            .write_all(configuration)
            .and_then(|()| input.rewind())
            .map_err(CallError::Start)?;
        let stream = |file: &File| file.try_clone().map(Stdio::from);
        let mut command = Command::new(self.program);
        command
            .current_dir("/")
            // Not the caller's terminal's: a ^C there must not end it half-way.
            .process_group(0)
            .stdin(input)
            .stdout(stream(&output).map_err(CallError::Start)?)
            .stderr(stream(&prose).map_err(CallError::Start)?)
            .env("CNI_VERSION", self.version.as_str())
            .env("CNI_COMMAND", self.command)
            .env("CNI_PATH", self.plugin_path)
            .env("PATH", search_path());
        // GC is about no container.
        if !self.container.is_empty() {
            command
                .env("CNI_CONTAINERID", self.container)
                .env("CNI_NETNS", self.netns)
                .env("CNI_IFNAME", self.interface)
                .env("CNI_ARGS", arguments(self.args));
        }
        for private in ["RKT_LOCK_FD", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"] {
            command.env_remove(private);
        }
        let (status, ending) =
            spawn_and_wait(&mut command, watch, meanwhile).map_err(CallError::Start)?;
        match ending {
            Ending::ByItself => {}
            Ending::Interrupted => return Err(CallError::Interrupted),
            Ending::TimedOut => return Err(CallError::TimedOut(PATIENCE.as_secs())),
        }
        let answer = contents(&mut output).map_err(CallError::Start)?;
        if status.success() {
            return Ok(answer);
        }
        let prose = contents(&mut prose).map_err(CallError::Start)?;
        let mut said = PluginError::parse(&answer, &prose);
        if said.message.is_empty() && said.details.is_empty() {
            said.message = format!("nothing, and ended with {status}");
        }
        Err(CallError::Said(said))
    }
}

/// The value of `CNI_ARGS`. Of several plugins each knows only some arguments, and all but the newest take
/// others for mistakes unless told not to.
fn arguments(args: &str) -> String {
    match args {
        "" => String::new(),
        args if args.contains("IgnoreUnknown=") => args.to_owned(),
        args => format!("IgnoreUnknown=1;{args}"),
    }
}

/// Why a plugin ended.
enum Ending {
    ByItself,
    Interrupted,
    TimedOut,
}

fn spawn_and_wait(
    command: &mut Command,
    watch: Watch<'_>,
    meanwhile: impl FnOnce(),
) -> io::Result<(ExitStatus, Ending)> {
    // This process has one thread, so nothing else is started between these lines.
    if let Some(lock) = watch.lock {
        rustix::io::fcntl_setfd(lock, FdFlags::empty())?;
    }
    let spawned = command.spawn();
    if let Some(lock) = watch.lock {
        rustix::io::fcntl_setfd(lock, FdFlags::CLOEXEC)?;
    }
    let mut child = spawned?;
    let pid = Pid::from_child(&child);
    let ending = pidfd_open(pid, PidfdFlags::empty())
        .map_err(io::Error::from)
        .and_then(|process| {
            meanwhile();
            wait_for(&process, pid, watch.signals)
        });
    Ok((child.wait()?, ending?))
}

fn wait_for(process: &OwnedFd, pid: Pid, signals: Option<&SignalSet>) -> io::Result<Ending> {
    let pending = signals.map(SignalSet::descriptor).transpose()?;
    let mut ending = Ending::ByItself;
    let mut deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut ready = vec![PollFd::new(process, PollFlags::IN)];
        ready.extend(pending.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut ready, Some(&left)) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        if !ready[0].revents().is_empty() {
            return Ok(ending);
        }
        if Instant::now() >= deadline {
            if matches!(ending, Ending::ByItself) {
                ending = Ending::TimedOut;
            }
            let _ = kill_process_group(pid, Signal::KILL);
            deadline += GRACE;
            continue;
        }
        let signal = signals.map(|signals| signals.wait(Some(Duration::ZERO)));
        // The end of init is seen later, in its own pipe.
        if let Some(Some(Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT)) =
            signal.transpose()?
        {
            ending = Ending::Interrupted;
            let _ = kill_process_group(pid, Signal::TERM);
            deadline = Instant::now() + GRACE;
        }
    }
}

/// Runs a tool of the host with `input` and returns what it printed, or what it complained of.
pub(super) fn tool(program: &str, arguments: &[&str], input: &[u8]) -> io::Result<Vec<u8>> {
    let (mut stdin, mut output, mut prose) = (memory()?, memory()?, memory()?);
    stdin.write_all(input)?;
    stdin.rewind()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir("/")
        .process_group(0)
        .stdin(stdin)
        .stdout(output.try_clone()?)
        .stderr(prose.try_clone()?)
        // What it says is compared with words.
        .env("LC_ALL", "C")
        .env("PATH", search_path());
    let watch = Watch {
        signals: None,
        lock: None,
    };
    let (status, _) = spawn_and_wait(&mut command, watch, || {})?;
    if status.success() {
        return contents(&mut output);
    }
    let prose = contents(&mut prose)?;
    let said = PluginError::parse(&[], &prose);
    Err(io::Error::other(format!("{program}: {said}")))
}

/// The caller's search path, with the places of what plugins start: that of a user has none of them.
fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let mut path = if own.is_empty() {
        "/usr/local/bin:/usr/bin:/bin".to_owned()
    } else {
        own
    };
    for place in ["/usr/sbin", "/sbin"] {
        if !path.split(':').any(|part| part == place) {
            path = format!("{path}:{place}");
        }
    }
    path
}

/// A file in memory: a plugin that nobody reads from does not block, as it would at a full pipe.
fn memory() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("cni", MemfdFlags::CLOEXEC)?.into())
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(MAX_ANSWER).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Watch<'static> = Watch {
        signals: None,
        lock: None,
    };

    fn call(script: &str) -> Result<String, String> {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("plugin");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let call = Call {
            command: "ADD",
            program: &program,
            version: CniVersion::V0_4_0,
            container: "c",
            netns: "/n",
            interface: "eth0",
            args: "IP=1.2.3.4",
            plugin_path: OsStr::new("/p"),
        };
        let mut ran = false;
        let answer = call.run(b"configuration", ALONE, || ran = true);
        assert!(ran);
        answer
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_plugin_gets_configuration_and_environment() {
        assert_eq!(
            call("cat; echo \" $CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $CNI_PATH $CNI_VERSION $(pwd)\"")
                .unwrap(),
            "configuration ADD c /n eth0 IgnoreUnknown=1;IP=1.2.3.4 /p 0.4.0 /\n"
        );
        assert_eq!(
            call("dd if=/dev/zero bs=1024 count=200 status=none")
                .unwrap()
                .len(),
            200 * 1024
        );
    }

    #[test]
    fn a_failed_plugin_is_quoted() {
        for (script, text) in [
            (
                "echo '{\"code\":11,\"msg\":\"no\",\"details\":\"way\"}'; exit 1",
                "says: no; way",
            ),
            ("echo broken >&2; exit 3", "says: broken"),
            ("exit 3", "says: nothing, and ended with exit status: 3"),
            (
                "kill -9 $$",
                "says: nothing, and ended with signal: 9 (SIGKILL)",
            ),
        ] {
            assert_eq!(call(script).unwrap_err(), text);
        }
    }

    #[test]
    fn tools_of_the_host_are_quoted_too() {
        assert_eq!(tool("cat", &[], b"x").unwrap(), b"x");
        let error = tool("sh", &["-c", "echo bad >&2; exit 1"], b"").unwrap_err();
        assert_eq!(error.to_string(), "sh: bad");
    }
}
