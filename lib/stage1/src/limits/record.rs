//! Which groups a pod has, written down before they are made, so that they can go however it ended.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use gantry_sys::cgroup::{Group, Hierarchies, Version};
use gantry_types::pod_layout::{self, machine_scope};

use super::joined::AppGroup;
use super::lanes::Lane;
use crate::failed::{Failed, Step as _};

/// How long processes of a dead pod may take to die.
const PATIENCE: Duration = Duration::from_secs(10);

/// File systems of control groups. Source: Linux, include/uapi/linux/magic.h.
const MAGIC: [(Version, i64); 2] = [(Version::One, 0x27_e0eb), (Version::Two, 0x6367_7270)];

/// The contents of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    groups: Vec<RecordedGroup>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RecordedGroup {
    /// 1 or 2.
    version: u8,
    /// The pod's group, as an absolute path.
    directory: PathBuf,
}

/// The name of an app's group in that of its pod; none of the kernel's files is called so.
pub(crate) fn app_group_name(app: &str) -> String {
    format!("app-{app}")
}

/// Writes the record, and beside it the path of the group where processes are found.
pub(crate) fn write(lanes: &[Lane], tracking: Option<&Lane>) -> Result<(), Failed> {
    let groups = lanes.iter().map(|lane| RecordedGroup {
        version: if lane.version == Version::One { 1 } else { 2 },
        directory: lane.pod.directory().to_owned(),
    });
    let record = Record {
        groups: groups.collect(),
    };
    let name = || format!("write {}", pod_layout::CGROUPS);
    write_file(
        pod_layout::CGROUPS,
        &serde_json::to_vec(&record).step(name)?,
    )?;
    match tracking.and_then(|lane| lane.path.to_str()) {
        Some(path) => write_file(pod_layout::SUBCGROUP, path.as_bytes()),
        None => Ok(()),
    }
}

/// Writes a file of the pod directory; whoever reads it finds all of it or nothing.
pub(crate) fn write_file(name: &str, bytes: &[u8]) -> Result<(), Failed> {
    let step = || format!("write {name}");
    let staged = format!(".{name}");
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(&staged, flags, Mode::from_raw_mode(0o644)).step(step)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest).step(step)?;
        rest = &rest[written..];
    }
    rustix::fs::rename(&staged, name).step(step)
}

/// Kills what is left of the pod in the working directory in its groups, and removes them.
pub(crate) fn end_recorded(uuid: &str) -> Result<(), Failed> {
    let mut caller = None;
    for (_, group) in recorded(Some(uuid))? {
        let directory = group.directory();
        let step = || format!("remove the control group {}", directory.display());
        if !directory.exists() {
            continue;
        }
        if caller.is_none() {
            caller = Some(Hierarchies::of_caller().step(step)?);
        }
        if caller
            .as_ref()
            .is_some_and(|caller| caller.contains_caller(directory))
        {
            let own = io::Error::other("this process is in it");
            return Err(own).step(step);
        }
        group.end(PATIENCE).step(step)?;
    }
    Ok(())
}

/// Opens the groups of an app of the running pod in the working directory.
pub(crate) fn of_running_app(app: &str) -> Result<AppGroup, Failed> {
    let groups: Vec<(Version, Group)> = recorded(None)?
        .into_iter()
        .map(|(version, pod)| (version, pod.child(&app_group_name(app))))
        .collect();
    // A hierarchy that did not let the pod have a group is in the record all the same.
    let there = groups
        .iter()
        .filter(|(_, group)| group.directory().exists());
    AppGroup::open(there.map(|(version, group)| (*version, group)))
}

fn recorded(uuid: Option<&str>) -> Result<Vec<(Version, Group)>, Failed> {
    let name = || format!("read {}", pod_layout::CGROUPS);
    let text = match std::fs::read(pod_layout::CGROUPS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.step(name)?,
    };
    let record: Record = serde_json::from_slice(&text).step(name)?;
    let mut groups = Vec::new();
    for group in record.groups {
        let directory = group.directory;
        let version = match group.version {
            1 => Version::One,
            2 => Version::Two,
            _ => return Err(Errno::INVAL).step(name),
        };
        // What is killed and removed by this file must be this pod's.
        if uuid.is_some_and(|uuid| !belongs(&directory, uuid)) {
            let stranger = format!("{} is no group of this pod", directory.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, stranger)).step(name);
        }
        match rustix::fs::statfs(&directory) {
            Ok(stat) if MAGIC.contains(&(version, stat.f_type)) => {
                groups.push((version, Group::new(directory)));
            }
            // Gone, or where the host has something else after a restart.
            Ok(_) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).step(name),
        }
    }
    Ok(groups)
}

fn belongs(directory: &Path, uuid: &str) -> bool {
    let name = machine_scope(uuid);
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    directory.is_absolute()
        && directory.components().all(plain)
        && (directory.file_name().is_some_and(|last| last == &*name)
            || directory.ends_with(Path::new(&name).join("pod")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";

    #[test]
    fn only_groups_of_the_pod_are_ended() {
        let name = machine_scope(UUID);
        for good in [format!("/c/{name}"), format!("/c/machine.slice/{name}/pod")] {
            assert!(belongs(Path::new(&good), UUID), "{good}");
        }
        let other = machine_scope("00000000-0000-4000-8000-000000000000");
        for bad in [
            "/".to_owned(),
            "/c".to_owned(),
            name.clone(),
            format!("/c/{other}"),
            format!("/c/{name}/../{other}"),
            format!("/c/{name}/.."),
            format!("/c/{name}/app-x"),
            format!("/c/{other}/pod"),
        ] {
            assert!(!belongs(Path::new(&bad), UUID), "{bad}");
        }
    }
}
