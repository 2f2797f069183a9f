//! The control groups of pods, which lie outside of the data directory and go only with the pods.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::World;

/// How long the pods of a test may take to end and to be collected.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ends and collects what a test left of pods, and returns the groups that stay in spite of that.
///
/// A pod that was killed counts as running until its first process is gone, so that one collection is not enough.
pub fn end(world: &World) -> Vec<PathBuf> {
    let pods = world.env.path("rkt/pods");
    let groups = recorded(&pods);
    let deadline = Instant::now() + PATIENCE;
    while !(entries(&pods.join("run")).is_empty()
        && entries(&pods.join("exited-garbage")).is_empty())
        && Instant::now() < deadline
    {
        for pod in entries(&pods.join("run")) {
            let uuid = pod.file_name().unwrap_or_default();
            let stop = ["stop".as_ref(), "--force".as_ref(), uuid];
            let _ = world.rkt_command().args(stop).output();
        }
        for _ in 0..2 {
            let gc = ["gc", "--grace-period=0s"];
            let _ = world.rkt_command().args(gc).output();
        }
        if groups.iter().all(|group| !group.exists()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    groups.into_iter().filter(|group| group.exists()).collect()
}

/// The groups of all pods beneath `pods`, as their directories say.
fn recorded(pods: &Path) -> Vec<PathBuf> {
    let phases = entries(pods).into_iter();
    let pods = phases.flat_map(|phase| entries(&phase));
    pods.flat_map(|pod| of_pod(&pod)).collect()
}

/// The groups of the pod in this directory.
pub fn of_pod(pod: &Path) -> Vec<PathBuf> {
    let text = std::fs::read(pod.join("cgroups.json")).unwrap_or_default();
    // Tests damage all kinds of files.
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let groups = record["groups"].as_array().into_iter().flatten();
    let directories = groups.filter_map(|group| group["directory"].as_str());
    directories.map(PathBuf::from).collect()
}

/// Removes groups, with those beneath them, once their processes are gone.
pub fn remove(groups: &[PathBuf]) {
    let deadline = Instant::now() + PATIENCE;
    for group in groups {
        while group.exists() {
            assert!(Instant::now() < deadline, "{} stays", group.display());
            for inner in entries(group) {
                // Files of a group go with it.
                let _ = std::fs::remove_dir(inner);
            }
            if std::fs::remove_dir(group).is_err() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}
