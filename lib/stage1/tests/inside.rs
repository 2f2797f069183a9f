//! What an app finds: identity, environment, files, and what it must not find.

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
fn the_environment_is_the_contracts_and_the_apps() {
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
        {"name": "resource/memory", "value": {"limit": "64M"}},
    ]);
    let app = App::exec("app", &["/bin/grep", "NoNewPrivs", "/proc/self/status"]);
    let outcome = Pod::new(vec![app.with("isolators", isolators)]).run();
    assert_eq!(outcome.stdout, "NoNewPrivs:\t1\n");
    let warning = "stage1: warning: isolator resource/memory of app app is not enforced yet\n";
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
fn devices_are_the_real_ones() {
    if !can_run_pods() {
        return;
    }
    let script = "cd /dev; for i in null zero full random urandom tty; do \
        stat -c '%n %F %t:%T %a' $i; done; ls -d shm pts; readlink ptmx; echo x > /dev/console; \
        touch shm/x && stat -c %a shm; cd pts && test -c ptmx && echo terminals";
    let lines = output(script);
    let expected = "null character special file 1:3 666\n\
        zero character special file 1:5 666\n\
        full character special file 1:7 666\n\
        random character special file 1:8 666\n\
        urandom character special file 1:9 666\n\
        tty character special file 5:0 666\n\
        pts\nshm\npts/ptmx\n1777\nterminals\n";
    assert_eq!(lines, expected);
}

#[test]
fn an_images_own_dev_is_not_used() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell(
        "app",
        "test -c /dev/null && test ! -e /dev/trap",
    )]);
    let dev = pod.image("app").join("dev");
    std::fs::create_dir(&dev).unwrap();
    std::fs::write(dev.join("null"), "not null").unwrap();
    std::fs::write(dev.join("trap"), "").unwrap();
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

#[test]
fn links_in_place_of_proc_sys_and_dev_are_refused() {
    if !can_run_pods() {
        return;
    }
    for name in ["proc", "sys", "dev"] {
        let pod = Pod::new(vec![App::shell("app", "echo up")]);
        symlink("/etc", pod.image("app").join(name)).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(254), "{outcome:?}");
        assert!(
            outcome
                .stderr
                .contains(&format!("use /{name} of the image")),
            "{outcome:?}"
        );
    }
}

#[test]
fn kernel_interfaces_are_protected_or_hidden() {
    if !can_run_pods() {
        return;
    }
    let script = "for i in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/x /sys/class/x \
        /sys/firmware/x /proc/bus/x; do (echo x > $i) 2>/dev/null && echo \"$i written\"; done; \
        for i in /proc/kallsyms /proc/kcore /proc/config.gz; do \
        test -e $i && test $(wc -c < $i) != 0 && echo \"$i read\"; done; \
        for i in /sys/firmware /sys/fs /sys/module /sys/power; do \
        test -d $i && ls -A $i; done; \
        mount -t tmpfs none /tmp 2>/dev/null && echo mounted; \
        umount /sys/firmware 2>/dev/null && echo unmounted; \
        mount -o remount,rw /proc/bus 2>/dev/null && echo remounted; \
        ls /proc/1/root/ 2>/dev/null; cat /proc/1/environ 2>/dev/null; \
        ls /proc/1/cwd/ 2>/dev/null; true";
    assert_eq!(output(script), "");
}

#[test]
fn only_the_pods_processes_and_mounts_are_seen() {
    if !can_run_pods() {
        return;
    }
    let seen = output(
        "ps | wc -l; grep -c . /proc/self/mountinfo; grep -c ext4 /proc/self/mountinfo; true",
    );
    let lines: Vec<u32> = seen.lines().map(|line| line.parse().unwrap()).collect();
    // A heading, init, the shell and the two of the pipe.
    assert_eq!(lines[0], 5, "{seen}");
    assert!(lines[1] < 40, "{seen}");
    assert_eq!(lines[2], 0, "{seen}");
}

#[test]
fn the_working_directory_must_lie_inside() {
    if !can_run_pods() {
        return;
    }
    for (directory, status) in [
        ("/work", 0),
        ("/link", 0),
        ("/absent", 254),
        ("/bin/busybox", 254),
        ("/escape", 254),
        ("/proc/self/fd/3", 254),
        ("/proc/1/cwd", 254),
    ] {
        let app = App::exec("app", &["/bin/pwd"]).with("workingDirectory", json!(directory));
        let pod = Pod::new(vec![app]);
        symlink("work", pod.image("app").join("link")).unwrap();
        symlink("/proc/self/fd/4", pod.image("app").join("escape")).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(status), "{directory}: {outcome:?}");
        if status == 0 {
            assert_eq!(outcome.stdout, "/work\n");
        }
    }
}

#[test]
fn the_program_runs_from_a_sealed_copy() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let running = pod.start();
    running.says("up");
    for pid in [running.pid(), support::children(running.pid())[0]] {
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        assert_eq!(program.to_str(), Some("/memfd:stage1 (deleted)"));
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
        let outcome = Pod::new(vec![App::shell("app", script)]).run_with("", arguments);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        outcome
            .stdout
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let own = run(&["--net=none"]);
    let name = format!("rkt-{}", support::UUID);
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
    let shared = run(&["--net=host", "--hostname=box"]);
    assert_eq!(shared[..2], ["box", "box"]);
    assert_eq!(shared[4], host.to_str().unwrap());
}

#[test]
fn resolver_files_follow_the_mode() {
    if !can_run_pods() {
        return;
    }
    let script =
        "cat /etc/resolv.conf /etc/hosts; (echo x > /etc/resolv.conf) 2>/dev/null && echo w; true";
    let run = |mode: &str| {
        let pod = Pod::new(vec![App::shell("app", script)]);
        std::fs::create_dir_all(pod.path("stage1/rootfs/etc")).unwrap();
        std::fs::write(
            pod.path("stage1/rootfs/etc/rkt-resolv.conf"),
            "stage0 resolv\n",
        )
        .unwrap();
        std::fs::write(pod.path("stage1/rootfs/etc/rkt-hosts"), "stage0 hosts\n").unwrap();
        std::fs::write(pod.image("app").join("etc/resolv.conf"), "image resolv\n").unwrap();
        std::fs::write(pod.image("app").join("etc/hosts"), "image hosts\n").unwrap();
        let mode = format!("--dns-conf-mode={mode}");
        let outcome = pod.run_with("", &["--net=host", &mode]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        outcome.stdout
    };
    assert_eq!(
        run("resolv=default,hosts=default"),
        "image resolv\nimage hosts\nw\n"
    );
    assert_eq!(
        run("resolv=stage0,hosts=stage0"),
        "stage0 resolv\nstage0 hosts\n"
    );
    let host = std::fs::read_to_string("/etc/resolv.conf").unwrap();
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap();
    assert_eq!(run("resolv=host,hosts=host"), format!("{host}{hosts}"));
}

#[test]
fn a_read_only_root_keeps_its_content() {
    if !can_run_pods() {
        return;
    }
    let script =
        "(echo x > /file) 2>/dev/null && echo written; echo x > /dev/shm/ok && cat /dev/shm/ok";
    let app = App::shell("app", script).runtime("readOnlyRootFS", json!(true));
    assert_eq!(Pod::new(vec![app]).run().stdout, "x\n");
}

#[test]
fn a_directory_serves_as_root_too() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("app", "echo here > /file; cat /file")]);
    let root = pod.path("stage1/rootfs/opt/stage2/app/rootfs");
    std::fs::create_dir_all(root.parent().unwrap()).unwrap();
    std::fs::rename(pod.image("app"), &root).unwrap();
    let plan = json!({"apps": [{"name": "app", "kind": "directory"}]});
    std::fs::write(pod.path("rootfs.json"), plan.to_string()).unwrap();
    let outcome = pod.run();
    assert_eq!(outcome.stdout, "here\n", "{outcome:?}");
    assert!(root.join("file").exists());
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

#[test]
fn devices_that_an_app_makes_do_not_open() {
    if !can_run_pods() {
        return;
    }
    let script = "cd /dev; for place in / /dev /v; do \
        mknod $place/made c 1 5 && (dd if=$place/made bs=1 count=1 | wc -c) 2>/dev/null; done";
    let app = App::shell("app", script).mount("v", "/v");
    let pod = Pod::with_volumes(vec![app], json!([{"name": "v", "kind": "empty"}]));
    let outcome = pod.run();
    assert_eq!(outcome.stdout, "0\n0\n0\n", "{outcome:?}");
}

#[test]
fn parameters_of_the_kernel_are_read_only_but_for_the_pods_own() {
    if !can_run_pods() {
        return;
    }
    let script = "for i in kernel/panic kernel/sysrq vm/swappiness fs/file-max; do \
        v=$(cat /proc/sys/$i) && (echo $v > /proc/sys/$i) 2>/dev/null && echo \"$i written\"; done; \
        v=$(cat /proc/sys/net/core/somaxconn) && \
        (echo $v > /proc/sys/net/core/somaxconn) 2>/dev/null && echo network; true";
    let run = |net| {
        let app = App::shell("app", script);
        Pod::new(vec![app]).run_with("", &[net]).stdout
    };
    assert_eq!(run("--net=none"), "network\n");
    assert_eq!(run("--net=host"), "");
}

#[test]
fn an_etc_that_is_odd_keeps_no_app_from_running() {
    if !can_run_pods() {
        return;
    }
    let odd = |change: &dyn Fn(&std::path::Path), script: &str| {
        let pod = Pod::new(vec![App::shell("app", script)]);
        std::fs::create_dir_all(pod.path("stage1/rootfs/etc")).unwrap();
        std::fs::write(pod.path("stage1/rootfs/etc/rkt-resolv.conf"), "resolver\n").unwrap();
        change(&pod.image("app").join("etc"));
        let outcome = pod.run_with("", &["--net=host", "--dns-conf-mode=resolv=stage0"]);
        (outcome.status, outcome.stdout, outcome.stderr)
    };
    // As in images of distributions with systemd: the target is made at boot, which is not here.
    let (status, stdout, stderr) = odd(
        &|etc| {
            symlink(
                "../run/systemd/resolve/stub-resolv.conf",
                etc.join("resolv.conf"),
            )
            .unwrap();
            symlink("/absent/hostname", etc.join("hostname")).unwrap();
        },
        "cat /etc/resolv.conf; grep -q rkt /etc/hostname && echo named",
    );
    assert_eq!(
        (status, stdout.as_str()),
        (Some(0), "resolver\nnamed\n"),
        "{stderr}"
    );
    // A link into the kernel's files is no place for ours.
    let (status, stdout, stderr) = odd(
        &|etc| symlink("/proc/uptime", etc.join("hostname")).unwrap(),
        "grep -c rkt /proc/uptime; cat /etc/resolv.conf",
    );
    assert_eq!(
        (status, stdout.as_str()),
        (Some(0), "0\nresolver\n"),
        "{stderr}"
    );
}
