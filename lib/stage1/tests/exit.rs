//! How pods end: statuses, signals, stopping, handlers.

mod support;

use serde_json::json;
use support::{App, Pod, can_run_pods, children, eventually};

#[test]
fn the_pod_has_the_status_of_its_app() {
    if !can_run_pods() {
        return;
    }
    for (script, expected) in [
        ("true", 0),
        ("exit 42", 42),
        ("kill -9 $$", 9),
        ("kill -15 $$", 15),
    ] {
        let pod = Pod::new(vec![App::shell("app", script)]);
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(expected), "{script}: {outcome:?}");
        assert_eq!(pod.status("app"), Some(format!("{expected}\n")), "{script}");
        assert_eq!(outcome.stderr, "", "{script}");
    }
}

#[test]
fn a_program_that_cannot_be_executed_is_explained() {
    if !can_run_pods() {
        return;
    }
    for (exec, says) in [
        (
            "/bin/absent",
            "cannot execute \"/bin/absent\": no such file in the image",
        ),
        (
            "absent",
            "cannot execute \"absent\": no such file in the image",
        ),
        (
            "/script",
            "its interpreter \"/bin/absent\" is not in the image",
        ),
        ("/plain", "no permission"),
        ("/garbage", "not a program for this machine"),
    ] {
        let pod = Pod::new(vec![App::exec("app", &[exec])]);
        let image = pod.image("app");
        std::fs::write(image.join("script"), "#!/bin/absent\n").unwrap();
        std::fs::write(image.join("plain"), "#!/bin/sh\n").unwrap();
        std::fs::write(image.join("garbage"), [1, 2, 3]).unwrap();
        for name in ["script", "garbage"] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(image.join(name), mode).unwrap();
        }
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(203), "{exec}: {outcome:?}");
        assert!(outcome.stderr.contains(says), "{exec}: {outcome:?}");
        assert_eq!(pod.status("app").as_deref(), Some("203\n"));
    }
}

#[test]
fn programs_are_found_by_path_working_directory_or_search_path() {
    if !can_run_pods() {
        return;
    }
    for (exec, environment, directory) in [
        ("true", json!([]), "/"),
        ("bin/true", json!([]), "/"),
        ("../bin/true", json!([]), "/srv"),
        (
            "applet",
            json!([{"name": "PATH", "value": "/nowhere:/odd"}]),
            "/",
        ),
    ] {
        let app = App::exec("app", &[exec]);
        let pod = Pod::new(vec![
            app.with("environment", environment)
                .with("workingDirectory", json!(directory)),
        ]);
        std::fs::create_dir(pod.image("app").join("odd")).unwrap();
        std::fs::write(pod.image("app").join("odd/applet"), "#!/bin/sh\nexit 0\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(pod.image("app").join("odd/applet"), mode).unwrap();
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(0), "{exec}: {outcome:?}");
    }
}

#[test]
fn the_first_failure_ends_the_pod_and_success_does_not() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        App::shell("good", "exit 0"),
        App::shell("bad", "sleep 0.3; exit 5"),
        App::shell("endless", "sleep 1000"),
    ]);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(5), "{outcome:?}");
    assert_eq!(pod.status("good").as_deref(), Some("0\n"));
    assert_eq!(pod.status("bad").as_deref(), Some("5\n"));
    assert_eq!(pod.status("endless").as_deref(), Some("15\n"));
}

#[test]
fn a_request_to_stop_reaches_every_app() {
    if !can_run_pods() {
        return;
    }
    let script = "trap 'echo $AC_APP_NAME stops; exit 0' TERM; echo $AC_APP_NAME up; \
        while true; do sleep 0.05; done";
    for signal in ["TERM", "INT"] {
        let pod = Pod::new(vec![App::shell("one", script), App::shell("two", script)]);
        let running = pod.start();
        running.says("one up");
        running.says("two up");
        running.signal(signal);
        let outcome = running.finish();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains("one stops") && outcome.stdout.contains("two stops"));
    }
}

#[test]
fn an_app_that_does_not_stop_is_killed() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell(
        "app",
        "trap '' TERM; echo up; sleep 1000; sleep 1000",
    )]);
    let running = pod.start_with("", &["--net=host", "--stop-timeout=1"]);
    running.says("up");
    running.signal("TERM");
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(9), "{outcome:?}");
    assert_eq!(pod.status("app").as_deref(), Some("9\n"));
}

#[test]
fn the_stop_entrypoint_asks_and_forces() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let running = pod.start();
    running.says("up");
    let stop = pod.entrypoint(&["stop"]);
    assert_eq!(stop.status, Some(0), "{stop:?}");
    assert_eq!(running.finish().status, Some(0));
    assert_eq!(pod.status("app").as_deref(), Some("15\n"));

    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let running = pod.start();
    running.says("up");
    let stop = pod.entrypoint(&["stop", "--force"]);
    assert_eq!(stop.status, Some(0), "{stop:?}");
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert_eq!(pod.status("app"), None);

    // The number in the file is that of another process by now.
    std::fs::write(pod.path("ppid"), std::process::id().to_string()).unwrap();
    let stop = pod.entrypoint(&["stop"]);
    assert_eq!(stop.status, Some(254));
    assert!(stop.stderr.contains("is not running"), "{stop:?}");
    std::fs::write(pod.path("ppid"), "garbage").unwrap();
    assert_eq!(pod.entrypoint(&["stop", "--force"]).status, Some(254));
    assert_eq!(pod.entrypoint(&["gc"]).status, Some(0));
}

#[test]
fn a_pod_that_is_only_just_starting_can_be_stopped() {
    if !can_run_pods() {
        return;
    }
    for force in [&["stop"][..], &["stop", "--force"]] {
        let pod = Pod::new(vec![App::shell("app", "exec sleep 1000")]);
        let running = pod.start_with("sleep 0.2", &["--net=host"]);
        let stop = pod.entrypoint(force);
        assert_eq!(stop.status, Some(0), "{stop:?}");
        // By force the supervisor itself may be what is killed.
        let expected = if force.len() == 1 {
            &[Some(0)][..]
        } else {
            &[Some(254), None]
        };
        let outcome = running.finish();
        assert!(expected.contains(&outcome.status), "{outcome:?}");
    }
}

#[test]
fn handlers_run_before_and_after() {
    if !can_run_pods() {
        return;
    }
    let handlers = json!([
        {"name": "pre-start", "exec": ["/bin/sh", "-c", "id -u; echo pre > /order"]},
        {"name": "post-stop", "exec": ["/bin/sh", "-c", "echo post >> /order; cat /order"]},
    ]);
    let app = App::shell("app", "id -u; echo main >> /order; exit 3")
        .with("eventHandlers", handlers)
        .with("user", json!("33"));
    let pod = Pod::new(vec![app]);
    std::fs::write(pod.image("app").join("order"), "").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(pod.image("app").join("order"), mode).unwrap();
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    assert_eq!(outcome.stdout, "0\n33\npre\nmain\npost\n");
}

#[test]
fn a_failing_pre_start_handler_keeps_the_app_from_starting() {
    if !can_run_pods() {
        return;
    }
    let handlers = json!([
        {"name": "pre-start", "exec": ["/bin/sh", "-c", "exit 7"]},
        {"name": "post-stop", "exec": ["/bin/sh", "-c", "echo post; exit 1"]},
    ]);
    let pod = Pod::new(vec![
        App::shell("app", "echo main").with("eventHandlers", handlers),
    ]);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(7), "{outcome:?}");
    assert_eq!(outcome.stdout, "post\n");
    assert!(
        outcome
            .stderr
            .contains("pre-start handler failed with status 7"),
        "{outcome:?}"
    );
    assert!(
        outcome
            .stderr
            .contains("post-stop handler failed with status 1"),
        "{outcome:?}"
    );
}

#[test]
fn orphans_are_reaped() {
    if !can_run_pods() {
        return;
    }
    let script = "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; sleep 0.5; cat /proc/[0-9]*/stat | grep -c ') Z'; true";
    let outcome = Pod::new(vec![App::shell("app", script)]).run();
    assert_eq!(outcome.stdout, "0\n", "{outcome:?}");
}

#[test]
fn a_killed_supervisor_takes_the_pod_along() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell(
        "app",
        "trap '' TERM; echo up; sleep 1000 & wait",
    )]);
    let running = pod.start();
    running.says("up");
    let init = children(running.pid())[0];
    let app = children(init)[0];
    let grandchild = children(app);
    assert_eq!(pod.text("ppid"), running.pid().to_string());
    running.kill();
    for pid in [init, app].into_iter().chain(grandchild) {
        eventually("the pod's processes end", || {
            !std::path::Path::new(&format!("/proc/{pid}")).exists()
        });
    }
    assert_eq!(pod.status("app"), None);
}

#[test]
fn the_pod_is_locked_while_it_runs() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![App::shell("app", "echo up; exec sleep 1000")]);
    let try_lock = || {
        let directory = std::fs::File::open(pod.path(".")).unwrap();
        let operation = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&directory, operation)
    };
    let running = pod.start();
    running.says("up");
    assert_eq!(try_lock(), Err(rustix::io::Errno::WOULDBLOCK));
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
    assert_eq!(try_lock(), Ok(()));
}

#[test]
fn nothing_of_the_pod_outlives_it() {
    if !can_run_pods() {
        return;
    }
    // What the app leaves behind writes to the host as long as it lives.
    let script = "for i in 1 2 3 4 5 6 7 8; do \
        (while true; do echo x > /v/beat; done) & done; \
        while ! test -e /v/beat; do :; done; exit 0";
    for _ in 0..10 {
        let pod = Pod::with_volumes(
            vec![App::shell("app", script).mount("v", "/v")],
            json!([{"name": "v", "kind": "empty"}]),
        );
        assert_eq!(pod.run().status, Some(0));
        let beat = pod.path("sharedVolumes/v/beat");
        std::fs::remove_file(&beat).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!beat.exists());
    }
}

#[test]
fn a_full_disk_ends_no_app() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        App::shell("short", "exit 0"),
        App::shell("long", "sleep 0.5; echo done"),
    ]);
    std::fs::create_dir_all(pod.path("stage1/rootfs/rkt")).unwrap();
    // Room for the directory of status files, but for no file.
    let full =
        "mount -t tmpfs -o nr_inodes=2 none stage1/rootfs/rkt; mkdir stage1/rootfs/rkt/status";
    let outcome = pod.run_with(full, &["--net=host"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "done\n", "{outcome:?}");
    let says = "cannot write the exit status of app short: No space left on device";
    assert!(outcome.stderr.contains(says), "{outcome:?}");
}

#[test]
fn a_handler_that_does_not_end_is_killed_when_the_pod_stops() {
    if !can_run_pods() {
        return;
    }
    let handlers =
        json!([{"name": "post-stop", "exec": ["/bin/sh", "-c", "echo post; sleep 1000"]}]);
    let pod = Pod::new(vec![
        App::shell("app", "trap '' TERM; echo up; sleep 1000; sleep 1000")
            .with("eventHandlers", handlers),
    ]);
    let running = pod.start_with("", &["--net=host", "--stop-timeout=1"]);
    running.says("up");
    running.signal("TERM");
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(9), "{outcome:?}");
    assert!(outcome.stdout.contains("post"), "{outcome:?}");
}
