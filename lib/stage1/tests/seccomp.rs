//! System calls that an app may not make.

mod support;

use serde_json::{Value, json};
use support::{App, Outcome, Pod, can_run_pods};

const HOST: &[&str] = &["--net=host"];

/// A set of system calls.
fn seccomp(kind: &str, set: &[&str], errno: &str) -> Value {
    let value = json!({"set": set, "errno": errno});
    json!({"name": format!("os/linux/seccomp-{kind}-set"), "value": value})
}

/// All capabilities that could hide what the filter does.
fn admin() -> Value {
    let set = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"];
    json!({"name": "os/linux/capabilities-retain-set", "value": {"set": set}})
}

fn run(app: App, isolators: &[Value], arguments: &[&str]) -> Outcome {
    Pod::new(vec![app.with("isolators", json!(isolators))]).run_with("", arguments)
}

#[test]
fn every_app_has_a_filter_unless_told_otherwise() {
    if !can_run_pods() {
        return;
    }
    let show = || {
        App::exec(
            "app",
            &["/bin/grep", "-E", "Seccomp:|NoNew", "/proc/self/status"],
        )
    };
    let lines = |outcome: Outcome| outcome.stdout.replace('\t', "");
    assert_eq!(lines(run(show(), &[], HOST)), "NoNewPrivs:0\nSeccomp:2\n");
    // Without root a filter needs the promise to gain no rights. Source: rkt, seccomp-guide.md.
    let web = || show().with("user", json!("web"));
    assert_eq!(lines(run(web(), &[], HOST)), "NoNewPrivs:1\nSeccomp:2\n");
    let off = &["--net=host", "--disable-seccomp"];
    assert_eq!(lines(run(web(), &[], off)), "NoNewPrivs:0\nSeccomp:0\n");
    let all = [seccomp("retain", &["@appc.io/all"], "")];
    assert_eq!(lines(run(web(), &all, HOST)), "NoNewPrivs:0\nSeccomp:0\n");
    let empty = [seccomp("remove", &["@appc.io/empty"], "")];
    assert_eq!(
        lines(run(show(), &empty, HOST)),
        "NoNewPrivs:0\nSeccomp:2\n"
    );
}

#[test]
fn the_default_filter_refuses_what_a_capability_would_allow() {
    if !can_run_pods() {
        return;
    }
    let app = || App::shell("app", "mount -t tmpfs none /srv && echo mounted");
    let outcome = run(app(), &[admin()], HOST);
    assert!(outcome.stderr.contains("permission denied"), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    for (isolators, arguments) in [
        (vec![admin()], &["--net=host", "--disable-seccomp"][..]),
        (
            vec![admin(), seccomp("retain", &["@appc.io/all"], "")],
            HOST,
        ),
        (vec![admin(), seccomp("remove", &["reboot"], "")], HOST),
        (
            vec![
                admin(),
                seccomp("retain", &["@rkt/default-whitelist", "mount"], ""),
            ],
            HOST,
        ),
    ] {
        let outcome = run(app(), &isolators, arguments);
        assert_eq!(outcome.stdout, "mounted\n", "{outcome:?}");
    }
}

#[test]
fn calls_fail_as_asked_or_kill_the_app() {
    if !can_run_pods() {
        return;
    }
    let app = || App::shell("app", "/bin/mkdir /srv/x; echo $?");
    let removed = |errno| [seccomp("remove", &["mkdir", "mkdirat"], errno)];
    let outcome = run(app(), &removed("EMLINK"), HOST);
    assert!(outcome.stderr.contains("Too many links"), "{outcome:?}");
    assert_eq!(outcome.stdout, "1\n");
    // 128 and SIGSYS, as a shell has it.
    let outcome = run(app(), &removed(""), HOST);
    assert_eq!(outcome.stdout, "159\n", "{outcome:?}");
    let outcome = run(
        App::exec("app", &["/bin/mkdir", "/srv/x"]),
        &removed(""),
        HOST,
    );
    assert_eq!(outcome.status, Some(31), "{outcome:?}");
    let error = [seccomp("remove", &["mkdir"], "EPONIES")];
    let outcome = run(app(), &error, HOST);
    assert_eq!(outcome.status, Some(254));
    assert!(
        outcome.stderr.contains("there is no error \"EPONIES\""),
        "{outcome:?}"
    );
}

#[test]
fn a_list_needs_no_calls_for_the_start_itself() {
    if !can_run_pods() {
        return;
    }
    // What a static program of this C library does before and after its main function.
    let few = [
        "arch_prctl",
        "brk",
        "fstat",
        "getrandom",
        "getuid",
        "ioctl",
        "mmap",
        "mprotect",
        "newfstatat",
        "prctl",
        "prlimit64",
        "readlink",
        "readlinkat",
        "rseq",
        "set_robust_list",
        "set_tid_address",
        "uname",
        "write",
    ];
    let list = [seccomp("retain", &few, "")];
    let outcome = run(
        App::exec("app", &["/bin/busybox", "echo", "up"]),
        &list,
        HOST,
    );
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "up\n"),
        "{outcome:?}"
    );
    // Reading a directory is not in the list.
    let outcome = run(App::exec("app", &["/bin/ls"]), &list, HOST);
    assert_eq!(outcome.status, Some(31), "{outcome:?}");
    // Although write(2) is not in this list, the reason is told.
    let none = [seccomp("retain", &["@appc.io/empty"], "")];
    for (program, says) in [
        ("/bin/absent", "no such file in the image"),
        ("absent", "no such file in the image"),
        (
            "/script",
            "its interpreter \"/bin/absent\" is not in the image",
        ),
        ("/etc/passwd", "no permission"),
    ] {
        let pod = Pod::new(vec![
            App::exec("app", &[program]).with("isolators", json!(none)),
        ]);
        let script = pod.image("app").join("script");
        std::fs::write(&script, "#!/bin/absent\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(203), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

#[test]
fn handlers_are_under_the_filter_too() {
    if !can_run_pods() {
        return;
    }
    let handlers = json!([
        {"name": "pre-start", "exec": ["/bin/sh", "-c", "mkdir /srv/a || echo refused"]},
        {"name": "post-stop", "exec": ["/bin/sh", "-c", "mkdir /srv/b || echo refused"]},
    ]);
    let app = App::shell("app", "true").with("eventHandlers", handlers);
    let outcome = run(
        app,
        &[seccomp("remove", &["mkdir", "mkdirat"], "EPERM")],
        HOST,
    );
    assert_eq!(outcome.stdout, "refused\nrefused\n", "{outcome:?}");
}

#[test]
fn what_is_not_known_is_reported() {
    if !can_run_pods() {
        return;
    }
    let set = ["@rkt/default-whitelist", "@rkt/ponies", "reed"];
    let outcome = run(
        App::exec("app", &["/bin/true"]),
        &[seccomp("retain", &set, "")],
        HOST,
    );
    assert_eq!(outcome.status, Some(0));
    let expected = "stage1: warning: unknown set of system calls @rkt/ponies of app app is left out\n\
        stage1: warning: unknown system call reed of app app is left out\n";
    assert_eq!(outcome.stderr, expected);
}
