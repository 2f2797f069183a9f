//! The layers of the workspace: which crate may use which, compared with `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each crate may use of the workspace. `gantry` is the root package: the tools themselves.
const LAYERS: &[(&str, &[&str])] = &[
    ("gantry", &["types", "ops", "pod", "stage1", "cli"]),
    ("gantry-archive", &["types", "sys"]),
    ("gantry-cli", &["types"]),
    (
        "gantry-fuzz",
        &[
            "types", "archive", "remote", "trust", "store", "ops", "pod", "stage1",
        ],
    ),
    (
        "gantry-ops",
        &["types", "archive", "store", "trust", "remote"],
    ),
    ("gantry-pod", &["types", "sys", "archive", "store"]),
    ("gantry-remote", &["types"]),
    ("gantry-stage1", &["types", "sys"]),
    ("gantry-store", &["types", "sys"]),
    ("gantry-sys", &[]),
    ("gantry-testkit", &["types"]),
    ("gantry-trust", &["types"]),
    ("gantry-types", &[]),
];

/// What stage1 must never link, directly or through others.
const NOT_IN_STAGE1: &[&str] = &["reqwest", "tokio", "rustls", "sequoia-openpgp", "aws-lc-rs"];

fn metadata() -> serde_json::Value {
    // For this platform only: crates of others are not on a machine that has just built this one.
    let platform = format!(
        "--filter-platform={}-unknown-linux-gnu",
        std::env::consts::ARCH
    );
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .arg(platform)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn text<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn every_crate_uses_only_the_layers_below_it() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        if !package["source"].is_null() {
            continue;
        }
        let name = text(package, "name");
        let may_use = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no row in LAYERS"));
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            // Tests may use the test kit, and what they compare with.
            if dependency["kind"] == "dev" || dependency["path"].is_null() {
                continue;
            }
            let used = text(dependency, "name").trim_start_matches("gantry-");
            assert!(may_use.contains(&used), "{name} must not use {used}");
        }
    }
    let rows: BTreeSet<String> = allowed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, rows, "LAYERS and the workspace differ");
}

#[test]
fn stage1_links_no_network_or_openpgp_code() {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let find = |wanted: &str| nodes.iter().find(|node| text(node, "id").contains(wanted));
    let mut waiting = vec![text(find("lib/stage1").expect("stage1"), "id").to_owned()];
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        let node = nodes
            .iter()
            .find(|node| text(node, "id") == id)
            .expect("a node");
        for dependency in node["deps"].as_array().expect("deps") {
            let kinds = dependency["dep_kinds"].as_array().expect("kinds");
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                waiting.push(text(dependency, "pkg").to_owned());
            }
        }
    }
    for banned in NOT_IN_STAGE1 {
        let found = reached
            .iter()
            .find(|id| id.contains(&format!("#{banned}@")));
        assert_eq!(found, None, "stage1 links {banned}");
    }
}
