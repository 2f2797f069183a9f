//! Pods with users of their own: root in the pod is nobody on the host.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use serde_json::json;

use support::{App, Pod, can_run_pods, children, eventually, stage1};

/// The first ID of the range that the pods of this file have.
const FIRST: u32 = 0x3fff_0000;
const RANGE: &str = "--private-users=1073676288:65536";

/// A pod as stage0 leaves it for a range of users: the upper directories belong to it.
fn private(apps: Vec<App>, names: &[&str]) -> Pod {
    private_with_volumes(apps, names, json!([]))
}

fn private_with_volumes(apps: Vec<App>, names: &[&str], volumes: serde_json::Value) -> Pod {
    let pod = Pod::with_volumes(apps, volumes);
    for name in names {
        std::os::unix::fs::chown(pod.upper(name), Some(FIRST), Some(FIRST)).unwrap();
    }
    // As a data directory is: closed to everybody else.
    fs::set_permissions(pod.path(""), fs::Permissions::from_mode(0o700)).unwrap();
    pod
}

/// Whether pods can be made, and the file system here shows other owners than it has.
fn can_shift() -> bool {
    if !can_run_pods() {
        return false;
    }
    let probe = tempfile::tempdir().unwrap();
    let range = [gantry_sys::user_namespace::IdMapping {
        inside: 0,
        outside: FIRST,
        count: 65536,
    }];
    let shifted = gantry_sys::user_namespace::create(&range, &range).and_then(|users| {
        use std::os::fd::AsFd as _;
        let flags = rustix::mount::OpenTreeFlags::OPEN_TREE_CLONE;
        let tree = rustix::mount::open_tree(rustix::fs::CWD, probe.path(), flags)?;
        let depth = gantry_sys::mount::Depth::One;
        gantry_sys::mount::set_id_mapping(tree.as_fd(), depth, users.as_fd())
    });
    if let Err(error) = &shifted {
        eprintln!("SKIP: owners cannot be shifted here: {error}");
    }
    shifted.is_ok()
}

#[test]
fn root_of_the_pod_owns_the_image_and_is_nobody_on_the_host() {
    if !can_shift() {
        return;
    }
    for network in ["--net=host", "--net=none"] {
        let script = "cat /proc/self/uid_map /proc/self/gid_map; id -u; stat -c %u:%g /bin /etc/passwd \
                      /srv/web / /proc/1 /dev/null; touch /srv/new && chown 33:44 /srv/new; \
                      echo x >>/etc/passwd; rm /etc/group; hostname; ls /sys | wc -l; \
                      grep Cap /proc/self/status; echo >/dev/null; test -r /sys/class/net/lo/address && echo lo";
        let pod = private(vec![App::shell("a", script)], &["a"]);
        fs::write(pod.image("a").join("srv/web"), "").unwrap();
        std::os::unix::fs::chown(pod.image("a").join("srv/web"), Some(33), Some(44)).unwrap();
        let outcome = pod.run_with("", &[network, RANGE]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let out = &outcome.stdout;
        assert_eq!(out.matches("1073676288      65536").count(), 2, "{out}");
        assert!(
            out.contains("\n0\n0:0\n0:0\n33:44\n0:0\n0:0\n65534:65534\n"),
            "{out}"
        );
        assert!(out.contains("CapEff:\t00000000a80425fb"), "{out}");
        assert!(out.ends_with("lo\n"), "{out}");
        assert_eq!(outcome.stderr, "");
        let owner = |name: &str| {
            let meta = fs::symlink_metadata(pod.upper("a").join(name)).unwrap();
            (meta.uid(), meta.gid())
        };
        assert_eq!(owner("srv/new"), (FIRST + 33, FIRST + 44));
        // Copied up with the owner that it had in the pod.
        assert_eq!(owner("etc/passwd"), (FIRST, FIRST));
        assert_eq!(pod.status("a").as_deref(), Some("0\n"));
        // The image itself is as before.
        let image = fs::metadata(pod.image("a").join("etc/passwd")).unwrap();
        assert_eq!(image.uid(), 0);
        assert!(pod.image("a").join("etc/group").exists());
    }
}

#[test]
fn apps_have_their_users_groups_handlers_and_empty_volumes() {
    if !can_shift() {
        return;
    }
    let app = App::shell(
        "a",
        "id -u; id -g; id -G; stat -c %u:%g:%a /data; touch /data/mine; exit 3",
    )
    .with("user", json!("web"))
    .with("group", json!("web"))
    .with("supplementaryGIDs", json!([7, 8]))
    .with(
        "eventHandlers",
        json!([
            {"name": "pre-start", "exec": ["/bin/sh", "-c", "touch /srv/pre; id -u"]},
            {"name": "post-stop", "exec": ["/bin/sh", "-c", "touch /srv/post; id -u"]},
        ]),
    )
    .mount("data", "/data");
    let volumes = json!([{"name": "data", "kind": "empty", "mode": "2770", "uid": 33, "gid": 7}]);
    let pod = private_with_volumes(vec![app], &["a"], volumes);
    let outcome = pod.run_with("", &["--net=none", RANGE]);
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    assert_eq!(outcome.stdout, "0\n33\n44\n44 7 8\n33:7:2770\n0\n");
    let owner = |path: std::path::PathBuf| fs::metadata(path).unwrap().uid();
    assert_eq!(owner(pod.upper("a").join("srv/pre")), FIRST);
    assert_eq!(owner(pod.upper("a").join("srv/post")), FIRST);
    assert_eq!(owner(pod.path("sharedVolumes/data/mine")), FIRST + 33);
    assert_eq!(owner(pod.path("sharedVolumes/data")), FIRST + 33);
}

/// Each attempt of root in the pod to reach something of the host's root: all must fail.
#[test]
fn root_of_the_pod_reaches_nothing_that_is_the_hosts_roots() {
    if !can_shift() {
        return;
    }
    let attempts = [
        ("read a volume's secret", "cat /vol/secret"),
        ("write to a volume", "touch /vol/new"),
        ("change a volume's file", "echo x >>/vol/open"),
        (
            "remove from a volume",
            "rm -f /vol/open; test ! -e /vol/open",
        ),
        (
            "give a volume's file away",
            "/bin/busybox chown 0:0 /vol/open",
        ),
        ("change a mode in a volume", "chmod 777 /vol/secret"),
        ("link a volume's file", "ln /vol/secret /vol/again"),
        ("make a device", "mknod /srv/disk b 254 0"),
        ("make a device in a volume", "mknod /vol/disk b 254 0"),
        ("mount over a volume", "mount -t tmpfs none /vol"),
        ("unmount a volume", "umount /vol"),
        ("mount a disk", "mount -t ext4 /dev/vda /srv"),
        ("change the mode of a device", "chmod 000 /dev/null"),
        ("remove a device", "rm -f /dev/null; test ! -e /dev/null"),
        ("set the host's parameter", "echo 1 >/proc/sys/kernel/sysrq"),
        (
            "set a limit of the host",
            "echo 10 >/proc/sys/kernel/pid_max",
        ),
        ("press a magic key", "echo h >/proc/sysrq-trigger"),
        ("read the kernel's keys", "test -s /proc/keys"),
        (
            "read the kernel's memory",
            "dd if=/proc/kcore of=/dev/null bs=1 count=1 2>/dev/null",
        ),
        (
            "read the addresses of the kernel",
            "grep -v ' 0000000000000000\\|^0000000000000000' /proc/kallsyms | grep .",
        ),
        (
            "become a user of the host",
            "echo '0 0 1' >/proc/self/uid_map",
        ),
        (
            "see a process of the host",
            "ls /proc | grep -q '^[0-9][0-9][0-9]'",
        ),
        (
            "signal the first process",
            "kill -9 1; kill -0 1 && exit 1; exit 0",
        ),
        ("trace the first process", "cat /proc/1/environ | grep ."),
        ("read the root of the first process", "ls /proc/1/root/"),
        ("read descriptors of the first process", "ls /proc/1/fd/"),
        (
            "read the program of the first process",
            "readlink /proc/1/exe",
        ),
        (
            "write the program of the first process",
            "echo >/proc/1/exe",
        ),
        (
            "join the users of the first process",
            "/bin/busybox nsenter -t 1 -U true",
        ),
        (
            "join the mounts of the first process",
            "/bin/busybox nsenter -t 1 -m true",
        ),
        (
            "change the host's name by the kernel",
            "echo x >/proc/sys/kernel/hostname; test \"$(cat /proc/sys/kernel/hostname)\" = x",
        ),
        ("load a module", "/bin/busybox insmod /vol/open"),
        (
            "set the clock",
            "/bin/busybox date -s 2000-01-01; test $(/bin/busybox date +%Y) = 2000",
        ),
        ("raise a priority", "/bin/busybox renice -n -20 -p 1"),
        ("reach the pod's own root", "ls /opt/stage2"),
    ];
    let script: String = attempts
        .iter()
        .map(|(name, attempt)| {
            format!("if ( {attempt} ) >/dev/null 2>&1; then echo \"SUCCEEDED: {name}\"; fi\n")
        })
        .collect();
    let host = tempfile::tempdir().unwrap();
    for (name, mode) in [("secret", 0o600), ("open", 0o644)] {
        fs::write(host.path().join(name), "host").unwrap();
        fs::set_permissions(host.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(host.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // With every capability that there is, within the pod's users.
    let app = App::shell("a", &format!("{script}cat /vol/open; echo; echo end"))
        .with("isolators", json!([{
            "name": "os/linux/capabilities-retain-set",
            "value": {"set": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
                "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_MKNOD", "CAP_SYS_PTRACE", "CAP_SYS_MODULE",
                "CAP_SYS_TIME", "CAP_SYS_NICE", "CAP_SYS_CHROOT", "CAP_NET_ADMIN", "CAP_SYS_RAWIO"]}
        }]))
        .mount("vol", "/vol");
    let volumes = json!([{"name": "vol", "kind": "host", "source": host.path()}]);
    let pod = private_with_volumes(vec![app], &["a"], volumes);
    let outcome = pod.run_with("", &["--net=none", RANGE]);
    assert_eq!(outcome.stdout, "host\nend\n", "{outcome:?}");
    let open = fs::metadata(host.path().join("open")).unwrap();
    assert_eq!((open.uid(), open.len()), (0, 4));
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 2);
}

#[test]
fn keys_of_the_caller_are_not_the_pods() {
    if !can_shift() {
        return;
    }
    let pod = private(
        vec![App::shell("a", "cat /proc/keys; ls -l /proc/keys | wc -l")],
        &["a"],
    );
    let outcome = pod.run_with("", &["--net=host", RANGE]);
    assert_eq!(outcome.stdout, "1\n", "{outcome:?}");
}

#[test]
fn a_command_joins_the_users_of_the_pod() {
    if !can_shift() {
        return;
    }
    for network in ["--net=host", "--net=none"] {
        let app = App::shell("a", "echo up; sleep 1000")
            .with("user", json!("33"))
            .with("group", json!("44"));
        let pod = private(vec![app], &["a"]);
        let running = pod.start_with("", &[network, RANGE]);
        running.says("up");
        let init = children(running.pid())[0];
        let enter = |command: &str| {
            let output = Command::new(stage1())
                .args([
                    "enter",
                    &format!("--pid={init}"),
                    "--appname=a",
                    "--",
                    "/bin/sh",
                    "-c",
                    command,
                ])
                .current_dir(pod.path(""))
                .output()
                .unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (
                output.status.code(),
                text(&output.stdout),
                text(&output.stderr),
            )
        };
        let (status, out, err) = enter(
            "id -u; id -g; cat /proc/self/uid_map; readlink /proc/self/ns/user /proc/1/ns/user; exit 5",
        );
        assert_eq!(status, Some(5), "{out}{err}");
        assert!(out.starts_with("33\n44\n"), "{out}");
        assert!(out.contains("1073676288"), "{out}");
        let own = fs::read_link("/proc/self/ns/user").unwrap();
        assert!(!out.contains(own.to_str().unwrap()), "{out}");
        let (status, ..) = enter("kill -9 1; cat /proc/1/environ");
        assert_ne!(status, Some(0));
        running.signal("TERM");
        assert_eq!(running.finish().status, Some(0));
    }
}

#[test]
fn several_apps_a_copied_root_and_a_kill_leave_nothing() {
    if !can_shift() {
        return;
    }
    let count = || {
        fs::read_to_string("/proc/self/mountinfo")
            .unwrap()
            .lines()
            .count()
    };
    let before = count();
    let pod = private(
        vec![
            App::shell("a", "echo a; sleep 1000"),
            App::shell("b", "echo b; sleep 1000"),
        ],
        &["a", "b"],
    );
    let running = pod.start_with("", &["--net=none", RANGE]);
    running.says("a\n");
    running.says("b\n");
    let init = children(running.pid())[0];
    running.kill();
    eventually("init is gone", || {
        !fs::exists(format!("/proc/{init}")).unwrap()
    });
    assert_eq!(count(), before);
}

#[test]
fn a_range_that_the_host_does_not_give_is_an_error_that_says_so() {
    if !can_run_pods() {
        return;
    }
    let pod = private(vec![App::shell("a", "true")], &["a"]);
    // One user namespace down there is no such ID.
    let prologue = "exec 9<. && flock -x 9 && RKT_LOCK_FD=9 exec unshare --user --map-root-user --mount \"$0\" run \"$@\" \
                    6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";
    let outcome = pod.run_with(prologue, &["--net=host", RANGE]);
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert!(outcome.stderr.contains("1073676288:65536"), "{outcome:?}");
}
