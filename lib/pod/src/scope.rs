//! A unit of systemd for a pod that was started in none of its own.
//!
//! A pod started by a service is the service; one started by a shell would be a part of the session,
//! end with it, and could have no limits. It gets a scope, as machined makes for machines.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use gantry_sys::cgroup::{Group, Hierarchies, Hierarchy};
use gantry_types::{Diagnostic, Kind, pod_layout};
use zbus::connection::Builder;
use zbus::export::futures_core::Stream as _;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, Variant};

use crate::pod::Pod;
use crate::prepare::PreparedPod;
use crate::stage1_image::Stage1Image;

/// Is there where systemd runs as the first process. Source: sd_booted(3).
const BOOTED: &str = "/run/systemd/system";
/// The bus that systemd listens on. Not the one that the caller's environment names, which may come
/// from another user, as through sudo.
const BUS: &str = "/run/dbus/system_bus_socket";
const SERVICE: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// How long systemd may take to make a scope.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many ends of other jobs may come before the answer to a call; the bus is not read beyond.
const QUEUED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// There is no scope for the pod.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// Where this process is among the units cannot be told.
    #[error("cannot read the control groups of this process")]
    Memberships(#[source] io::Error),
    /// What stage1 the pod has cannot be told.
    #[error("cannot read the stage1 of the pod")]
    Stage1(#[source] io::Error),
    /// systemd cannot be asked, or refused.
    #[error("cannot ask systemd for a scope")]
    Bus(#[from] zbus::Error),
    /// The scope came to nothing.
    #[error("systemd could not make the scope {scope}: the job is {result}")]
    Job {
        /// Its name.
        scope: String,
        /// What systemd says of it.
        result: String,
    },
    /// systemd does not answer.
    #[error("systemd does not answer within {} s", .0.as_secs())]
    Silence(Duration),
}

impl Diagnostic for ScopeError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

impl Pod {
    /// Makes this process one of a scope for the pod; to be called right before the pod is run, which
    /// inherits it.
    ///
    /// Does nothing where systemd does not run, where this process is in a unit of its own, where the
    /// system's bus is not that of this process's user (who is root of a user namespace only, say), and
    /// for a pod whose stage1 is an image: such a stage1 makes the scope itself.
    ///
    /// # Errors
    ///
    /// [`ScopeError`]; this process then is where it was, except that systemd may still do later what it
    /// did not do in time.
    pub fn enter_scope(&self) -> Result<(), ScopeError> {
        if !Path::new(BOOTED).exists() {
            return Ok(());
        }
        let Some(scope) = scope_of(self).map_err(ScopeError::Stage1)? else {
            return Ok(());
        };
        let hierarchies = Hierarchies::of_caller().map_err(ScopeError::Memberships)?;
        let systemds = hierarchies.legacy("name=systemd");
        let Some(own) = systemds.or_else(|| hierarchies.unified()) else {
            return Ok(());
        };
        let bus = Path::new(BUS);
        if is_own_unit(&own) || is_of_another(bus) {
            return Ok(());
        }
        ask(bus, &scope, PATIENCE)
    }
}

impl PreparedPod {
    /// As [`Pod::enter_scope`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn enter_scope(&self) -> Result<(), ScopeError> {
        self.pod().enter_scope()
    }
}

/// The name of the scope that we make for a pod; none if its stage1 does.
fn scope_of(pod: &Pod) -> io::Result<Option<String>> {
    let ours = Stage1Image::of(pod)?.is_none();
    Ok(ours.then(|| pod_layout::machine_scope(&pod.uuid().to_string())))
}

/// Whether somebody else than this process's user listens there.
fn is_of_another(bus: &Path) -> bool {
    // If it is not there at all, that is an error later.
    std::fs::metadata(bus).is_ok_and(|bus| bus.uid() != rustix::process::geteuid().as_raw())
}

/// Asks systemd behind a bus for a scope with this process in it.
fn ask(bus: &Path, scope: &str, patience: Duration) -> Result<(), ScopeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(zbus::Error::from)?;
    let answer = runtime.block_on(async {
        let asking = async {
            let address = format!("unix:path={}", bus.display());
            let bus = Builder::address(address.as_str()).build().await?;
            start_scope(&bus, scope).await
        };
        tokio::time::timeout(patience, asking).await
    });
    // It has no threads now, and if it had one that hangs, that would end with this process's exec.
    runtime.shutdown_background();
    answer.unwrap_or(Err(ScopeError::Silence(patience)))
}

/// Whether the caller's group is that of a unit which is there for it alone.
fn is_own_unit(own: &Hierarchy) -> bool {
    let path = own.path_of(&own.own);
    let mut names = path.iter().rev().filter_map(|name| name.to_str());
    match names.find(|name| name.ends_with(".service") || name.ends_with(".scope")) {
        // All of a user's programs.
        Some(unit) if unit.starts_with("user@") => false,
        Some(unit) if unit.ends_with(".service") => true,
        // A session's, a terminal's: ours only if nobody else is there.
        Some(_) => Group::new(own.own.clone())
            .processes()
            .is_ok_and(|all| all == [rustix::process::getpid()]),
        None => false,
    }
}

/// Asks for a scope with this process in it, and waits until that has happened.
async fn start_scope(bus: &Connection, scope: &str) -> Result<(), ScopeError> {
    // The answer to the call only says that the job is queued. Its end may come before the answer.
    let ended = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(SERVICE)
        .path(PATH)
        .interface(MANAGER)
        .member("JobRemoved")
        .build()?;
    let mut ended = MessageStream::for_match_rule(ended, bus, Some(QUEUED)).await?;
    let (service, interface) = (Some(SERVICE), Some(MANAGER));
    bus.call_method(service, PATH, interface, "Subscribe", &())
        .await?;
    let properties = [
        ("Description", Variant::from("rkt pod")),
        // The sender, whatever its number is where systemd runs.
        ("PIDs", Variant::from(vec![0_u32])),
        ("Delegate", Variant::from(true)),
        ("CollectMode", Variant::from("inactive-or-failed")),
        ("Slice", Variant::from("machine.slice")),
    ];
    let others: [(&str, Vec<(&str, Variant<'_>)>); 0] = [];
    let arguments = (scope, "fail", properties.as_slice(), others.as_slice());
    let answer = bus
        .call_method(service, PATH, interface, "StartTransientUnit", &arguments)
        .await?;
    let job: OwnedObjectPath = answer.body().deserialize()?;
    loop {
        let message = poll_fn(|context| Pin::new(&mut ended).poll_next(context)).await;
        let Some(message) = message.transpose()? else {
            let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
            return Err(zbus::Error::from(gone).into());
        };
        // Anybody on the bus may send such a signal to us.
        if message.header().sender() != answer.header().sender() {
            continue;
        }
        let body = message.body();
        let (_, ended, _, result): (u32, OwnedObjectPath, String, String) = body.deserialize()?;
        if ended == job {
            return match result.as_str() {
                "done" => Ok(()),
                _ => Err(ScopeError::Job {
                    scope: scope.to_owned(),
                    result,
                }),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file;
    use crate::sample::{Sample, uuid};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Instant;
    use zbus::{Guid, Message, OwnedVariant};

    const JOB: &str = "/org/freedesktop/systemd1/job/7";

    /// systemd, as far as it is asked here: its end of a job comes before its answer to the call.
    async fn systemd(stream: UnixStream, result: &'static str) -> Vec<String> {
        let guid = Guid::generate();
        let builder = Builder::unix_stream(stream).server(guid.to_string()).p2p();
        let bus = builder.build().await.unwrap();
        let mut calls = MessageStream::from(&bus);
        let mut seen = Vec::new();
        while let Some(Ok(call)) = poll_fn(|context| Pin::new(&mut calls).poll_next(context)).await
        {
            let header = call.header();
            let member = header.member().map(ToString::to_string).unwrap_or_default();
            seen.push(member.clone());
            if member != "StartTransientUnit" {
                bus.reply(&header, &()).await.unwrap();
                continue;
            }
            type Properties = Vec<(String, OwnedVariant)>;
            let body = call.body();
            let (unit, mode, properties, _): (
                String,
                String,
                Properties,
                Vec<(String, Properties)>,
            ) = body.deserialize().unwrap();
            seen.push(format!("{unit} {mode}"));
            seen.extend(properties.into_iter().map(|(name, _)| name));
            // The first is a forgery, by another than who answers the calls.
            let others = [(Some(":1.66"), JOB, "forged"), (None, "/other", "failed")];
            let others = others
                .into_iter()
                .chain((0..200).map(|_| (None, "/other", "done")));
            for (sender, job, result) in others.chain([(None, JOB, result)]) {
                let job = OwnedObjectPath::try_from(job).unwrap();
                let mut removed = Message::signal(PATH, MANAGER, "JobRemoved");
                if let Some(sender) = sender {
                    removed = removed.sender(sender);
                }
                let removed = removed.build(&(7_u32, job, unit.as_str(), result)).unwrap();
                bus.send(&removed).await.unwrap();
            }
            let job = OwnedObjectPath::try_from(JOB).unwrap();
            bus.reply(&header, &job).await.unwrap();
        }
        seen
    }

    fn asked(result: &'static str) -> (Result<(), ScopeError>, Vec<String>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        runtime.block_on(async {
            let systemd = tokio::spawn(systemd(theirs, result));
            let bus = Builder::unix_stream(ours).p2p().build().await.unwrap();
            let asked = tokio::time::timeout(PATIENCE, start_scope(&bus, "x.scope")).await;
            bus.close().await.unwrap();
            (asked.unwrap(), systemd.await.unwrap())
        })
    }

    #[test]
    fn a_scope_is_there_when_its_job_is_done() {
        let (answer, seen) = asked("done");
        answer.unwrap();
        let expected = [
            "Subscribe",
            "StartTransientUnit",
            "x.scope fail",
            "Description",
            "PIDs",
            "Delegate",
            "CollectMode",
            "Slice",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_job_that_fails_is_an_error() {
        let (answer, _) = asked("failed");
        let text = answer.unwrap_err().to_string();
        assert_eq!(
            text,
            "systemd could not make the scope x.scope: the job is failed"
        );
    }

    #[test]
    fn a_bus_that_does_not_answer_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let silent = directory.path().join("silent");
        let _never_accepts = UnixListener::bind(&silent).unwrap();
        // Its one place is taken, so that connecting does not end either.
        let full = directory.path().join("full");
        let kind = rustix::net::SocketType::STREAM;
        let socket = rustix::net::socket(rustix::net::AddressFamily::UNIX, kind, None).unwrap();
        let address = rustix::net::SocketAddrUnix::new(&full).unwrap();
        rustix::net::bind(&socket, &address).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let _taken = UnixStream::connect(&full).unwrap();
        for bus in [&silent, &full] {
            let before = Instant::now();
            let error = ask(bus, "x.scope", Duration::from_secs(1)).unwrap_err();
            assert_eq!(error.to_string(), "systemd does not answer within 1 s");
            assert!(before.elapsed() < Duration::from_secs(8), "{bus:?}");
        }
        let nowhere = ask(&directory.path().join("none"), "x.scope", PATIENCE);
        assert!(matches!(nowhere, Err(ScopeError::Bus(_))), "{nowhere:?}");
    }

    #[test]
    fn a_stage1_that_is_an_image_makes_its_own_scope() {
        let sample = Sample::new();
        let pod = sample.pods.create(uuid(1)).unwrap();
        let expected = pod_layout::machine_scope(&uuid(1).to_string());
        assert_eq!(scope_of(&pod).unwrap(), Some(expected));
        let json =
            br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stage1"}"#;
        let path = Path::new(pod_layout::STAGE1_MANIFEST);
        let directory = pod.path().join(path.parent().unwrap());
        std::fs::create_dir_all(directory).unwrap();
        file::create(pod.as_fd(), path, 0o600, json).unwrap();
        assert_eq!(scope_of(&pod).unwrap(), None);
    }

    #[test]
    fn only_the_bus_of_ones_own_user_is_asked() {
        let directory = tempfile::tempdir().unwrap();
        let bus = directory.path().join("bus");
        assert!(!is_of_another(&bus));
        let _listener = UnixListener::bind(&bus).unwrap();
        assert!(!is_of_another(&bus));
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&bus, Some(65534), None).unwrap();
            assert!(is_of_another(&bus));
        }
    }

    #[test]
    fn units_that_are_a_pods_own_are_told_from_those_of_others() {
        let root = tempfile::tempdir().unwrap();
        let own = |path: &str| {
            let group = root.path().join(path);
            std::fs::create_dir_all(&group).unwrap();
            let pid = std::process::id();
            let list = if path.ends_with("alone.scope") {
                format!("{pid}\n")
            } else {
                format!("1\n{pid}\n")
            };
            std::fs::write(group.join("cgroup.procs"), list).unwrap();
            std::fs::write(root.path().join("cgroup.controllers"), "").unwrap();
            let all = Hierarchies::at(root.path(), &format!("0::/{path}\n"));
            is_own_unit(&all.unified().unwrap())
        };
        for yes in [
            "system.slice/web.service",
            "machine.slice/run-r1.service/supervisor",
            "user.slice/user-1.slice/user@1.service/app.slice/web.service",
            "user.slice/alone.scope",
        ] {
            assert!(own(yes), "{yes}");
        }
        for no in [
            "user.slice/user-0.slice/session-1.scope",
            "user.slice/user-1.slice/user@1.service/app.slice/terminal.scope",
            "user.slice/user-1.slice/user@1.service/init",
            "init.scope",
            "system.slice",
        ] {
            assert!(!own(no), "{no}");
        }
    }
}
