//! What the processes of stage1 keep once the apps run, and kernel parameters and labels of apps.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod support;

use serde_json::{Value, json};
use support::{App, Pod, can_run_pods, children};

fn isolator(name: &str, value: Value) -> Value {
    json!({"name": name, "value": value})
}

fn retain(capabilities: &[&str]) -> Value {
    isolator(
        "os/linux/capabilities-retain-set",
        json!({"set": capabilities}),
    )
}

/// The value of a line of `/proc/PID/status`.
fn status(pid: u32, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key}:\t")));
    line.unwrap().to_owned()
}

/// What the descriptors of a process are, by number.
fn descriptors(pid: u32) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let to = std::fs::read_link(entry.path()).unwrap();
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            (number, to.to_string_lossy().into_owned())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn init_keeps_only_the_right_to_end_its_apps() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        App::shell("app", "echo up; exec sleep 1000").with("user", json!("web")),
        App::shell("two", "exec sleep 1000"),
    ]);
    // What the caller leaves open does not even reach init.
    let running = pod.start_with("exec 5</etc 7</proc", &["--net=host"]);
    running.says("up");
    let init = children(running.pid())[0];
    support::eventually("init gives up", || {
        status(init, "CapEff") == "0000000000000020"
    });
    assert_eq!(status(init, "CapPrm"), "0000000000000020");
    // The one directory is the lock; the files are what apps write to.
    let directory = pod.path(".").canonicalize().unwrap();
    let mut directories = 0;
    for (number, to) in descriptors(init) {
        let path = std::path::Path::new(&to);
        if to.starts_with('/') && to != "/null" {
            assert!(path.starts_with(&directory), "{number} -> {to}");
            directories += usize::from(path.is_dir());
        } else {
            let known = ["/null", "pipe:", "mnt:", "anon_inode:", "socket:", "/dev/"];
            assert!(
                known.iter().any(|kind| to.starts_with(kind)),
                "{number} -> {to}"
            );
        }
    }
    assert_eq!(directories, 1);
    // An app of another user is ended all the same.
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
}

#[test]
fn a_tracer_in_the_pod_finds_nothing_of_the_host() {
    if !can_run_pods() {
        return;
    }
    // With this capability /proc/1/fd opens; what lies there must not lead outside.
    let script = "while grep -q 'CapEff:.*[1-9a-f]$' /proc/1/status && \
            ! grep -q 'CapEff:.0*20$' /proc/1/status; do sleep 0.01; done; \
        ls /proc/1/fd >/srv/fds; \
        for fd in $(cat /srv/fds) ; do for up in . .. ../.. ../../.. ../../../..; do \
        [ -e /proc/1/fd/$fd/$up/outside ] && echo reached $fd $up; done; done; \
        for way in root cwd root/.. cwd/..; do \
        [ -e /proc/1/$way/outside ] && echo reached $way; done; grep -q 2 /srv/fds && echo looked";
    let seen = |set: &[&str]| {
        let app = App::shell("app", script).with("isolators", json!([retain(set)]));
        let pod = Pod::new(vec![app]);
        std::fs::write(pod.path("outside"), "").unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        outcome.stdout
    };
    assert_eq!(seen(&["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]), "looked\n");
    // The lock is there, which no other app can look at.
    assert_eq!(seen(&["CAP_DAC_OVERRIDE"]), "looked\n");
}

#[test]
fn the_pod_stays_locked_until_its_processes_are_gone() {
    if !can_run_pods() {
        return;
    }
    // Of pods without a tracer this holds even if the supervisor is killed, see `exit.rs`; of all
    // others as long as it is not.
    let app = App::shell("app", "echo up; exec sleep 1000")
        .with("isolators", json!([retain(&["CAP_SYS_PTRACE"])]));
    let pod = Pod::new(vec![app]);
    let running = pod.start();
    running.says("up");
    let directory = std::fs::File::open(pod.path(".")).unwrap();
    let locked = || {
        let lock = rustix::fs::FlockOperation::NonBlockingLockShared;
        rustix::fs::flock(&directory, lock).is_err()
    };
    assert!(locked());
    running.signal("TERM");
    running.finish();
    assert!(!locked());
}

#[test]
fn handlers_run_although_init_gives_up_its_rights() {
    if !can_run_pods() {
        return;
    }
    let handlers = json!([{"name": "post-stop", "exec": ["/bin/sh", "-c", "id -u; echo stopped"]}]);
    let app = App::shell("app", "id -u").with("user", json!("web"));
    let outcome = Pod::new(vec![app.with("eventHandlers", handlers)]).run();
    assert_eq!(outcome.stdout, "33\n0\nstopped\n", "{outcome:?}");
}

fn sysctl(parameters: Value) -> Value {
    isolator("os/unix/sysctl", parameters)
}

#[test]
fn parameters_of_the_pods_own_namespaces_are_set() {
    if !can_run_pods() {
        return;
    }
    let before = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    let wanted = json!({
        "kernel.msgmax": "12345",
        "kernel.domainname": "example.test",
        "net.ipv4.ip_local_port_range": "40000 50000",
    });
    let script = "cd /proc/sys; cat kernel/msgmax kernel/domainname net/ipv4/ip_local_port_range; \
        echo 1 >kernel/msgmax";
    let app = App::shell("app", script).with("isolators", json!([sysctl(wanted)]));
    let outcome = Pod::new(vec![app]).run_with("", &["--net=none"]);
    assert_eq!(
        outcome.stdout, "12345\nexample.test\n40000\t50000\n",
        "{outcome:?}"
    );
    assert!(outcome.stderr.contains("Read-only"), "{outcome:?}");
    let after = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    assert_eq!(before, after);
}

#[test]
fn parameters_of_the_host_are_refused() {
    if !can_run_pods() {
        return;
    }
    let table = [
        (
            json!({"kernel.core_pattern": "|/bin/x"}),
            "that of the whole host",
        ),
        (
            json!({"net.ipv4.ip_forward": "1"}),
            "shares its network (--net=host)",
        ),
        (json!({"kernel.hostname": "x"}), "--hostname"),
        (
            json!({"net.ipv4.conf.../x": "1"}),
            "no name of a kernel parameter",
        ),
        (
            json!({"kernel.msgmax": "ponies"}),
            "cannot set kernel parameter kernel.msgmax",
        ),
    ];
    for (wanted, says) in table {
        let app = App::shell("app", "echo up").with("isolators", json!([sysctl(wanted)]));
        let outcome = Pod::new(vec![app]).run();
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(254), ""),
            "{outcome:?}"
        );
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
    let app = |name: &str, value: &str| {
        App::shell(name, "true").with(
            "isolators",
            json!([sysctl(json!({"kernel.msgmax": value}))]),
        )
    };
    let outcome = Pod::new(vec![app("a", "1000"), app("b", "2000")]).run();
    assert!(
        outcome
            .stderr
            .contains("is to be both \"1000\" and \"2000\""),
        "{outcome:?}"
    );
    let outcome = Pod::new(vec![app("a", "1000"), app("b", "1000")]).run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

#[test]
fn labels_that_the_kernel_does_not_know_are_errors() {
    if !can_run_pods() {
        return;
    }
    let enabled = std::fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    let apparmor = enabled.is_ok_and(|text| text.starts_with('Y'));
    let current = std::fs::read("/proc/self/attr/current").unwrap_or_default();
    let selinux = current.contains(&b':');
    let context = json!({"user": "u", "role": "r", "type": "ponies_t", "level": "s0"});
    let profile = json!({"profile": "ponies"});
    for (isolator, there, says) in [
        (
            isolator("os/linux/selinux-context", context),
            selinux,
            "no SELinux policy loaded",
        ),
        (
            isolator("os/linux/apparmor-profile", profile),
            apparmor,
            "AppArmor is not enabled",
        ),
    ] {
        let app = App::shell("app", "echo up").with("isolators", json!([isolator]));
        let outcome = Pod::new(vec![app]).run();
        // Where there is such a module, it does not know this label.
        let says = if there {
            "give the app the label"
        } else {
            says
        };
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(254), ""),
            "{outcome:?}"
        );
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}
