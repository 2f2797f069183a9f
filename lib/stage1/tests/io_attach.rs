//! Attaching to the streams and terminals of running apps, and leaving them again.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod support;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{App, Pod, can_run_pods, eventually, stage1};

fn streams(app: App, modes: &[(&str, &str)]) -> App {
    let annotations: Vec<Value> = modes
        .iter()
        .map(|(stream, mode)| {
            json!({"name": format!("coreos.com/rkt/stage2/{stream}"), "value": mode})
        })
        .collect();
    app.runtime("annotations", Value::Array(annotations))
}

const ALL: [(&str, &str); 3] = [
    ("stdin", "stream"),
    ("stdout", "stream"),
    ("stderr", "stream"),
];

const TTY: [(&str, &str); 3] = [("stdin", "tty"), ("stdout", "tty"), ("stderr", "tty")];

fn attach(pod: &Pod, arguments: &[&str]) -> Child {
    Command::new(stage1())
        .arg("attach")
        .args(arguments)
        .arg("--app=web")
        .current_dir(pod.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads until `text` came.
fn until(from: &mut impl std::io::Read, text: &str) -> String {
    let mut got = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&got).contains(text) {
        assert_eq!(from.read(&mut byte).unwrap(), 1, "{got:?}");
        got.push(byte[0]);
    }
    String::from_utf8(got).unwrap()
}

fn wait_ready(pod: &Pod) {
    let link = pod.path("stage1/rootfs/rkt/supervisor-status");
    eventually("the pod is ready", || link.is_symlink());
}

#[test]
fn the_endpoints_of_an_app_are_listed_as_rkt_does() {
    if !can_run_pods() {
        return;
    }
    let web = streams(App::shell("web", "sleep 1000"), &ALL[..2]);
    let pod = Pod::new(vec![web]);
    let running = pod.start();
    wait_ready(&pod);
    let output = attach(&pod, &["--action=list"]).wait_with_output().unwrap();
    let expected = r#"{
    "version": 1,
    "targets": [
        {
            "name": "stdin",
            "domain": "unix",
            "address": "/rkt/iottymux/web/sock-stdin"
        },
        {
            "name": "stdout",
            "domain": "unix",
            "address": "/rkt/iottymux/web/sock-stdout"
        }
    ]
}
"#;
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    let refused = attach(&pod, &["--action=custom-attach", "--tty-in=true"]);
    let output = refused.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(254));
    let says = "app web has no tty to attach to: it has stdin, stdout";
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(says), "{stderr}");
    running.signal("TERM");
    running.finish();
}

#[test]
fn several_attach_to_one_app_each_gets_everything_unchanged_and_may_write() {
    if !can_run_pods() {
        return;
    }
    // The end of standard input never comes, however many leave.
    let script = "while read line; do printf \"got $line\\000\\377\\033\\n\"; echo err >&2; \
                  [ \"$line\" != end ] || exit 4; done";
    let pod = Pod::new(vec![streams(App::shell("web", script), &ALL)]);
    let running = pod.start();
    wait_ready(&pod);
    let mut first = attach(&pod, &["--action=auto-attach"]);
    let mut second = attach(&pod, &["--action=custom-attach", "--stdout=true"]);
    let mut from_first = first.stdout.take().unwrap();
    let mut from_second = second.stdout.take().unwrap();
    // Attached is who gets what is written.
    let mut hello = attach(&pod, &["--action=custom-attach", "--stdin=true"]);
    let mut to = hello.stdin.take().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    to.write_all(b"hello\n").unwrap();
    let mut bytes = [0; 13];
    from_first.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"got hello\0\xff\x1b\n");
    from_second.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"got hello\0\xff\x1b\n");
    drop(to);
    assert_eq!(hello.wait().unwrap().code(), Some(0));
    second.kill().unwrap();
    second.wait().unwrap();

    first.stdin.as_mut().unwrap().write_all(b"end\n").unwrap();
    let mut rest = Vec::new();
    from_first.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"got end\0\xff\x1b\n");
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"err\nerr\n");
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    // Nothing of it is the caller's or the log's.
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn without_anybody_attached_an_app_is_not_held_up() {
    if !can_run_pods() {
        return;
    }
    let script = "dd if=/dev/zero bs=100000 count=20 2>/dev/null; exit 5";
    let pod = Pod::new(vec![streams(App::shell("web", script), &ALL)]);
    assert_eq!(pod.run().status, Some(5));
}

#[test]
fn one_who_does_not_read_holds_up_only_the_app_it_is_attached_to() {
    if !can_run_pods() {
        return;
    }
    let script = "read go; dd if=/dev/zero bs=100000 count=20 2>/dev/null; exit 5";
    let web = streams(App::shell("web", script), &ALL);
    let other = App::shell("other", "sleep 1; echo still here; sleep 1000");
    let pod = Pod::new(vec![web, other]);
    let running = pod.start();
    wait_ready(&pod);
    let mut lazy = attach(&pod, &["--action=auto-attach"]);
    lazy.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    running.says("still here");
    assert!(pod.status("web").is_none());
    lazy.kill().unwrap();
    lazy.wait().unwrap();
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(5), "{outcome:?}");
}

/// A terminal: the end of a test, and that of a program.
fn terminal() -> (File, OwnedFd) {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = ioctl_tiocgptpeer(&ours, flags).unwrap();
    (File::from(ours), theirs)
}

#[test]
fn a_terminal_is_shared_and_left_by_keys_and_by_signals_as_it_was() {
    if !can_run_pods() {
        return;
    }
    let script = "trap 'echo interrupted' INT; tty; echo ready; \
                  while true; do read line && echo \"<$line>\"; done";
    let pod = Pod::new(vec![streams(App::shell("web", script), &TTY)]);
    let busybox = pod.image("web").join("bin/tty");
    std::os::unix::fs::symlink("busybox", busybox).unwrap();
    let running = pod.start();
    wait_ready(&pod);
    for leave in ["keys", "signal"] {
        let (mut ours, theirs) = terminal();
        let before = rustix::termios::tcgetattr(&theirs).unwrap();
        let copy = || theirs.try_clone().unwrap();
        let mut child = Command::new(stage1())
            .args(["attach", "--action=auto-attach", "--app=web"])
            .current_dir(pod.path(""))
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .unwrap();
        eventually("the terminal is raw", || {
            let now = rustix::termios::tcgetattr(&theirs).unwrap();
            !now.local_modes.contains(rustix::termios::LocalModes::ECHO)
        });
        ours.write_all(b"hello\n").unwrap();
        until(&mut ours, "<hello>");
        // The key is the app's, not ours.
        ours.write_all(b"\x03").unwrap();
        until(&mut ours, "interrupted");
        match leave {
            "keys" => ours.write_all(b"\x1d\x1d\x1d").unwrap(),
            _ => support::signal_process(child.id(), "TERM"),
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{leave}");
        let after = rustix::termios::tcgetattr(&theirs).unwrap();
        assert_eq!(before.local_modes, after.local_modes, "{leave}");
        assert_eq!(before.input_modes, after.input_modes, "{leave}");
        assert!(pod.status("web").is_none());
    }
    // Only to look: what is typed does not arrive.
    let mut watcher = attach(&pod, &["--action=custom-attach", "--tty-out=true"]);
    let mut typist = attach(&pod, &["--action=custom-attach", "--tty-in=true"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    typist
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"typed\n")
        .unwrap();
    until(watcher.stdout.as_mut().unwrap(), "<typed>");
    drop(typist.stdin.take());
    assert_eq!(typist.wait().unwrap().code(), Some(0));
    running.signal("TERM");
    running.finish();
    assert_eq!(watcher.wait().unwrap().code(), Some(0));
}

#[test]
fn an_app_without_endpoints_and_broken_lists_are_told() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("web", "true")]);
    let failure = |pod: &Pod| {
        let output = attach(pod, &["--action=auto-attach"])
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(254));
        String::from_utf8(output.stderr).unwrap()
    };
    let stderr = failure(&pod);
    assert!(
        stderr.contains("app web has nothing to attach to"),
        "{stderr}"
    );
    let directory = pod.path("stage1/rootfs/rkt/iottymux/web");
    std::fs::create_dir_all(&directory).unwrap();
    for bad in ["", "\0\0", "[]", "{\"targets\":[{\"name\":\"\x1b[2J\"}]}"] {
        std::fs::write(directory.join("endpoints"), bad).unwrap();
        let stderr = failure(&pod);
        assert!(
            stderr.contains("bad list of endpoints of app web"),
            "{stderr}"
        );
    }
    let gone = r#"{"version":1,"targets":[{"name":"stdout"}]}"#;
    std::fs::write(directory.join("endpoints"), gone).unwrap();
    let stderr = failure(&pod);
    assert!(
        stderr.contains("cannot attach to stdout of the app; is it running?"),
        "{stderr}"
    );
}
