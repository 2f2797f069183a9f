//! `rkt run` as a service: readiness from the fetch of the image to the word of the app.

mod support;

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::{HOST, World, can_run_pods};

const SHELL: [&str; 3] = ["/bin/busybox", "sh", "-c"];

fn hears(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 5000];
    let count = manager.recv(&mut bytes).expect("a message");
    String::from_utf8(bytes[..count].to_vec()).expect("text")
}

fn manager(world: &World) -> UnixDatagram {
    let manager = UnixDatagram::bind(world.env.path("notify")).expect("a socket");
    let timeout = Some(Duration::from_secs(30));
    manager.set_read_timeout(timeout).expect("a limit");
    manager
}

#[test]
fn a_service_asks_for_time_while_it_fetches_and_tells_when_it_runs_and_stops() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &SHELL);
    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    let manager = manager(&world);
    let name = format!("{HOST}/hello:1.0.0");
    let mut pod = world
        .rkt_command()
        .args([
            "run",
            "--net=host",
            &name,
            "--",
            "while true; do /bin/busybox sleep 1; done",
        ])
        .env("NOTIFY_SOCKET", world.env.path("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run");
    let first = hears(&manager);
    assert!(first.starts_with("STATUS=Preparing"), "{first}");
    assert!(first.contains("\nEXTEND_TIMEOUT_USEC=30000000"), "{first}");
    let mut message = hears(&manager);
    while message.contains("EXTEND_TIMEOUT_USEC") {
        message = hears(&manager);
    }
    assert!(message.starts_with("READY=1\n"), "{message}");
    // The supervisor is what rkt became.
    assert!(
        message.ends_with(&format!("\nMAINPID={}", pod.id())),
        "{message}"
    );
    let pid = i32::try_from(pod.id()).expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("asked");
    assert!(hears(&manager).starts_with("STOPPING=1\n"));
    assert_eq!(pod.wait().expect("the end").code(), Some(0));
    world.gc();
}

#[test]
fn an_image_that_notifies_makes_the_pod_wait_for_its_word() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build_with(
        "notifier",
        "1.0.0",
        &SHELL,
        &[&[
            "annotation",
            "add",
            "appc.io/executor/supports-systemd-notify",
            "true",
        ]],
    );
    let id = world.import(&image);
    let manager = manager(&world);
    let file = world.env.path("uuid");
    let script = "while ! [ -e /go ]; do /bin/busybox sleep 0.05; done; \
                  /bin/busybox ln -s $NOTIFY_SOCKET /dev/log; \
                  /bin/busybox logger \"$(printf 'x\\nREADY=1')\"; \
                  while true; do /bin/busybox sleep 1; done";
    let mut pod = world
        .rkt_command()
        .args(["run", "--net=host"])
        .arg(format!("--uuid-file-save={}", file.display()))
        .args([&id, "--", script])
        .env("NOTIFY_SOCKET", world.env.path("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run");
    assert!(hears(&manager).contains("EXTEND_TIMEOUT_USEC"));
    let deadline = Instant::now() + Duration::from_secs(30);
    let app = loop {
        assert!(Instant::now() < deadline, "the app does not start");
        std::thread::sleep(Duration::from_millis(20));
        let Some(init) = children(pod.id()).first().copied() else {
            continue;
        };
        let Some(app) = children(init).first().copied() else {
            continue;
        };
        let name = std::fs::read_to_string(format!("/proc/{app}/comm")).unwrap_or_default();
        if name.trim() == "busybox" {
            break app;
        }
    };
    let uuid = std::fs::read_to_string(&file).expect("a UUID");
    let start = Instant::now();
    world
        .rkt(["status", "--wait-ready=500ms", &uuid])
        .expect(254);
    assert!(start.elapsed() >= Duration::from_millis(500));
    std::fs::write(format!("/proc/{app}/root/go"), "").expect("go");
    let ready = hears(&manager);
    assert!(ready.starts_with("READY=1\n"), "{ready}");
    let start = Instant::now();
    world.rkt(["status", "--wait-ready=20s", &uuid]).expect(0);
    assert!(start.elapsed() < Duration::from_secs(10));
    world.rkt(["stop", &uuid]).expect(0);
    pod.wait().expect("the end");
    world.gc();
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let text = text.unwrap_or_default();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
