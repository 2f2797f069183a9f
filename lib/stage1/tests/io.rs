//! What apps write reaches the caller and the log, whole and in time, whatever it is and whoever reads.

mod support;

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{App, Pod, can_run_pods, eventually};

/// The records of an app's log, both files, the older first.
fn log(pod: &Pod, app: &str) -> String {
    let read = |number: u8| pod.raw_text(&format!("stage1/rootfs/rkt/logs/{app}.{number}"));
    let mut files = [read(0), read(1)];
    files.sort();
    files.concat()
}

#[test]
fn each_line_has_uptime_app_and_process_and_goes_to_its_stream_and_the_log() {
    if !can_run_pods() {
        return;
    }
    let app = App::shell("web", "echo out; echo err >&2; printf 'no newline'");
    let pod = Pod::new(vec![app]);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let stdout = pod.raw_text("stdout");
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{stdout}");
    for (line, text) in lines.iter().zip(["out", "no newline"]) {
        let (stamp, rest) = line.split_once("] ").unwrap();
        assert!(stamp[1..].trim_start().parse::<f64>().is_ok(), "{line}");
        let (number, rest) = rest
            .strip_prefix("web[")
            .and_then(|rest| rest.split_once("]: "))
            .unwrap();
        assert!(number.parse::<u32>().unwrap() > 1, "{line}");
        assert_eq!(rest, text);
    }
    assert_eq!(outcome.stderr, "err\n");
    let log = log(&pod, "web");
    let mut lines: Vec<&str> = log.lines().map(|line| &line[31..]).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["stderr F err", "stdout F no newline", "stdout F out"]
    );
}

#[test]
fn bytes_of_any_kind_pass_unchanged() {
    if !can_run_pods() {
        return;
    }
    let script = "printf 'a\\000b\\377\\033[31mred\\r\\n\\n'";
    let pod = Pod::new(vec![App::shell("web", script)]);
    pod.run();
    let stdout = std::fs::read(pod.path("stdout")).unwrap();
    let text = b"a\0b\xff\x1b[31mred\r\n";
    assert!(stdout.windows(text.len()).any(|window| window == text));
    let log = std::fs::read(pod.path("stage1/rootfs/rkt/logs/web.0")).unwrap();
    assert!(log.windows(text.len()).any(|window| window == text));
    assert_eq!(log.iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn a_very_long_line_comes_in_pieces_that_are_marked() {
    if !can_run_pods() {
        return;
    }
    let script = "dd if=/dev/zero bs=50000 count=1 2>/dev/null; echo end";
    let pod = Pod::new(vec![App::shell("web", script)]);
    let outcome = pod.run();
    assert_eq!(outcome.stdout.matches('\0').count(), 50_000);
    assert!(outcome.stdout.ends_with("end\n"));
    let log = log(&pod, "web");
    let kinds: Vec<&str> = log.lines().map(|line| &line[38..39]).collect();
    assert_eq!(kinds, ["P", "P", "P", "F"]);
}

#[test]
fn a_flood_is_complete_and_keeps_no_other_app_waiting() {
    if !can_run_pods() {
        return;
    }
    // 400 lines of quiet while several MiB of loud pass.
    let loud =
        "i=0; while [ $i -lt 100000 ]; do echo \"loud line number $i of many\"; i=$((i+1)); done";
    let quiet = "i=0; while [ $i -lt 400 ]; do echo \"quiet $i\"; i=$((i+1)); done";
    let pod = Pod::new(vec![App::shell("loud", loud), App::shell("quiet", quiet)]);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let loud: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("loud"))
        .collect();
    assert_eq!(loud.len(), 100_000);
    assert_eq!(*loud[99_999], "loud line number 99999 of many");
    let last_quiet = lines.iter().position(|line| *line == "quiet 399").unwrap();
    assert!(last_quiet < 90_000, "{last_quiet}");
    // The log is cut to its size, and its newest lines are there.
    let size = |number: u8| {
        let name = format!("stage1/rootfs/rkt/logs/loud.{number}");
        std::fs::metadata(pod.path(&name)).unwrap().len()
    };
    assert!(size(0) <= 5 << 20 && size(1) <= 5 << 20);
    assert!(log(&pod, "loud").contains("loud line number 99999 of many\n"));
}

#[test]
fn a_caller_that_went_away_ends_nothing() {
    if !can_run_pods() {
        return;
    }
    let script = "i=0; while [ $i -lt 3000 ]; do echo \"line $i\"; i=$((i+1)); done; exit 3";
    let pod = Pod::new(vec![App::shell("web", script)]);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.stdout(Stdio::piped());
    });
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(log(&pod, "web").contains(" line 2999\n"));
}

#[test]
fn a_slow_reader_gets_every_line_and_the_pod_waits_for_it() {
    if !can_run_pods() {
        return;
    }
    let script = "i=0; while [ $i -lt 20000 ]; do echo \"line number $i\"; i=$((i+1)); done";
    let pod = Pod::new(vec![App::shell("web", script)]);
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.stdout(Stdio::piped());
    });
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none());
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(text.lines().count(), 20_000);
    assert!(text.ends_with(": line number 19999\n"));
}

#[test]
fn a_reader_that_never_reads_does_not_keep_a_pod_that_is_stopped() {
    if !can_run_pods() {
        return;
    }
    let script = "while true; do echo 'and on and on and on'; done";
    let pod = Pod::new(vec![App::shell("web", script)]);
    let mut child = pod.spawn(&["--net=host", "--stop-timeout=1"], |command| {
        command.stdout(Stdio::piped());
    });
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    support::signal_process(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_an_app_leaves_running_is_heard_to_its_end() {
    if !can_run_pods() {
        return;
    }
    let first = App::shell("first", "(sleep 0.3; echo late) & exit 0");
    let second = App::shell("second", "sleep 0.6; echo last");
    let outcome = Pod::new(vec![first, second]).run();
    assert_eq!(outcome.stdout, "late\nlast\n", "{outcome:?}");
}

#[test]
fn the_apps_user_may_open_its_streams_anew() {
    if !can_run_pods() {
        return;
    }
    let script = "echo one >/dev/stdout; echo two >/dev/stderr";
    let app = App::shell("web", script).with("user", json!("33"));
    let outcome = Pod::new(vec![app]).run();
    assert_eq!(outcome.stdout, "one\n", "{outcome:?}");
    assert_eq!(outcome.stderr, "two\n");
}

#[test]
fn streams_set_to_null_are_swallowed() {
    if !can_run_pods() {
        return;
    }
    let annotations = json!([
        {"name": "coreos.com/rkt/stage2/stdout", "value": "null"},
    ]);
    let app = App::shell("web", "echo out; echo err >&2; read x; echo $? >&2");
    let pod = Pod::new(vec![app.runtime("annotations", annotations)]);
    let outcome = pod.run();
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("", "err\n1\n")
    );
    assert!(!log(&pod, "web").contains("stdout"));
}

#[test]
fn one_stream_for_both_keeps_the_order_of_its_lines() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell(
        "web",
        "echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3",
    )]);
    let both = std::fs::File::create(pod.path("stdout")).unwrap();
    let mut child = pod.spawn(&["--net=host"], |command| {
        command.stdout(both.try_clone().unwrap()).stderr(both);
    });
    assert!(child.wait().unwrap().success());
    assert_eq!(pod.text("stdout"), "1\n2\n3\n");
}

#[test]
fn a_journal_gets_the_lines_by_its_native_protocol() {
    if !can_run_pods() {
        return;
    }
    let app = App::shell(
        "web",
        "echo '<3>broken'; printf 'x\\nB=y\\n' >&2; sleep 0.3",
    );
    let pod = Pod::new(vec![app]);
    let socket = std::os::unix::net::UnixDatagram::bind(pod.path("journal")).unwrap();
    let timeout = Some(Duration::from_secs(20));
    socket.set_read_timeout(timeout).unwrap();
    let prologue = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
                    touch /run/systemd/journal/socket && mount --bind journal /run/systemd/journal/socket";
    let outcome = pod.run_with(prologue, &["--net=host"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "<3>broken\n");
    let mut messages = Vec::new();
    let mut bytes = vec![0; 100_000];
    for _ in 0..3 {
        let count = socket.recv(&mut bytes).unwrap();
        messages.push(String::from_utf8_lossy(&bytes[..count]).into_owned());
    }
    let uuid = &pod.uuid;
    let has = |message: &str, field: &str| message.lines().any(|line| line == field);
    let broken = messages.iter().find(|m| has(m, "MESSAGE=broken")).unwrap();
    for field in [
        "PRIORITY=3",
        "SYSLOG_IDENTIFIER=web",
        "CONTAINER_NAME=web",
        "RKT_STREAM=stdout",
        &format!("RKT_POD_UUID={uuid}"),
        &format!("CONTAINER_ID={uuid}"),
    ] {
        assert!(has(broken, field), "{field}: {broken}");
    }
    // A line of an app is never a field of its own.
    let other = messages.iter().find(|m| has(m, "MESSAGE=B=y")).unwrap();
    assert!(
        has(other, "PRIORITY=6") && has(other, "RKT_STREAM=stderr"),
        "{other}"
    );
    assert!(pod.path("stage1/rootfs/rkt/logs/in.journal").exists());
    assert_eq!(log(&pod, "web"), "");
}

#[test]
fn a_journal_that_went_away_is_replaced_by_the_files() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("web", "echo one; sleep 1; echo two")]);
    let socket = std::os::unix::net::UnixDatagram::bind(pod.path("journal")).unwrap();
    let prologue = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
                    touch /run/systemd/journal/socket && mount --bind journal /run/systemd/journal/socket";
    let running = pod.start_with(prologue, &["--net=host"]);
    running.says("one");
    drop(socket);
    assert_eq!(running.finish().status, Some(0));
    eventually("the file has the line", || {
        log(&pod, "web").ends_with(" stdout F two\n")
    });
}
