//! What limits do to an app, seen from inside it and from the host.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what goes wrong here fails the test"
)]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::{App, Pod, can_run_pods, eventually};

/// Isolators by name, as a manifest has them.
fn isolators(list: &[(&str, Value)]) -> Value {
    list.iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

/// What the pod directory says about the isolators.
fn report(pod: &Pod) -> Vec<(String, String)> {
    let text = fs::read_to_string(pod.path("isolators.json")).unwrap();
    let report: Vec<Value> = serde_json::from_str(&text).unwrap();
    report
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            (text("name"), text("status"))
        })
        .collect()
}

/// The pod's groups that the pod directory names.
fn groups(pod: &Pod) -> Vec<PathBuf> {
    let text = fs::read_to_string(pod.path("cgroups.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    record["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| PathBuf::from(group["directory"].as_str().unwrap()))
        .collect()
}

fn group_with(pod: &Pod, file: &str) -> PathBuf {
    let found = groups(pod)
        .into_iter()
        .find(|group| group.join(file).exists());
    found.unwrap_or_else(|| panic!("no group has {file}"))
}

/// Whether a controller can be used here; a skip is reported where not.
fn has_controller(pod: &Pod, name: &str) -> bool {
    let ignored = report(pod)
        .iter()
        .any(|(isolator, status)| isolator == name && status == "ignored");
    if ignored {
        eprintln!("skipped: no control group enforces {name} here");
    }
    !ignored
}

#[test]
fn an_app_that_takes_more_memory_than_its_limit_is_killed() {
    if !can_run_pods() {
        return;
    }
    // The shell survives and tells how its child ended: dd holds one block in memory.
    let script = "dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null; echo small $?; \
                  dd if=/dev/zero of=/dev/null bs=256M count=1 2>/dev/null; echo large $?";
    let limit = isolators(&[("resource/memory", json!({"limit": "32Mi"}))]);
    let pod = Pod::new(vec![App::shell("app", script).with("isolators", limit)]);
    let outcome = pod.run();
    if has_controller(&pod, "resource/memory") {
        assert_eq!(outcome.stdout, "small 0\nlarge 137\n", "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_fork_bomb_meets_the_limit_of_processes() {
    if !can_run_pods() {
        return;
    }
    // Each subshell waits for the others, so all that start are there at once.
    let script = "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo done";
    let annotations = json!([{"name": "coreos.com/rkt/stage2/pids-limit", "value": "20"}]);
    let pod = Pod::new(vec![
        App::shell("app", script).runtime("annotations", annotations),
    ]);
    let outcome = pod.run();
    if has_controller(&pod, "coreos.com/rkt/stage2/pids-limit") {
        assert!(outcome.stderr.contains("fork"), "{outcome:?}");
        assert_ne!(outcome.stdout, "done\n");
    }
}

#[test]
fn a_pod_that_says_nothing_is_bounded_too() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell(
        "app",
        "cat /proc/sys/kernel/pid_max; sleep 1000",
    )]);
    let running = pod.start();
    running.says("\n");
    let by_group = groups(&pod).iter().any(|group| {
        fs::read_to_string(group.join("pids.max")).is_ok_and(|text| text.trim() == "4096")
    });
    let by_number = pod.text("stdout") == "4396\n";
    assert!(by_group || by_number, "{}", pod.text("stdout"));
    if by_number {
        // The host's own is another.
        let host = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
        assert_ne!(host, "4396\n");
    }
    running.signal("TERM");
    running.finish();
}

#[test]
fn a_quota_stops_an_app_that_computes() {
    if !can_run_pods() {
        return;
    }
    let limit = isolators(&[("resource/cpu", json!({"limit": "50m", "request": "50m"}))]);
    let app = App::shell("app", "echo on; while :; do :; done").with("isolators", limit);
    let pod = Pod::new(vec![app]);
    let running = pod.start();
    running.says("on");
    if has_controller(&pod, "resource/cpu") {
        let group = group_with(&pod, "cpu.stat").join("app-app");
        let stat = || fs::read_to_string(group.join("cpu.stat")).unwrap_or_default();
        let throttled = || {
            let number = stat()
                .lines()
                .find_map(|line| line.strip_prefix("nr_throttled ")?.parse::<u64>().ok());
            number.unwrap_or(0)
        };
        eventually("the quota is used up", || throttled() > 2);
    }
    running.kill();
}

#[test]
fn values_arrive_where_the_kernel_reads_them() {
    if !can_run_pods() {
        return;
    }
    let of_app = isolators(&[
        (
            "resource/memory",
            json!({"request": "16Mi", "limit": "64Mi"}),
        ),
        ("os/linux/cpu-shares", json!(512)),
        ("os/linux/oom-score-adj", json!(321)),
        (
            "resource/block-iops",
            json!({"default": true, "limit": "100000"}),
        ),
    ]);
    let app = App::shell("app", "cat /proc/self/oom_score_adj; echo up; sleep 1000");
    let pod = Pod::new(vec![app.with("isolators", of_app)]);
    let running = pod.start();
    running.says("up");
    assert!(pod.text("stdout").starts_with("321\n"));
    let status = report(&pod);
    for (name, status) in &status {
        // A machine without disks has nothing to limit operations of.
        assert!(
            status == "enforced" || name == "resource/block-iops",
            "{name} {status}"
        );
    }
    assert_eq!(status.len(), 4);
    let read = |one: &str, two: &str| {
        let mut texts = groups(&pod).into_iter().flat_map(|group| {
            [one, two].map(|file| fs::read_to_string(group.join("app-app").join(file)).ok())
        });
        texts.find_map(|text| text).unwrap_or_default()
    };
    assert_eq!(read("memory.limit_in_bytes", "memory.max"), "67108864\n");
    let weight = read("cpu.shares", "cpu.weight");
    assert!(weight == "512\n" || weight == "50\n", "{weight}");
    running.signal("TERM");
    running.finish();
}

#[test]
fn a_pod_bounds_all_its_apps_together() {
    if !can_run_pods() {
        return;
    }
    let app = |name: &str, limit: &str| {
        App::shell(name, "echo up; sleep 1000").with(
            "isolators",
            isolators(&[("resource/memory", json!({"limit": limit}))]),
        )
    };
    let pod = Pod::new(vec![app("large", "1Gi"), app("small", "16Mi")]);
    pod.set(
        "isolators",
        isolators(&[("resource/memory", json!({"limit": "48Mi"}))]),
    );
    let running = pod.start();
    eventually("both run", || pod.text("stdout") == "up\nup\n");
    if has_controller(&pod, "resource/memory") {
        let narrowed = ("resource/memory".to_owned(), "narrowed".to_owned());
        assert_eq!(report(&pod)[1], narrowed);
        let file = |group: PathBuf| {
            let legacy = fs::read_to_string(group.join("memory.limit_in_bytes"));
            legacy
                .or_else(|_| fs::read_to_string(group.join("memory.max")))
                .unwrap()
        };
        let own = groups(&pod)
            .into_iter()
            .find(|group| {
                group.join("memory.limit_in_bytes").exists() || group.join("memory.max").exists()
            })
            .unwrap();
        assert_eq!(file(own.clone()), "50331648\n");
        assert_eq!(file(own.join("app-large")), "50331648\n");
        assert_eq!(file(own.join("app-small")), "16777216\n");
    }
    running.signal("TERM");
    running.finish();
}

#[test]
fn an_app_sees_no_group_but_its_own_and_changes_none() {
    if !can_run_pods() {
        return;
    }
    let script = "cat /proc/self/cgroup; \
        for f in /sys/fs/cgroup/*; do echo \"sees $f\"; done; \
        echo 0 >/sys/fs/cgroup/cgroup.procs && echo WROTE; \
        echo max >/sys/fs/cgroup/memory.max && echo WROTE; \
        echo -1 >/sys/fs/cgroup/memory/memory.limit_in_bytes && echo WROTE; \
        mkdir /sys/fs/cgroup/x && echo MADE; \
        mount -t cgroup2 none /tmp && echo MOUNTED; mount -t cgroup -o memory none /tmp && echo MOUNTED; \
        echo 99999 >/proc/sys/kernel/pid_max && echo WROTE; true";
    let limit = isolators(&[("resource/memory", json!({"limit": "32Mi"}))]);
    let pod = Pod::new(vec![App::shell("app", script).with("isolators", limit)]);
    let outcome = pod.run();
    for line in outcome.stdout.lines() {
        let own = line.ends_with(":/") || line.starts_with("sees ");
        assert!(own, "{outcome:?}");
    }
}

#[test]
fn a_command_that_enters_is_limited_like_the_app() {
    if !can_run_pods() {
        return;
    }
    let limit = isolators(&[
        ("resource/memory", json!({"limit": "32Mi"})),
        ("os/linux/oom-score-adj", json!(123)),
    ]);
    let app = App::shell("app", "echo up; sleep 1000").with("isolators", limit);
    let pod = Pod::new(vec![app]);
    let running = pod.start();
    running.says("up");
    let init = support::children(running.pid())[0];
    let enter = |script: &str| {
        let pid = format!("--pid={init}");
        pod.entrypoint(&[
            "enter",
            &pid,
            "--appname=app",
            "--",
            "/bin/sh",
            "-c",
            script,
        ])
    };
    let outcome = enter("cat /proc/self/oom_score_adj");
    assert_eq!(outcome.stdout, "123\n", "{outcome:?}");
    if has_controller(&pod, "resource/memory") {
        let outcome = enter("dd if=/dev/zero of=/dev/null bs=256M count=1 2>/dev/null; echo $?");
        assert_eq!(outcome.stdout, "137\n", "{outcome:?}");
    }
    let members = |script| {
        let outcome = enter(script);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    };
    members("sleep 1000 >/dev/null 2>&1 & exit 0");
    for group in groups(&pod) {
        let list = fs::read_to_string(group.join("app-app/cgroup.procs")).unwrap();
        assert_eq!(list.lines().count(), 2, "the app and what entered: {list}");
    }
    running.signal("TERM");
    running.finish();
    assert!(groups(&pod).iter().all(|group| !group.exists()));
}

#[test]
fn groups_go_however_the_pod_ends() {
    if !can_run_pods() {
        return;
    }
    let limit = isolators(&[("resource/memory", json!({"limit": "64Mi"}))]);
    // A double fork that ignores signals and holds on to the group.
    let script = "(trap '' TERM HUP; sleep 1000 & sleep 1000) & echo up; sleep 1000";
    let pod = || {
        Pod::new(vec![
            App::shell("app", script).with("isolators", limit.clone()),
        ])
    };
    let gone = |pod: &Pod| {
        let groups = groups(pod);
        assert!(!groups.is_empty());
        groups.iter().all(|group| !group.exists())
    };

    let ended = pod();
    let running = ended.start();
    running.says("up");
    let path = fs::read_to_string(ended.path("subcgroup")).unwrap();
    assert!(
        groups(&ended)
            .iter()
            .any(|group| group.ends_with(path.trim_start_matches('/')))
    );
    assert!(!gone(&ended));
    running.signal("TERM");
    running.finish();
    assert!(gone(&ended), "after an orderly end");

    let init_killed = pod();
    let running = init_killed.start();
    running.says("up");
    support::signal_process(support::children(running.pid())[0], "KILL");
    running.finish();
    assert!(gone(&init_killed), "after init was killed");

    let killed = pod();
    let running = killed.start();
    running.says("up");
    running.kill();
    assert!(!gone(&killed), "nobody is left to remove them");
    for _ in 0..2 {
        let outcome = killed.entrypoint(&["gc"]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(gone(&killed), "after gc");
    }
}

#[test]
fn a_strict_pod_does_not_start_without_its_isolators() {
    if !can_run_pods() {
        return;
    }
    let bandwidth = json!({"default": true, "limit": "1G"});
    let isolators = isolators(&[
        ("os/linux/cpu-shares", json!(512)),
        ("resource/network-bandwidth", bandwidth),
    ]);
    let pod = Pod::new(vec![
        App::shell("app", "echo up").with("isolators", isolators),
    ]);
    let strict = json!([{"name": "coreos.com/rkt/stage1/isolators", "value": "strict"}]);
    pod.set("annotations", strict);
    let outcome = pod.run();
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(254), ""),
        "{outcome:?}"
    );
    let says = "isolator resource/network-bandwidth of app app cannot be enforced, \
                as --isolators=strict demands";
    assert!(outcome.stderr.contains(says), "{outcome:?}");
    assert!(groups(&pod).iter().all(|group| !group.exists()));
}

#[test]
fn a_machine_without_control_groups_runs_pods_and_says_what_is_not_enforced() {
    if !can_run_pods() {
        return;
    }
    let limit = || isolators(&[("resource/memory", json!({"limit": "64Mi"}))]);
    let app = || App::shell("app", "echo up").with("isolators", limit());
    // Nothing is mounted, or what is mounted cannot be changed.
    for prologue in [
        "umount -R /sys/fs/cgroup",
        "for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/self/mounts); do \
         mount -o remount,bind,ro $m; done",
    ] {
        let pod = Pod::new(vec![app()]);
        let outcome = pod.run_with(prologue, &["--net=host"]);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(0), "up\n"),
            "{outcome:?}"
        );
        let says = "stage1: warning: isolator resource/memory of app app is not enforced: ";
        assert!(outcome.stderr.starts_with(says), "{outcome:?}");
        assert_eq!(
            report(&pod),
            [("resource/memory".to_owned(), "ignored".to_owned())]
        );
    }
}

#[test]
fn hosts_with_version_one_alone_work_too() {
    if !can_run_pods() || !std::path::Path::new("/sys/fs/cgroup/unified").exists() {
        return;
    }
    let script = "(trap '' TERM; sleep 1000 & sleep 1000) & echo up; sleep 1000";
    let pod = Pod::new(vec![App::shell("app", script)]);
    let running = pod.start_with("umount /sys/fs/cgroup/unified", &["--net=host"]);
    running.says("up");
    let groups = groups(&pod);
    assert!(
        groups
            .iter()
            .any(|group| group.starts_with("/sys/fs/cgroup/systemd")),
        "{groups:?}"
    );
    assert!(groups.iter().all(|group| group.exists()));
    running.kill();
    assert_eq!(pod.entrypoint(&["gc"]).status, Some(0));
    assert!(groups.iter().all(|group| !group.exists()));
}
