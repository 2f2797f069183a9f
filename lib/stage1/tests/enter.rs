//! Commands run in a running app.

mod support;

use serde_json::json;
use support::{App, Pod, can_run_pods, children};

fn enter(pod: &Pod, pid: u32, app: &str, command: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(support::stage1())
        .arg("enter")
        .args([
            format!("--pid={pid}"),
            format!("--appname={app}"),
            "--".to_owned(),
        ])
        .args(command)
        .current_dir(pod.path("."))
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_command_has_the_apps_rights_and_surroundings() {
    if !can_run_pods() {
        return;
    }
    let environment = json!([{"name": "COLOUR", "value": "blue"}]);
    let pod = Pod::new(vec![
        App::shell("web", "echo marker > /tmp/file; echo up; sleep 1000; true")
            .with("user", json!("web"))
            .with("group", json!("web"))
            .with("workingDirectory", json!("/srv"))
            .with("environment", environment),
        App::shell("other", "exec sleep 1000"),
    ]);
    let running = pod.start();
    running.says("up");
    let init = children(running.pid())[0];
    let script = "id -u; id -g; pwd; echo $COLOUR $AC_APP_NAME; cat /tmp/file; \
        grep -E 'Cap(Eff|Bnd)' /proc/self/status; ls /proc/self/fd; ps | grep -c '[s]tage1-init'; \
        ls /proc/1/root 2>/dev/null; exit 7";
    let (status, stdout, stderr) = enter(&pod, init, "web", &["/bin/sh", "-c", script]);
    assert_eq!(status, Some(7), "{stdout}{stderr}");
    let expected = "33\n44\n/srv\nblue web\nmarker\nCapEff:\t0000000000000000\n\
        CapBnd:\t00000000a80425fb\n0\n1\n2\n3\n1\n";
    assert_eq!(stdout, expected, "{stderr}");
    let (status, _, _) = enter(&pod, init, "other", &["sh", "-c", "kill -9 $$"]);
    assert_eq!(status, None);
    let (status, _, stderr) = enter(&pod, init, "other", &["absent"]);
    assert_eq!(
        (status, stderr.contains("no such file in the image")),
        (Some(203), true)
    );
    let (status, _, stderr) = enter(&pod, init, "third", &["true"]);
    assert_eq!(
        (status, stderr.contains("the pod has no app third")),
        (Some(254), true)
    );
    let (status, _, stderr) = enter(&pod, 1, "web", &["true"]);
    assert_eq!(
        (status, stderr.contains("is not the first process")),
        (Some(254), true)
    );
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
    let (status, _, _) = enter(&pod, init, "web", &["true"]);
    assert_eq!(status, Some(254));
}

#[test]
fn an_app_that_has_ended_cannot_be_entered() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        App::shell("short", "true"),
        App::shell(
            "long",
            "while ps | grep -q '[b]in/sh -c true'; do :; done; echo up; exec sleep 1000",
        ),
    ]);
    let running = pod.start();
    running.says("up");
    support::eventually("the short app ends", || pod.status("short").is_some());
    let init = children(running.pid())[0];
    let (status, _, stderr) = enter(&pod, init, "short", &["true"]);
    assert_eq!(
        (status, stderr.contains("is it running?")),
        (Some(254), true),
        "{stderr}"
    );
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
}

/// Starts a pod of one sleeping app and runs commands in it.
fn with_pod(app: App, arguments: &[&str], act: impl FnOnce(&Pod, u32)) {
    let pod = Pod::new(vec![app]);
    let running = pod.start_with("", arguments);
    running.says("up");
    act(&pod, children(running.pid())[0]);
    running.signal("TERM");
    running.finish();
}

#[test]
fn a_command_is_confined_like_the_app() {
    if !can_run_pods() {
        return;
    }
    let sleeping = || App::shell("app", "echo up; exec sleep 1000");
    let show = [
        "/bin/grep",
        "-E",
        "Seccomp:|NoNewPrivs|CapBnd",
        "/proc/self/status",
    ];
    let shown = |app: App, arguments: &[&str]| {
        let mut seen = String::new();
        with_pod(app, arguments, |pod, init| {
            let (status, stdout, stderr) = enter(pod, init, "app", &show);
            assert_eq!(status, Some(0), "{stderr}");
            seen = stdout.replace('\t', "");
        });
        seen
    };
    let host = "--net=host";
    let all = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let all = all
        .lines()
        .find(|line| line.starts_with("CapBnd"))
        .expect("a line");
    let all = all.replace('\t', "");
    let bounds = "CapBnd:00000000a80425fb\n";
    let expected = format!("{bounds}NoNewPrivs:0\nSeccomp:2\n");
    assert_eq!(shown(sleeping(), &[host]), expected);
    let nnp = json!([{"name": "os/linux/no-new-privileges", "value": true}]);
    let expected = format!("{bounds}NoNewPrivs:1\nSeccomp:2\n");
    assert_eq!(shown(sleeping().with("isolators", nnp), &[host]), expected);
    // What was waived for the app is waived for whoever enters it.
    let expected = format!("{bounds}NoNewPrivs:0\nSeccomp:0\n");
    assert_eq!(shown(sleeping(), &[host, "--disable-seccomp"]), expected);
    let expected = format!("{all}\nNoNewPrivs:0\nSeccomp:2\n");
    let waived = &[host, "--disable-capabilities-restriction"];
    assert_eq!(shown(sleeping(), waived), expected);
}

#[test]
fn descriptors_of_the_caller_stay_outside() {
    if !can_run_pods() {
        return;
    }
    with_pod(
        App::shell("app", "echo up; exec sleep 1000"),
        &["--net=host"],
        |pod, init| {
            let script = format!(
                "exec 5</etc 6</; exec \"$0\" enter --pid={init} --appname=app -- ls /proc/self/fd"
            );
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .arg(support::stage1())
                .current_dir(pod.path("."))
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n1\n2\n3\n");
        },
    );
}

/// Runs a command in the app from a terminal of 33 by 77 characters, after `typed` was typed there, and
/// returns its status and everything that was shown.
fn from_terminal(pod: &Pod, init: u32, command: &[&str], typed: &[u8]) -> (Option<i32>, String) {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let outer = openpt(flags).expect("a terminal");
    unlockpt(&outer).expect("unlocked");
    let inner = File::from(ioctl_tiocgptpeer(&outer, flags).expect("the other end"));
    let mut size = rustix::termios::tcgetwinsize(&inner).expect("a size");
    (size.ws_row, size.ws_col) = (33, 77);
    rustix::termios::tcsetwinsize(&inner, size).expect("a new size");
    let mut child = std::process::Command::new("setsid")
        .args(["--ctty", "--wait"])
        .arg(support::stage1())
        .args(["enter", &format!("--pid={init}"), "--appname=app", "--"])
        .args(command)
        .current_dir(pod.path("."))
        .stdin(inner.try_clone().expect("a copy"))
        .stderr(inner.try_clone().expect("a copy"))
        .stdout(inner)
        .spawn()
        .expect("setsid");
    let mut outer = File::from(outer);
    let (mut shown, mut bytes, mut typed) = (Vec::new(), [0; 512], Some(typed));
    // EIO is the end.
    while let Ok(length @ 1..) = outer.read(&mut bytes) {
        shown.extend_from_slice(&bytes[..length]);
        if shown.windows(5).any(|word| word == b"ready")
            && let Some(typed) = typed.take()
        {
            outer.write_all(typed).expect("typing");
        }
    }
    let status = child.wait().expect("an end").code();
    (status, String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn a_terminal_is_the_pods_own_and_works_as_one() {
    if !can_run_pods() {
        return;
    }
    with_pod(
        App::shell("app", "echo up; exec sleep 1000").with("user", json!("web")),
        &["--net=host"],
        |pod, init| {
            let busybox = |script: &'static str| ["/bin/busybox", "sh", "-c", script];
            let script = "busybox stty size; busybox tty; busybox stat -c %u $(busybox tty); \
                echo ready; read line; echo got $line; exit 5";
            let (status, shown) = from_terminal(pod, init, &busybox(script), b"word\r");
            assert_eq!(status, Some(5), "{shown}");
            for line in ["33 77", "/dev/pts/0", "33", "got word"] {
                assert!(
                    shown.split("\r\n").any(|shown| shown == line),
                    "{line}: {shown}"
                );
            }
            // Ctrl-C ends what runs in the foreground there, and its end is passed on.
            let script = "echo ready; exec sleep 1000";
            let (status, shown) = from_terminal(pod, init, &busybox(script), b"\x03");
            assert_eq!(status, None, "{shown}");
            assert!(shown.contains("ready"));
        },
    );
}

#[test]
fn signals_go_to_the_command() {
    if !can_run_pods() {
        return;
    }
    with_pod(
        App::shell("app", "echo up; exec sleep 1000"),
        &["--net=host"],
        |pod, init| {
            let script = "trap 'echo caught; exit 9' TERM; echo ready >/srv/ready; while :; do sleep 0.05; done";
            let child = std::process::Command::new(support::stage1())
                .args([
                    "enter",
                    &format!("--pid={init}"),
                    "--appname=app",
                    "--",
                    "/bin/sh",
                    "-c",
                    script,
                ])
                .current_dir(pod.path("."))
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("enter");
            let ready = pod.upper("app").join("srv/ready");
            support::eventually("the command is ready", || ready.exists());
            support::signal_process(child.id(), "TERM");
            let output = child.wait_with_output().expect("an end");
            assert_eq!(output.status.code(), Some(9));
            assert_eq!(output.stdout, b"caught\n");
        },
    );
}
