//! The file system that an app finds: its root, /dev, /proc, /sys and /etc.

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
