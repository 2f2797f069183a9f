//! Volumes, and the mount table of the host.

mod support;

use serde_json::json;
use std::os::unix::fs::symlink;
use support::{App, Pod, can_run_pods};

#[test]
fn apps_share_volumes_and_processes() {
    if !can_run_pods() {
        return;
    }
    let volumes = json!([{"name": "data", "kind": "empty", "mode": "1750", "uid": 5, "gid": 6}]);
    let pod = Pod::with_volumes(
        vec![
            App::shell(
                "writer",
                "echo from writer > /out/file; mkdir /dev/shm/writer; \
                 while ! test -d /dev/shm/reader; do sleep 0.02; done; true",
            )
            .mount("data", "/out"),
            App::shell(
                "reader",
                "while ! test -d /dev/shm/writer; do sleep 0.02; done; cat /deep/in/file; \
                stat -c '%a %u %g' /deep/in; ps | grep -q '[f]rom writer' && echo seen; test -e /out || echo apart; \
                mkdir /dev/shm/reader",
            )
            .mount("data", "/deep/in"),
        ],
        volumes,
    );
    let outcome = pod.run();
    let expected = "from writer\n1750 5 6\nseen\napart\n";
    assert_eq!(outcome.stdout, expected, "{outcome:?}");
    assert!(pod.path("sharedVolumes/data/file").exists());
}

#[test]
fn a_mount_point_without_a_volume_gets_an_empty_one() {
    if !can_run_pods() {
        return;
    }
    let points = json!([{"name": "data", "path": "/data"}]);
    let pod = Pod::new(vec![
        App::shell("app", "echo x > /data/x").with("mountPoints", points),
    ]);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(
        outcome.stderr.contains("using the empty volume app-data"),
        "{outcome:?}"
    );
    assert!(pod.path("sharedVolumes/app-data/x").exists());
}

#[test]
fn read_only_reaches_what_is_mounted_below() {
    if !can_run_pods() {
        return;
    }
    let host = tempfile::tempdir().unwrap();
    std::fs::create_dir(host.path().join("below")).unwrap();
    let below = host.path().join("below");
    let prologue = format!(
        "mount -t tmpfs none '{0}' && echo hi > '{0}/hi'",
        below.display()
    );
    let script = "cat /host/below/hi; for i in /host/x /host/below/x; do \
        (echo x > $i) 2>/dev/null && echo \"$i written\"; done; true";
    for (read_only, recursive, expected) in [
        (true, true, "hi\n"),
        (false, true, "hi\n/host/x written\n/host/below/x written\n"),
        (false, false, "/host/x written\n/host/below/x written\n"),
    ] {
        let volumes = json!([{"name": "host", "kind": "host", "source": host.path(),
            "readOnly": read_only, "recursive": recursive}]);
        let app = App::shell("app", script).mount("host", "/host");
        let outcome = Pod::with_volumes(vec![app], volumes).run_with(&prologue, &["--net=host"]);
        assert_eq!(outcome.stdout, expected, "{outcome:?}");
    }
}

#[test]
fn volumes_lie_in_each_other_but_nothing_is_made_on_the_host() {
    if !can_run_pods() {
        return;
    }
    let host = tempfile::tempdir().unwrap();
    std::fs::create_dir(host.path().join("there")).unwrap();
    let volumes = json!([{"name": "host", "kind": "host", "source": host.path()}, {"name": "e", "kind": "empty"},
        {"name": "f", "kind": "empty"}]);
    let run = |app: App| Pod::with_volumes(vec![app], volumes.clone()).run();
    let app = |target: &str| {
        App::shell(
            "app",
            "for d in /v/there /e/f /dev/f; do test -d $d && echo x >$d/x; done; ls -d /*/*/x",
        )
        .mount("host", "/v")
        .mount("e", target)
    };
    let outcome = run(app("/v/there"));
    assert_eq!(outcome.stdout, "/v/there/x\n", "{outcome:?}");
    assert!(
        !host.path().join("there/x").exists(),
        "the inner volume is another"
    );
    for target in ["/v/absent", "/v/there/absent"] {
        let outcome = run(app(target));
        assert_eq!(outcome.status, Some(254), "{outcome:?}");
        assert!(outcome.stderr.contains("nothing is made"), "{outcome:?}");
    }
    assert_eq!(
        std::fs::read_dir(host.path().join("there"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(std::fs::read_dir(host.path()).unwrap().count(), 1);
    // What is the pod's own gets its directories.
    let outcome = run(app("/e").mount("f", "/e/f"));
    assert_eq!(outcome.stdout, "/e/f/x\n/v/there/x\n", "{outcome:?}");
    std::fs::remove_file(host.path().join("there/x")).unwrap();
    let outcome = run(app("/dev/f"));
    assert_eq!(outcome.stdout, "/dev/f/x\n/v/there/x\n", "{outcome:?}");
}

#[test]
fn two_volumes_have_no_place_in_common() {
    if !can_run_pods() {
        return;
    }
    let volumes = json!([{"name": "e", "kind": "empty"}, {"name": "f", "kind": "empty"}]);
    let app = App::shell("app", "true")
        .mount("e", "/data")
        .mount("f", "/link");
    let pod = Pod::with_volumes(vec![app], volumes.clone());
    symlink("data", pod.image("app").join("link")).unwrap();
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert!(
        outcome.stderr.contains("another volume is there already"),
        "{outcome:?}"
    );
    let app = App::shell("app", "true")
        .mount("e", "/data")
        .mount("f", "/data/");
    let outcome = Pod::with_volumes(vec![app], volumes).run();
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert!(
        outcome.stderr.contains("two mounts at \"/data\""),
        "{outcome:?}"
    );
}

#[test]
fn single_files_are_volumes_too() {
    if !can_run_pods() {
        return;
    }
    let host = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(host.path(), "content\n").unwrap();
    let volumes =
        json!([{"name": "file", "kind": "host", "source": host.path(), "readOnly": true}]);
    let app = App::shell("app", "cat /etc/new/file").mount("file", "/etc/new/file");
    let outcome = Pod::with_volumes(vec![app], volumes.clone()).run();
    assert_eq!(outcome.stdout, "content\n", "{outcome:?}");
    let app = App::shell("app", "true").mount("file", "/etc");
    let outcome = Pod::with_volumes(vec![app], volumes).run();
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert!(
        outcome.stderr.contains("mount a volume at /etc"),
        "{outcome:?}"
    );
}

#[test]
fn sources_and_places_that_are_not_there_are_errors() {
    if !can_run_pods() {
        return;
    }
    let volumes = json!([{"name": "v", "kind": "host", "source": "/absent/source"}]);
    let pod = Pod::with_volumes(vec![App::shell("app", "true").mount("v", "/v")], volumes);
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(254));
    assert!(
        outcome.stderr.contains("take the volume /absent/source"),
        "{outcome:?}"
    );
    for (path, says) in [
        ("/proc/x", "lies in /proc"),
        ("/a/../b", "not an absolute path"),
    ] {
        let pod = Pod::with_volumes(
            vec![App::shell("app", "true").mount("v", path)],
            json!([{"name": "v", "kind": "empty"}]),
        );
        let outcome = pod.run();
        assert_eq!(outcome.status, Some(254));
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

#[test]
fn targets_behind_links_stay_inside_the_image() {
    if !can_run_pods() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    for (link, to) in [
        ("out", outside.path().to_str().unwrap()),
        ("up", "../../../../../../../../tmp"),
        ("magic", "/proc/self/cwd"),
        ("root", "/proc/1/root"),
        ("descriptor", "/proc/self/fd/4"),
    ] {
        let app = App::shell("app", "true").mount("v", &format!("/{link}/made"));
        let pod = Pod::with_volumes(vec![app], json!([{"name": "v", "kind": "empty"}]));
        symlink(to, pod.image("app").join(link)).unwrap();
        let before = std::fs::read_dir("/tmp").unwrap().filter(made).count();
        let outcome = pod.run();
        // Inside, such a link leads nowhere or to a directory of the image's own.
        if link != "up" {
            assert_eq!(outcome.status, Some(254), "{link}: {outcome:?}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        assert_eq!(
            std::fs::read_dir("/tmp").unwrap().filter(made).count(),
            before
        );
    }
}

#[test]
fn links_lead_no_volume_into_proc() {
    if !can_run_pods() {
        return;
    }
    let app = App::shell("app", "echo up").mount("v", "/innocent/tty");
    let pod = Pod::with_volumes(vec![app], json!([{"name": "v", "kind": "empty"}]));
    symlink("/proc", pod.image("app").join("innocent")).unwrap();
    let outcome = pod.run();
    assert_eq!(outcome.status, Some(254), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    assert!(
        outcome.stderr.contains("mount a volume at /innocent/tty"),
        "{outcome:?}"
    );
}

#[test]
fn a_read_only_volume_in_the_place_of_etc_is_taken_as_it_is() {
    if !can_run_pods() {
        return;
    }
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("file"), "content\n").unwrap();
    let volumes = json!([{"name": "v", "kind": "host", "source": host.path(), "readOnly": true}]);
    let app = App::shell("app", "cat /etc/file").mount("v", "/etc");
    let outcome = Pod::with_volumes(vec![app], volumes).run();
    assert_eq!(outcome.stdout, "content\n", "{outcome:?}");
    assert_eq!(std::fs::read_dir(host.path()).unwrap().count(), 1);
}

fn made(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry
        .as_ref()
        .is_ok_and(|entry| entry.file_name() == "made")
}

#[test]
fn the_hosts_mount_table_never_changes() {
    if !can_run_pods() {
        return;
    }
    // Even where mounts propagate to peers, none of the pod's does: neither while it runs, nor after
    // its supervisor was killed.
    let pod = Pod::with_volumes(
        vec![App::shell("app", "sleep 1000").mount("v", "/v")],
        json!([{"name": "v", "kind": "empty"}]),
    );
    let script = format!(
        "mount --make-rshared /; exec 9<.; export RKT_LOCK_FD=9; \
        sort /proc/self/mountinfo > before; \
        '{}' run --net=none {} & pid=$!; \
        while ! test -e ppid || ! grep -qs sleep /proc/[0-9]*/task/[0-9]*/comm; do sleep 0.05; done; \
        sleep 0.3; sort /proc/self/mountinfo > during; kill -9 $pid; sleep 0.5; \
        sort /proc/self/mountinfo > after",
        support::stage1().display(),
        pod.uuid,
    );
    let status = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .current_dir(pod.path("."))
        .status()
        .unwrap();
    assert!(status.success());
    assert_ne!(pod.text("before"), "");
    assert_eq!(pod.text("before"), pod.text("during"));
    assert_eq!(pod.text("before"), pod.text("after"));
}
