//! `rkt doctor`: what a host can and cannot do, for root and for others, without a change.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use support::{RKT, World};

/// The findings of a run, as name and level, with the status.
fn findings(outcome: &gantry_testkit::Outcome) -> Vec<(String, String)> {
    let all: Vec<Value> = serde_json::from_str(&outcome.stdout).expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    for finding in &all {
        let level = text(&finding["level"]);
        assert!(
            ["ok", "limited", "bad"].contains(&level.as_str()),
            "{finding}"
        );
        assert_eq!(level == "ok", finding["consequence"] == "", "{finding}");
        assert!(!text(&finding["found"]).is_empty(), "{finding}");
    }
    let pair = |finding: &Value| (text(&finding["name"]), text(&finding["level"]));
    all.iter().map(pair).collect()
}

fn level(all: &[(String, String)], name: &str) -> String {
    let found = all.iter().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {all:?}"))
        .1
        .clone()
}

#[test]
fn this_host_is_examined_and_nothing_changes() {
    let Some(world) = World::new() else { return };
    let outcome = world.rkt(["doctor", "--format=json"]);
    let all = findings(&outcome);
    assert!(all.len() >= 16, "{all:?}");
    let bad = all.iter().any(|(_, level)| level == "bad");
    assert_eq!(outcome.status, i32::from(bad), "{outcome}");
    for name in [
        "system-calls",
        "stage1",
        "data-directory",
        "configuration",
        "keys",
    ] {
        assert_eq!(level(&all, name), "ok", "{outcome}");
    }
    if support::can_run_pods() {
        assert_eq!(
            outcome.status, 0,
            "pods run here, as other tests show: {outcome}"
        );
    }
    assert!(!world.env.path("rkt").exists(), "nothing was made");
    let lines = world.rkt(["doctor"]);
    assert_eq!(lines.status, outcome.status);
    assert!(lines.stdout.contains("kernel: Linux "), "{lines}");
}

#[test]
fn what_is_wrong_is_named_with_the_file_and_decides_the_status() {
    let Some(world) = World::new() else { return };
    world.env.write("etc/auth.d/bad.json", "{");
    let outcome = world.rkt(["doctor", "--format=json"]);
    assert_eq!(level(&findings(&outcome), "configuration"), "limited");
    assert!(outcome.stdout.contains("bad.json"), "{outcome}");
    // A data directory that cannot be.
    let file = world.env.write("file", "");
    let dir = format!("--dir={}", file.join("below").display());
    let refused = world.env.run(RKT, [&dir, "doctor", "--format=json"]);
    assert_eq!(level(&findings(&refused), "data-directory"), "bad");
    assert_eq!(refused.status, 1, "{refused}");
    // Without a stage1 beside it.
    let alone = world.env.path("alone");
    fs::create_dir(&alone).expect("folder");
    if fs::hard_link(RKT, alone.join("rkt")).is_err() {
        fs::copy(RKT, alone.join("rkt")).expect("a copy of the program");
    }
    let outcome = world
        .env
        .run(alone.join("rkt"), ["doctor", "--format=json"]);
    assert_eq!(level(&findings(&outcome), "stage1"), "bad");
    outcome.expect(1);
}

#[test]
fn a_user_without_root_hears_what_he_can_have() {
    if !support::can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let home = world.env.path("his");
    fs::create_dir(&home).expect("folder");
    std::os::unix::fs::chown(&home, Some(51_234), Some(51_234)).expect("owner");
    fs::set_permissions(world.env.root(), fs::Permissions::from_mode(0o755)).expect("mode");
    for program in [RKT.into(), Path::new(RKT).with_file_name("stage1")] {
        let to = home.join(program.file_name().expect("a name"));
        if fs::hard_link(&program, &to).is_err() {
            fs::copy(&program, &to).expect("a copy of the program");
        }
    }
    let mut command = world.env.command("setpriv");
    command
        .args(["--reuid=51234", "--regid=51234", "--clear-groups"])
        .arg(home.join("rkt"))
        .args(["doctor", "--format=json"])
        .env("HOME", &home);
    let outcome = world.env.outcome(&mut command);
    let all = findings(&outcome);
    assert_eq!(level(&all, "sub-ids"), "limited", "{outcome}");
    assert_eq!(level(&all, "data-directory"), "ok", "{outcome}");
    let namespaces = level(&all, "user-namespaces");
    assert_eq!(outcome.status == 0, namespaces == "ok", "{outcome}");
    assert!(!home.join(".local").exists(), "nothing was made");
}
