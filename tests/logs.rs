//! `rkt logs`: what the apps of running and exited pods wrote.

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::Outcome;
use support::{World, can_run_pods};

const SHELL: [&str; 3] = ["/bin/busybox", "sh", "-c"];

/// A world with a shell as image, and its ID.
fn world() -> Option<(World, String)> {
    if !can_run_pods() {
        return None;
    }
    let world = World::new()?;
    let image = world.build("shell", "1.0.0", &SHELL);
    let id = world.import(&image);
    Some((world, id))
}

/// Runs a pod of apps, each a name and a script, in the background.
fn spawn(world: &World, id: &str, apps: &[(&str, &str)]) -> (Child, PathBuf) {
    let file = world.env.path("uuid");
    let mut command = world.rkt_command();
    command
        .args(["run", "--net=host"])
        .arg(format!("--uuid-file-save={}", file.display()));
    for (name, script) in apps {
        command.args([id, &format!("--name={name}"), "--", script, "---"]);
    }
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run");
    (child, file)
}

/// The same, until the apps are started.
fn start(world: &World, id: &str, apps: &[(&str, &str)]) -> (Child, String) {
    let (child, file) = spawn(world, id, apps);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(uuid) = std::fs::read_to_string(&file)
            && world.rkt(["status", "--wait-ready=20s", &uuid]).status == 0
        {
            return (child, uuid);
        }
        assert!(Instant::now() < deadline, "the pod does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a pod to its end.
fn run(world: &World, id: &str, apps: &[(&str, &str)]) -> String {
    let (mut child, file) = spawn(world, id, apps);
    child.wait().expect("the end");
    std::fs::read_to_string(file).expect("a UUID")
}

/// The lines without their times, which are in order.
fn lines(outcome: &Outcome) -> Vec<String> {
    let mut last = String::new();
    let mut lines = Vec::new();
    for line in outcome.stdout.lines() {
        let (time, rest) = line.split_once(' ').expect("a time");
        assert!(time >= last.as_str(), "{outcome}");
        assert_eq!(time.len(), 30, "{outcome}");
        time.clone_into(&mut last);
        lines.push(rest.to_owned());
    }
    lines
}

#[test]
fn lines_of_all_apps_come_in_the_order_of_time_also_when_the_pod_has_ended() {
    let Some((world, id)) = world() else { return };
    let one = "echo 1; /bin/busybox sleep 0.6; echo 3 >&2";
    let two = "/bin/busybox sleep 0.3; echo 2; /bin/busybox sleep 0.6; echo 4";
    let uuid = run(&world, &id, &[("one", one), ("two", two)]);
    let all = world.rkt(["logs", &uuid]).expect(0);
    let expected = [
        "one stdout 1",
        "two stdout 2",
        "one stderr 3",
        "two stdout 4",
    ];
    assert_eq!(lines(&all), expected);
    let short = &uuid[..8];
    let of_two = world.rkt(["logs", "--app=two", short]).expect(0);
    assert_eq!(lines(&of_two), ["two stdout 2", "two stdout 4"]);
    let last = world.rkt(["logs", "--lines=1", &uuid]).expect(0);
    assert_eq!(lines(&last), ["two stdout 4"]);
    let none = world.rkt(["logs", "--lines=0", &uuid]).expect(0);
    assert_eq!(none.stdout, "");
    // Since the time of the third line.
    let third = all.stdout.lines().nth(2).expect("a line");
    let since = format!("--since={}", third.split(' ').next().expect("a time"));
    let rest = world.rkt(["logs", &since, &uuid]).expect(0);
    assert_eq!(lines(&rest), expected[2..]);
    let long_ago = world.rkt(["logs", "--since=1h", &uuid]).expect(0);
    assert_eq!(lines(&long_ago), expected);
    let just_now = world.rkt(["logs", "--since=0s", &uuid]).expect(0);
    assert_eq!(just_now.stdout, "");
    let follow = world.rkt(["logs", "--follow", &uuid]).expect(0);
    assert_eq!(lines(&follow), expected);
    world.gc();
    world
        .rkt(["logs", &uuid])
        .expect(254)
        .says("no matches found");
}

#[test]
fn what_is_asked_for_wrongly_is_told() {
    let Some((world, id)) = world() else { return };
    let uuid = run(&world, &id, &[("web", "echo x")]);
    world
        .rkt(["logs", "--app=other", &uuid])
        .expect(254)
        .says("has no app \"other\": it has web");
    world
        .rkt(["logs", "--since=yesterday", &uuid])
        .expect(254)
        .says("is no time");
    world.rkt(["logs", "--lines=-1", &uuid]).expect(254);
    world.rkt(["logs", "--app=../web", &uuid]).expect(254);
    world.rkt(["logs", "--format=xml", &uuid]).expect(254);
}

#[test]
fn json_has_one_object_per_line_whatever_the_bytes_are() {
    let Some((world, id)) = world() else { return };
    let script = "printf 'a\\033[2J\\000\\377\\n'; printf '\"q\" \\\\ \\n'";
    let uuid = run(&world, &id, &[("web", script)]);
    let outcome = world.rkt(["logs", "--format=json", &uuid]).expect(0);
    let objects: Vec<serde_json::Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), 2, "{outcome}");
    assert_eq!(objects[0]["app"], "web");
    assert_eq!(objects[0]["stream"], "stdout");
    assert_eq!(objects[0]["partial"], false);
    assert_eq!(objects[0]["text"], "a\u{1b}[2J\0\u{fffd}");
    assert_eq!(objects[0]["hex"], "611b5b324a00ff");
    assert_eq!(objects[1]["text"], "\"q\" \\ ");
    assert!(objects[1].get("hex").is_none());
    // No byte of an app reaches a terminal unescaped in JSON.
    assert!(!outcome.stdout.contains('\x1b'));
}

#[test]
fn a_long_line_is_printed_in_one_piece() {
    let Some((world, id)) = world() else { return };
    let script = "/bin/busybox dd if=/dev/zero bs=40000 count=1 2>/dev/null | /bin/busybox tr '\\000' x; echo; echo end";
    let uuid = run(&world, &id, &[("web", script)]);
    let outcome = world.rkt(["logs", &uuid]).expect(0);
    let lines = lines(&outcome);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], format!("web stdout {}", "x".repeat(40_000)));
}

#[test]
fn following_shows_lines_as_they_come_and_ends_with_the_pod() {
    let Some((world, id)) = world() else { return };
    let script = "echo first; while ! [ -e /go ]; do /bin/busybox sleep 0.05; done; echo second; \
                  /bin/busybox sleep 0.2; printf 'no newline'";
    let (mut pod, uuid) = start(&world, &id, &[("web", script)]);
    let mut follow = world
        .rkt_command()
        .args(["logs", "--follow", "--lines=1", &uuid])
        .stdout(Stdio::piped())
        .spawn()
        .expect("rkt logs");
    let mut from = BufReader::new(follow.stdout.take().expect("stdout")).lines();
    let mut next = || from.next().map(|line| line.expect("text")[31..].to_owned());
    assert_eq!(next().as_deref(), Some("web stdout first"));
    let pid = pod_app(&world, &uuid);
    std::fs::write(format!("/proc/{pid}/root/go"), "").expect("go");
    assert_eq!(next().as_deref(), Some("web stdout second"));
    assert_eq!(next().as_deref(), Some("web stdout no newline"));
    assert_eq!(next(), None);
    assert!(follow.wait().expect("rkt logs").success());
    pod.wait().expect("the end");
}

/// The process of the only app of a pod.
fn pod_app(world: &World, uuid: &str) -> u32 {
    let status = world.rkt(["status", uuid]).expect(0);
    let pid = status
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("pid="));
    let pid: u32 = pid.expect("a process").parse().expect("a number");
    let children = |pid: u32| -> Vec<u32> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let text = text.expect("children");
        text.split_whitespace()
            .map(|pid| pid.parse().expect("a number"))
            .collect()
    };
    children(pid)[0]
}

/// A file of an exited pod's log; `None` on a machine whose journal has it.
fn log_file(world: &World, name: &str) -> Option<PathBuf> {
    let pods = world.pods();
    let path = world.env.path("rkt/pods").join(&pods[0]);
    let file = path.join("stage1/rootfs/rkt/logs").join(name);
    let in_journal = file.with_file_name("in.journal").exists();
    (!in_journal).then_some(file)
}

#[test]
fn damaged_logs_are_read_as_far_as_they_can_be() {
    let Some((world, id)) = world() else { return };
    let uuid = run(&world, &id, &[("web", "echo one; echo two")]);
    let Some(file) = log_file(&world, "web.0") else {
        return;
    };
    let text = std::fs::read(&file).expect("the log");
    let mut damaged = b"\0\0\0\x1b[2J\n".to_vec();
    damaged.extend(&text);
    damaged.extend(vec![b'x'; 100_000]);
    damaged.extend(b"\n2026-01-01T00:00:00.0");
    std::fs::write(&file, damaged).expect("damage");
    let outcome = world.rkt(["logs", &uuid]).expect(0);
    let expected = ["web stdout one", "web stdout two"];
    assert_eq!(lines(&outcome), expected, "{outcome}");
    let outcome = outcome.says("logs: 3 damaged lines of app web are left out");
    assert!(!outcome.stderr.contains('\x1b'));

    // Neither a missing file nor one that is none is followed anywhere.
    std::fs::remove_file(&file).expect("removed");
    let outcome = world.rkt(["logs", &uuid]).expect(0);
    assert_eq!(outcome.stdout, "");
    std::os::unix::fs::symlink("/etc/passwd", &file).expect("a link");
    let outcome = world.rkt(["logs", &uuid]);
    assert!(!outcome.stdout.contains("root:"), "{outcome}");
}

#[test]
fn a_flood_is_followed_to_its_end_across_files() {
    let Some((world, id)) = world() else { return };
    // About 13 MiB, so that each of the files is used again.
    let script = "while ! [ -e /go ]; do /bin/busybox sleep 0.05; done; i=0; \
                  while [ $i -lt 90000 ]; do \
                  echo \"line $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"; \
                  i=$((i+1)); done; echo done";
    let (mut pod, uuid) = start(&world, &id, &[("web", script)]);
    let output = world.env.path("out");
    let mut follow = world
        .rkt_command()
        .args(["logs", "--follow", &uuid])
        .stdout(std::fs::File::create(&output).expect("a file"))
        .spawn()
        .expect("rkt logs");
    std::thread::sleep(Duration::from_millis(300));
    let pid = pod_app(&world, &uuid);
    std::fs::write(format!("/proc/{pid}/root/go"), "").expect("go");
    pod.wait().expect("the end");
    assert!(follow.wait().expect("rkt logs").success());
    let text = std::fs::read_to_string(&output).expect("text");
    assert!(text.ends_with(" web stdout done\n"));
    // Whoever keeps up gets every line once, in order.
    let numbers: Vec<u32> = text
        .lines()
        .filter_map(|line| line.split(' ').nth(4)?.parse().ok())
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert!(numbers.len() > 60_000, "{}", numbers.len());
    let kept = world.rkt(["logs", &uuid]).expect(0);
    assert!(kept.stdout.ends_with(" web stdout done\n"));
    let _ = std::io::stderr().flush();
}
