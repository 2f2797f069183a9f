//! Pods as services: what the service manager is told, and the sockets that it hands on.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod support;

use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use support::{App, Pod, can_run_pods, eventually};

/// A socket as a service manager has it.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn new(pod: &Pod) -> Self {
        let socket = UnixDatagram::bind(pod.path("notify")).unwrap();
        let timeout = Some(Duration::from_secs(20));
        socket.set_read_timeout(timeout).unwrap();
        Self { socket }
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut bytes = [0; 5000];
        let count = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    /// Whether nothing is said for a while.
    fn hears_nothing(&self) -> bool {
        let short = Some(Duration::from_millis(400));
        self.socket.set_read_timeout(short).unwrap();
        let silent = self.socket.recv(&mut [0; 10]).is_err();
        let long = Some(Duration::from_secs(20));
        self.socket.set_read_timeout(long).unwrap();
        silent
    }
}

fn notifying(name: &str, script: &str) -> App {
    let annotation = json!([{"name": "appc.io/executor/supports-systemd-notify", "value": "true"}]);
    App::shell(name, script).runtime("annotations", annotation)
}

fn with_logger(pod: Pod) -> Pod {
    std::os::unix::fs::symlink("busybox", pod.image("web").join("bin/logger")).unwrap();
    pod
}

/// Sends a message, after a line that means nothing, with what busybox has: its logger writes to
/// whatever socket is in the place of the system log.
const SAY: &str = "say() { ln -sf $NOTIFY_SOCKET /dev/log; logger \"$(printf \"x\\n$1\")\"; };";

fn is_ready(pod: &Pod) -> bool {
    let link = std::fs::read_link(pod.path("stage1/rootfs/rkt/supervisor-status"));
    link.is_ok_and(|to| to == Path::new("ready"))
}

#[test]
fn a_pod_is_ready_when_its_apps_are_started_and_says_that_it_stops() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("web", "sleep 1000")]);
    let manager = Manager::new(&pod);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.env("NOTIFY_SOCKET", pod.path("notify"));
    });
    let pid = child.id();
    let expected = format!("READY=1\nSTATUS=All apps are started\nMAINPID={pid}");
    assert_eq!(manager.hears(), expected);
    assert!(is_ready(&pod));
    support::signal_process(pid, "TERM");
    assert_eq!(manager.hears(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(manager.hears_nothing());
}

#[test]
fn an_app_that_notifies_is_waited_for() {
    if !can_run_pods() {
        return;
    }
    let script =
        format!("{SAY} read go </go; say 'READY=1\\nMAINPID=1\\nSTATUS=up \\033[2J'; sleep 1000");
    let pod = with_logger(Pod::new(vec![
        notifying("web", &script),
        App::shell("other", "sleep 1000"),
    ]));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pod.image("web").join("go"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let manager = Manager::new(&pod);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.env("NOTIFY_SOCKET", pod.path("notify"));
    });
    assert!(manager.hears_nothing());
    assert!(!is_ready(&pod));
    let init = support::children(child.id())[0];
    let app = support::children(init)[0];
    std::fs::write(format!("/proc/{app}/root/go"), "go\n").unwrap();
    // Prose of an app: nothing in it is a terminal's.
    let status = manager.hears();
    assert!(status.starts_with("STATUS=web: up "), "{status:?}");
    assert!(!status.contains('\x1b') && !status.contains("MAINPID"));
    let ready = manager.hears();
    assert!(ready.starts_with("READY=1\n"), "{ready:?}");
    assert!(
        ready.ends_with(&format!("\nMAINPID={}", child.id())),
        "{ready:?}"
    );
    assert!(is_ready(&pod));
    support::signal_process(child.id(), "TERM");
    child.wait().unwrap();
}

#[test]
fn an_app_that_ends_without_a_word_keeps_nobody_waiting() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        notifying("short", "exit 0"),
        App::shell("long", "sleep 1000"),
    ]);
    let manager = Manager::new(&pod);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.env("NOTIFY_SOCKET", pod.path("notify"));
    });
    assert!(manager.hears().starts_with("READY=1\n"));
    support::signal_process(child.id(), "TERM");
    child.wait().unwrap();
}

#[test]
fn other_apps_get_no_socket_and_a_broken_one_of_the_caller_is_no_harm() {
    if !can_run_pods() {
        return;
    }
    let script = "echo \"<$NOTIFY_SOCKET$WATCHDOG_USEC$LISTEN_FDS>\"; ls /dev/notify; exit 0";
    let pod = Pod::new(vec![App::shell("web", script)]);
    for socket in ["/nowhere/notify", "@nobody-listens", "bogus"] {
        let mut child = pod.spawn(&["--net=host"], |command| {
            command
                .env("NOTIFY_SOCKET", socket)
                .env("WATCHDOG_USEC", "1000000")
                .stdout(std::fs::File::create(pod.path("stdout")).unwrap())
                .stderr(Stdio::null());
        });
        assert_eq!(child.wait().unwrap().code(), Some(0), "{socket}");
        assert_eq!(pod.text("stdout"), "<>\n");
        let _ = std::fs::remove_file(pod.path("stage1/rootfs/rkt/supervisor-status"));
    }
}

#[test]
fn signs_of_life_are_the_apps_own_or_those_of_init() {
    if !can_run_pods() {
        return;
    }
    // Without an app that gives any: every half of the time that is wanted.
    let pod = Pod::new(vec![App::shell("web", "sleep 1000")]);
    let manager = Manager::new(&pod);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command
            .env("NOTIFY_SOCKET", pod.path("notify"))
            .env("WATCHDOG_USEC", "200000");
    });
    let mut signs = 0;
    while signs < 3 {
        signs += usize::from(manager.hears() == "WATCHDOG=1");
    }
    support::signal_process(child.id(), "TERM");
    child.wait().unwrap();

    let script = format!("{SAY} echo $WATCHDOG_USEC; say READY=1; say WATCHDOG=1; sleep 1000");
    let pod = with_logger(Pod::new(vec![notifying("web", &script)]));
    let manager = Manager::new(&pod);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command
            .env("NOTIFY_SOCKET", pod.path("notify"))
            .env("WATCHDOG_USEC", "50000")
            .stdout(std::fs::File::create(pod.path("stdout")).unwrap());
    });
    assert!(manager.hears().starts_with("READY=1"));
    assert_eq!(manager.hears(), "WATCHDOG=1");
    assert!(manager.hears_nothing());
    eventually("the app knows the time", || pod.text("stdout") == "50000\n");
    support::signal_process(child.id(), "TERM");
    child.wait().unwrap();
}

/// Runs a pod with two sockets open from descriptor 3 on, as a service manager does.
fn run_with_sockets(pod: &Pod, sockets: [OwnedFd; 2], variables: &str) {
    let prologue = format!("exec 3<&0 4<&1 0</dev/null 1>stdout 2>stderr; export {variables}");
    let [first, second] = sockets;
    let mut child = pod.spawn_with(&prologue, &["--net=host"], |command| {
        command.stdin(first).stdout(second);
    });
    assert_eq!(
        child.wait().unwrap().code(),
        Some(0),
        "{}",
        pod.text("stderr")
    );
}

fn with_ports(app: App, ports: Value) -> App {
    app.with("ports", ports)
}

/// What an app knows of its sockets.
const SOCKETS: &str = "echo \"$LISTEN_FDS $LISTEN_FDNAMES\"; test $LISTEN_PID = $$ && echo mine; \
                       ls -l /proc/self/fd 2>/dev/null | grep -c socket; ls /proc/self/fd";

#[test]
fn sockets_of_the_service_manager_reach_the_app_that_has_their_port() {
    if !can_run_pods() {
        return;
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (stream, datagram) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    let web = with_ports(
        App::shell("web", &format!("{SOCKETS}; exit 0")),
        json!([
            {"name": "www", "protocol": "tcp", "port": stream, "socketActivated": true},
            // One that nobody activates, with the other's number.
            {"name": "dns", "protocol": "udp", "port": datagram},
        ]),
    );
    let other = App::shell("other", "echo \"<$LISTEN_FDS$LISTEN_PID>\"");
    let pod = Pod::new(vec![web, other]);
    let variables = "LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=a.socket:b.socket";
    run_with_sockets(&pod, [tcp.into(), udp.into()], variables);
    let text = pod.text("stdout");
    let mut lines: Vec<&str> = text.lines().filter(|line| *line != "<>").collect();
    assert_eq!(text.lines().count(), lines.len() + 1, "{text}");
    // The directory that ls reads is a descriptor of its own.
    lines.truncate(7);
    assert_eq!(
        lines,
        ["1 a.socket", "mine", "1", "0", "1", "2", "3"],
        "{text}"
    );
    let stderr = pod.text("stderr");
    assert!(
        stderr.contains("\"b.socket\" of the service manager is for no app"),
        "{stderr}"
    );
}

#[test]
fn sockets_without_a_number_are_known_by_their_name_and_served() {
    if !can_run_pods() {
        return;
    }
    let ports = json!([
        {"name": "control", "protocol": "unix", "port": 1, "socketActivated": true},
        {"name": "www", "protocol": "tcp", "port": 80, "socketActivated": true},
    ]);
    let app = App::shell("web", &format!("{SOCKETS}; exit 0"));
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = tcp.local_addr().unwrap().port();
    let pod = Pod::new(vec![with_ports(app, ports)]);
    let manifest = std::fs::read(pod.path("pod")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["ports"] = json!([{"name": "www", "hostPort": number}]);
    std::fs::write(pod.path("pod"), manifest.to_string()).unwrap();
    let control = std::os::unix::net::UnixListener::bind(pod.path("control")).unwrap();
    let variables = "LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=control:";
    run_with_sockets(&pod, [control.into(), tcp.into()], variables);
    // A socket without a name gets that of its port.
    let text = pod.text("stdout");
    assert!(text.starts_with("2 control:www\nmine\n2\n"), "{text}");
    assert_eq!(pod.text("stderr"), "");
}

#[test]
fn sockets_of_another_process_or_nobody_are_left_alone() {
    if !can_run_pods() {
        return;
    }
    let script = "echo \"<$LISTEN_FDS>\"; ls -l /proc/self/fd 2>/dev/null | grep -c socket; exit 0";
    for variables in [
        "LISTEN_FDS=2",
        "LISTEN_FDS=2 LISTEN_PID=1",
        "LISTEN_FDS=2 LISTEN_PID=x",
        "LISTEN_FDS=-1 LISTEN_PID=$$",
        "LISTEN_FDS=99999999999 LISTEN_PID=$$",
        "LISTEN_PID=$$",
    ] {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = tcp.local_addr().unwrap().port();
        let ports =
            json!([{"name": "www", "protocol": "tcp", "port": number, "socketActivated": true}]);
        let pod = Pod::new(vec![with_ports(App::shell("web", script), ports)]);
        let second = tcp.try_clone().unwrap();
        run_with_sockets(&pod, [tcp.into(), second.into()], variables);
        assert_eq!(pod.text("stdout"), "<>\n0\n", "{variables}");
    }
}

#[test]
fn more_sockets_than_are_open_is_an_error() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("web", "true")]);
    let prologue = "exec 3<&- 4<&- 2>stderr; export LISTEN_FDS=5 LISTEN_PID=$$";
    let mut child = pod.spawn_with(prologue, &["--net=host"], |_| {});
    assert_eq!(child.wait().unwrap().code(), Some(254));
    let says = "cannot take the sockets of the service manager: Bad file descriptor";
    assert!(pod.text("stderr").contains(says), "{}", pod.text("stderr"));
}
