//! Commands run in a running app.

mod support;

use serde_json::json;
use support::{App, Pod, can_run_pods, children};

fn enter(pod: &Pod, pid: u32, app: &str, command: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(support::stage1())
        .arg("enter")
        .args([
            format!("--pid={pid}"),
            format!("--appname={app}"),
            "--".to_owned(),
        ])
        .args(command)
        .current_dir(pod.path("."))
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_command_has_the_apps_rights_and_surroundings() {
    if !can_run_pods() {
        return;
    }
    let environment = json!([{"name": "COLOUR", "value": "blue"}]);
    let pod = Pod::new(vec![
        App::shell("web", "echo marker > /tmp/file; echo up; sleep 1000; true")
            .with("user", json!("web"))
            .with("group", json!("web"))
            .with("workingDirectory", json!("/srv"))
            .with("environment", environment),
        App::shell("other", "exec sleep 1000"),
    ]);
    let running = pod.start();
    running.says("up");
    let init = children(running.pid())[0];
    let script = "id -u; id -g; pwd; echo $COLOUR $AC_APP_NAME; cat /tmp/file; \
        grep -E 'Cap(Eff|Bnd)' /proc/self/status; ls /proc/self/fd; ps | grep -c '[s]tage1-init'; \
        ls /proc/1/root 2>/dev/null; exit 7";
    let (status, stdout, stderr) = enter(&pod, init, "web", &["/bin/sh", "-c", script]);
    assert_eq!(status, Some(7), "{stdout}{stderr}");
    let expected = "33\n44\n/srv\nblue web\nmarker\nCapEff:\t0000000000000000\n\
        CapBnd:\t00000000a80425fb\n0\n1\n2\n3\n1\n";
    assert_eq!(stdout, expected, "{stderr}");
    let (status, _, _) = enter(&pod, init, "other", &["sh", "-c", "kill -9 $$"]);
    assert_eq!(status, None);
    let (status, _, stderr) = enter(&pod, init, "other", &["absent"]);
    assert_eq!(
        (status, stderr.contains("no such file in the image")),
        (Some(203), true)
    );
    let (status, _, stderr) = enter(&pod, init, "third", &["true"]);
    assert_eq!(
        (status, stderr.contains("the pod has no app third")),
        (Some(254), true)
    );
    let (status, _, stderr) = enter(&pod, 1, "web", &["true"]);
    assert_eq!(
        (status, stderr.contains("is not the first process")),
        (Some(254), true)
    );
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
    let (status, _, _) = enter(&pod, init, "web", &["true"]);
    assert_eq!(status, Some(254));
}

#[test]
fn an_app_that_has_ended_cannot_be_entered() {
    if !can_run_pods() {
        return;
    }
    let pod = Pod::new(vec![
        App::shell("short", "true"),
        App::shell(
            "long",
            "while ps | grep -q '[b]in/sh -c true'; do :; done; echo up; exec sleep 1000",
        ),
    ]);
    let running = pod.start();
    running.says("up");
    support::eventually("the short app ends", || pod.status("short").is_some());
    let init = children(running.pid())[0];
    let (status, _, stderr) = enter(&pod, init, "short", &["true"]);
    assert_eq!(
        (status, stderr.contains("is it running?")),
        (Some(254), true),
        "{stderr}"
    );
    running.signal("TERM");
    assert_eq!(running.finish().status, Some(0));
}
