//! A pod among the machines of machined, which a test stands in for on a bus of its own.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod support;

use std::future::poll_fn;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{App, Pod, can_run_pods, children, eventually};
use zbus::connection::Builder;
use zbus::export::futures_core::Stream as _;
use zbus::{Connection, MessageStream};

/// The system's bus, with a daemon of its own.
struct Bus {
    daemon: Child,
    directory: tempfile::TempDir,
}

impl Bus {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let all = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), all).unwrap();
        let socket = directory.path().join("bus");
        let configuration = directory.path().join("conf");
        std::fs::write(
            &configuration,
            format!(
                "<busconfig><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\"/><allow own=\"*\"/>\
                 <allow receive_sender=\"*\"/></policy></busconfig>",
                socket.display()
            ),
        )
        .unwrap();
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let bus = Self { daemon, directory };
        eventually("there is a bus", || socket.exists());
        bus
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("bus")
    }

    fn prologue(&self) -> String {
        prologue(&self.socket())
    }
}

/// Shell lines that make a socket that of the system's bus, in a pod's mount namespace.
fn prologue(socket: &Path) -> String {
    format!(
        "mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/dbus && \
         touch /run/dbus/system_bus_socket && mount --bind {} /run/dbus/system_bus_socket",
        socket.display()
    )
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// machined, as far as it is called here; tells of `count` calls and who called.
async fn machined(bus: Connection, count: usize, refuse: bool) -> Vec<(String, u32)> {
    let mut calls = MessageStream::from(&bus);
    let mut seen = Vec::new();
    while seen.len() < count {
        let call = poll_fn(|context| Pin::new(&mut calls).poll_next(context)).await;
        let call = call.unwrap().unwrap();
        let header = call.header();
        let Some(member) = header
            .member()
            .filter(|_| header.path().is_some_and(|p| *p == PATH))
        else {
            continue;
        };
        let body = call.body();
        let said = match member.as_str() {
            "RegisterMachine" => {
                let (name, id, service, class, leader, root): (
                    String,
                    Vec<u8>,
                    String,
                    String,
                    u32,
                    String,
                ) = body.deserialize().unwrap();
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{name} {id} {service} {class} {leader} {root}")
            }
            "UnregisterMachine" => format!("end of {}", body.deserialize::<String>().unwrap()),
            other => other.to_owned(),
        };
        // What machined asks before it does anything.
        let sender = header.sender().unwrap().to_string();
        let about = Some("org.freedesktop.DBus");
        let pid = bus
            .call_method(
                about,
                "/org/freedesktop/DBus",
                about,
                "GetConnectionUnixProcessID",
                &sender,
            )
            .await
            .unwrap();
        seen.push((said, pid.body().deserialize().unwrap()));
        match refuse {
            true => bus
                .reply_error(&header, "org.freedesktop.DBus.Error.AccessDenied", &"no")
                .await
                .unwrap(),
            false => bus.reply(&header, &()).await.unwrap(),
        };
    }
    seen
}

const PATH: &str = "/org/freedesktop/machine1";
const NAME: &str = "org.freedesktop.machine1";

/// Runs `test` beside a machined on `bus`; returns what was said to it in `count` calls.
fn beside_machined(
    bus: &Bus,
    count: usize,
    refuse: bool,
    test: impl FnOnce(),
) -> Vec<(String, u32)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let address = format!("unix:path={}", bus.socket().display());
    let connection = runtime
        .block_on(Builder::address(&*address).name(NAME).build())
        .unwrap();
    let service = runtime.spawn(machined(connection, count, refuse));
    test();
    let seen =
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), service).await });
    runtime.shutdown_background();
    seen.expect("machined is called").unwrap()
}

#[test]
fn a_pod_is_a_machine_whose_leader_is_its_first_process() {
    if !can_run_pods() {
        return;
    }
    let bus = Bus::start();
    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let (mut init, mut supervisor) = (0, 0);
    let seen = beside_machined(&bus, 2, false, || {
        let running = pod.start_with(&bus.prologue(), &["--net=none"]);
        running.says("up");
        supervisor = running.pid();
        init = children(supervisor)[0];
        running.signal("TERM");
        let outcome = running.finish();
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    });
    let id = pod.uuid.replace('-', "");
    let root = std::fs::canonicalize(pod.path("stage1/rootfs")).unwrap();
    let (uuid, root) = (&pod.uuid, root.display());
    let expected = [
        (
            format!("rkt-{uuid} {id} rkt container {init} {root}"),
            supervisor,
        ),
        (format!("end of rkt-{uuid}"), supervisor),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_machined_that_refuses_or_is_not_there_is_no_error() {
    if !can_run_pods() {
        return;
    }
    let bus = Bus::start();
    let pod = || Pod::new(vec![App::shell("app", "echo up; exit 7")]);
    let seen = beside_machined(&bus, 2, true, || {
        let outcome = pod().run_with(&bus.prologue(), &["--net=none"]);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(7), ""));
    });
    assert_eq!(seen.len(), 2);
    let nobody = bus.prologue();
    let silent = tempfile::tempdir().unwrap();
    let socket = silent.path().join("bus");
    let _never_accepts = UnixListener::bind(&socket).unwrap();
    let no_bus = "mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/dbus";
    let prologues = [
        nobody,
        no_bus.to_owned(),
        format!("{no_bus} && touch /run/dbus/system_bus_socket"),
        prologue(&socket),
    ];
    for prologue in prologues {
        let outcome = pod().run_with(&prologue, &["--net=none"]);
        let said = (outcome.status, &*outcome.stdout, &*outcome.stderr);
        assert_eq!(said, (Some(7), "up\n", ""), "{prologue}");
    }
}
