//! Pods with networks, killed at any moment and many at once: nothing of them stays on the host.

mod support;

use std::time::Duration;

use support::lab::{Lab, eventually};
use support::soak;

/// Kills `rkt run` after ever other times, from before the first plugin to after the last.
#[test]
fn pods_killed_at_any_moment_leave_nothing_after_gc() {
    let Some(lab) = Lab::with_image(&[&["port", "add", "www", "tcp", "80"]]) else {
        return;
    };
    let started = std::time::Instant::now();
    lab.run(&["--port=www:8080"], "exit 0").expect(0);
    let typical = started.elapsed();
    let cycles: u32 = if soak() { 500 } else { 50 };
    for cycle in 0..cycles {
        // Evenly over one and a half times what a pod takes.
        let delay = typical * 3 * (cycle * 37 % cycles) / cycles / 2;
        kill_after(&lab, delay);
        // Not after every pod: what several left is collected too.
        if cycle % 5 == 4 {
            collect(&lab);
        }
    }
    collect(&lab);
    lab.nothing_left();
    // And the host is as good as new.
    lab.run(&["--port=www:8080"], "exit 7").expect(7);
    lab.nothing_left();
}

/// Runs a pod whose first process is killed after `delay`.
fn kill_after(lab: &Lab, delay: Duration) {
    // The shell's number becomes rkt's, and then the supervisor's.
    let pod = lab.rkt_command(&[
        "run",
        "--port=www:8080",
        &lab.image,
        "--",
        "/bin/busybox sleep 60",
    ]);
    let arguments: Vec<String> = pod
        .get_args()
        .skip_while(|argument| *argument != "--")
        .skip(1)
        .map(|argument| format!("'{}'", argument.to_string_lossy().replace('\'', r"'\''")))
        .collect();
    let script = format!(
        "{} >/dev/null 2>&1 & pod=$!; sleep {}; kill -9 $pod; wait $pod 2>/dev/null; true",
        arguments.join(" "),
        delay.as_secs_f64()
    );
    lab.sh(&script).expect(0);
}

/// Collects until no pod is left: one whose plugin still works counts as running until it has ended.
fn collect(lab: &Lab) {
    eventually("all pods are collected", || {
        lab.rkt(&["gc", "--grace-period=0s", "--expire-prepared=0s"])
            .expect(0);
        lab.world.pods().is_empty()
    });
}

#[test]
fn fifty_pods_at_once_get_fifty_addresses_and_give_them_back() {
    let Some(lab) = Lab::new() else { return };
    let count = 50;
    let mounts = || lab.sh("grep -c ' /run/netns ' /proc/self/mountinfo").stdout;
    let before = mounts();
    let script = "/bin/busybox ip -o -4 addr show eth0; /bin/busybox sleep 1";
    let children: Vec<_> = (0..count)
        .map(|_| {
            let mut command = lab.rkt_command(&["run", &lab.image, "--", script]);
            command.stdout(std::process::Stdio::piped());
            command.spawn().expect("rkt run")
        })
        .collect();
    let mut addresses = std::collections::BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().expect("wait");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let address = text
            .split_whitespace()
            .find(|word| word.starts_with("172.16.28."));
        addresses.insert(address.expect("an address").to_owned());
    }
    assert_eq!(addresses.len(), count);
    lab.nothing_left();
    assert_eq!(
        mounts(),
        before,
        "the directory of namespaces is mounted once more"
    );
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    collect(&lab);
    lab.nothing_left();
}
