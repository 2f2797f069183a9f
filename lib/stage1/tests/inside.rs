//! What an app is given: identity, environment, capabilities, descriptors, names.

mod support;

use serde_json::json;
use std::os::unix::fs::symlink;
use support::{App, Pod, can_run_pods};

/// Runs one shell app and returns its output, which must be without complaint.
fn output(script: &str) -> String {
    let outcome = Pod::new(vec![App::shell("app", script)]).run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    outcome.stdout
}

#[test]
fn the_environment_is_rkts_and_the_apps() {
    if !can_run_pods() {
        return;
    }
    let own = json!([{"name": "HOME", "value": "/data"}, {"name": "TEXT", "value": "a $b\nc"}]);
    let outcome = Pod::new(vec![
        App::exec("app", &["/bin/env"]).with("environment", own),
    ])
    .run();
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    lines.sort_unstable();
    let expected = [
        "AC_APP_NAME=app",
        "HOME=/data",
        "LOGNAME=root",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SHELL=/bin/sh",
        "TEXT=a $b",
        "USER=root",
        "c",
        "container=rkt",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn users_and_groups_are_the_images() {
    if !can_run_pods() {
        return;
    }
    for (user, group, expected) in [
        ("root", "root", "0 0"),
        ("web", "web", "33 44"),
        ("web", "0", "33 0"),
        // A number is a number, although the image has a user of that name who is root.
        ("1000", "44", "1000 44"),
        ("/owned", "/owned", "7 8"),
    ] {
        let app = App::shell("app", "echo $(id -u) $(id -g); id -G")
            .with("user", json!(user))
            .with("group", json!(group))
            .with("supplementaryGIDs", json!([100, 200]));
        let pod = Pod::new(vec![app]);
        std::fs::write(pod.image("app").join("owned"), "").unwrap();
        std::os::unix::fs::chown(pod.image("app").join("owned"), Some(7), Some(8)).unwrap();
        let outcome = pod.run();
        let (ids, groups) = outcome.stdout.split_once('\n').unwrap();
        assert_eq!(ids, expected, "{outcome:?}");
        assert!(groups.trim_end().ends_with("100 200"), "{outcome:?}");
    }
}

#[test]
fn users_that_cannot_be_told_are_errors() {
    if !can_run_pods() {
        return;
    }
    let cases = [
        ("4294967295", "out of range"),
        ("99999999999", "out of range"),
        ("nobody", "no \"nobody\" in /etc/passwd"),
        ("/absent", "cannot tell the owner of /absent"),
    ];
    for (user, says) in cases {
        let pod = Pod::new(vec![App::shell("app", "echo up").with("user", json!(user))]);
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(254), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn a_hostile_passwd_is_not_read() {
    if !can_run_pods() {
        return;
    }
    for (target, says) in [
        // A FIFO would hang the pod, a link into /proc would read what this process has open.
        (None, "is not a regular file"),
        (Some("/proc/self/fd/3"), "cannot read"),
        (Some("/dev/zero"), "is not a regular file"),
    ] {
        let pod = Pod::new(vec![
            App::shell("app", "echo up").with("user", json!("web")),
        ]);
        let passwd = pod.image("app").join("etc/passwd");
        std::fs::remove_file(&passwd).unwrap();
        match target {
            Some(target) => symlink(target, &passwd).unwrap(),
            None => rustix::fs::mknodat(
                rustix::fs::CWD,
                &passwd,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o644),
                0,
            )
            .unwrap(),
        }
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(254), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

/// The capability sets of the app, as its `/proc/self/status` has them.
fn capabilities(app: App, arguments: &[&str]) -> Vec<String> {
    let outcome = Pod::new(vec![app]).run_with("", arguments);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    outcome
        .stdout
        .lines()
        .map(|line| line.split_once('\t').map_or("", |(_, set)| set).to_owned())
        .collect()
}

#[test]
fn capabilities_are_bounded() {
    if !can_run_pods() {
        return;
    }
    const NONE: &str = "0000000000000000";
    const DEFAULT: &str = "00000000a80425fb";
    let show = || App::exec("app", &["/bin/grep", "Cap", "/proc/self/status"]);
    let host = &["--net=host"];
    assert_eq!(
        capabilities(show(), host),
        [NONE, DEFAULT, DEFAULT, DEFAULT, NONE]
    );
    let user = show().with("user", json!("33"));
    assert_eq!(capabilities(user, host), [NONE, NONE, NONE, DEFAULT, NONE]);
    let kill = "0000000000000020";
    let isolators =
        json!([{"name": "os/linux/capabilities-retain-set", "value": {"set": ["CAP_KILL"]}}]);
    let retain = show().with("isolators", isolators);
    assert_eq!(capabilities(retain, host), [NONE, kill, kill, kill, NONE]);
    let all = capabilities(
        show(),
        &["--net=host", "--disable-capabilities-restriction"],
    );
    assert_ne!(all[3], DEFAULT);
}

#[test]
fn isolators_are_enforced_or_reported() {
    if !can_run_pods() {
        return;
    }
    let isolators = json!([
        {"name": "os/linux/no-new-privileges", "value": true},
        {"name": "resource/network-bandwidth", "value": {"default": true, "limit": "64M"}},
    ]);
    let app = App::exec("app", &["/bin/grep", "NoNewPrivs", "/proc/self/status"]);
    let outcome = Pod::new(vec![app.with("isolators", isolators)]).run();
    assert_eq!(outcome.stdout, "NoNewPrivs:\t1\n");
    let warning =
        "stage1: warning: isolator resource/network-bandwidth of app app is not enforced\n";
    assert_eq!(outcome.stderr, warning);
}

#[test]
fn nothing_but_the_standard_streams_is_open() {
    if !can_run_pods() {
        return;
    }
    // The fourth is the directory that ls reads.
    assert_eq!(output("ls /proc/self/fd"), "0\n1\n2\n3\n");
    assert_eq!(
        output("exec 2>/dev/null; cat; ls -l /proc/self/fd/0 | grep -c null"),
        "1\n"
    );
    let leaking = Pod::new(vec![App::shell("app", "ls /proc/self/fd")]);
    let outcome = leaking.run_with("exec 5</etc 6</proc 7>/dev/null", &["--net=host"]);
    assert_eq!(outcome.stdout, "0\n1\n2\n3\n");
}

#[test]
fn signals_are_as_a_program_expects() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::exec(
        "app",
        &["/bin/grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"],
    )]);
    let outcome = pod.run_with("trap '' HUP PIPE USR1", &["--net=host"]);
    let none = "0000000000000000";
    let expected = format!("SigBlk:\t{none}\nSigIgn:\t{none}\nSigCgt:\t{none}\n");
    assert_eq!(outcome.stdout, expected);
}

#[test]
fn the_working_directory_must_lie_inside() {
    if !can_run_pods() {
        return;
    }
    for (directory, status) in [
        ("/srv", 0),
        ("/link", 0),
        ("/absent", 254),
        ("/bin/busybox", 254),
        ("/escape", 254),
        ("/proc/self/fd/3", 254),
        ("/proc/1/cwd", 254),
    ] {
        let app = App::exec("app", &["/bin/pwd"]).with("workingDirectory", json!(directory));
        let pod = Pod::new(vec![app]);
        symlink("srv", pod.image("app").join("link")).unwrap();
        symlink("/proc/self/fd/4", pod.image("app").join("escape")).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(status), "{directory}: {outcome:?}");
        if status == 0 {
            assert_eq!(outcome.stdout, "/srv\n");
        }
    }
}

#[test]
fn the_program_runs_from_where_nobody_can_change_it() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let running = pod.start();
    running.says("up");
    for pid in [running.pid(), support::children(running.pid())[0]] {
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        // The root of an overlay that is mounted nowhere, or where there is none a copy in memory.
        let program = program.to_str().unwrap();
        assert!(
            ["/stage1", "/memfd:stage1 (deleted)"].contains(&program),
            "{program}"
        );
        let write = std::fs::OpenOptions::new()
            .write(true)
            .open(format!("/proc/{pid}/exe"));
        assert!(write.is_err());
    }
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
}

#[test]
fn names_and_networks_are_the_pods() {
    if !can_run_pods() {
        return;
    }
    let host = std::fs::read_link("/proc/self/ns/net").unwrap();
    let script = "hostname; cat /etc/hostname; cat /etc/hosts; readlink /proc/self/ns/net; \
        ip addr show lo | grep -c 127.0.0.1/8; readlink /etc/mtab";
    let run = |arguments: &[&str]| {
        let pod = Pod::new(vec![App::shell("app", script)]);
        let outcome = pod.run_with("", arguments);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let lines = outcome.stdout.lines().map(str::to_owned);
        (lines.collect::<Vec<_>>(), format!("rkt-{}", pod.uuid))
    };
    let (own, name) = run(&["--net=none"]);
    assert_eq!(
        own[..4],
        [
            name.clone(),
            name,
            "127.0.0.1 localhost".into(),
            "::1 localhost".into()
        ]
    );
    assert_ne!(own[4], host.to_str().unwrap());
    assert_eq!(own[5..], ["1", "/proc/self/mounts"]);
    let (shared, _) = run(&["--net=host", "--hostname=box"]);
    assert_eq!(shared[..2], ["box", "box"]);
    assert_eq!(shared[4], host.to_str().unwrap());
}

#[test]
fn pods_that_cannot_be_read_are_refused() {
    if !can_run_pods() {
        return;
    }
    for (file, content, says) in [
        ("pod", "{", "bad manifest pod"),
        (
            "pod",
            r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[]}"#,
            "at least one",
        ),
        ("rootfs.json", "[]", "bad file rootfs.json"),
        (
            "rootfs.json",
            r#"{"apps":[]}"#,
            "app app has no entry in rootfs.json",
        ),
    ] {
        let pod = Pod::new(vec![App::shell("app", "echo up")]);
        std::fs::write(pod.path(file), content).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(254), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

#[test]
fn no_program_is_reached_through_a_descriptor_of_ours() {
    if !can_run_pods() {
        return;
    }
    // The pod directory, descriptor 9 here, lies on a file system of the host (CVE-2024-21626).
    let path = "/proc/self/fd/9/outside";
    for exec in [path, "/link", "/script"] {
        let pod = Pod::new(vec![App::exec("app", &[exec])]);
        std::fs::copy(gantry_testkit::busybox(), pod.path("outside")).unwrap();
        symlink(path, pod.image("app").join("link")).unwrap();
        let script = pod.image("app").join("script");
        std::fs::write(&script, format!("#!{path}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(203), "{exec}: {outcome:?}");
        assert!(
            outcome.stderr.contains("is not in the image")
                || outcome.stderr.contains("no such file in the image"),
            "{exec}: {outcome:?}"
        );
    }
}
