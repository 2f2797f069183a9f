//! Where in the hierarchy of version 2 the group of a pod goes.
//!
//! A group whose processes are not all in groups beneath it can have none that are limited. Source:
//! Linux, Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint".

use gantry_sys::cgroup::{Group, Hierarchy, Version};

use super::controller::Controller;

/// The group that the supervisor moves to where its own has to have limited ones beneath.
const SUPERVISOR: &str = "supervisor";

/// The group beneath which the pod's goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) group: Group,
    /// The controllers that groups beneath it have.
    pub(crate) enabled: Vec<Controller>,
}

/// Chooses it: the caller's group if it can have limited ones beneath, else that above.
///
/// Under systemd a group above belongs to systemd, while the caller's is its unit's and goes with
/// it; there this process, if it is alone in it, makes room by moving into one beneath.
pub(crate) fn choose(unified: &Hierarchy, needed: &[Controller], systemd: bool) -> Base {
    let own = Group::new(unified.own.clone());
    let mut best = enable(own.clone(), needed);
    if best.enabled.len() == needed.len() {
        return best;
    }
    let above = own
        .directory()
        .parent()
        .filter(|_| own.directory() != unified.mount);
    let above = above.map(|directory| Group::new(directory.to_owned()));
    if let (Some(above), false) = (above, systemd) {
        let base = enable(above, needed);
        if base.enabled.len() > best.enabled.len() {
            best = base;
        }
    }
    let possible = needed
        .iter()
        .filter(|controller| has(&own, **controller))
        .count();
    if best.enabled.len() < possible && is_alone(&own) && make_room(&own).is_some() {
        best = enable(own, needed);
    }
    best
}

fn has(group: &Group, controller: Controller) -> bool {
    group.lists("cgroup.controllers", controller.name(Version::Two))
}

/// Gives the groups beneath `group` those of the controllers that it can give.
pub(crate) fn enable(group: Group, needed: &[Controller]) -> Base {
    let mut enabled = Vec::new();
    for controller in needed {
        let name = controller.name(Version::Two);
        if group.lists("cgroup.subtree_control", name)
            || (has(&group, *controller)
                && group
                    .write("cgroup.subtree_control", &format!("+{name}"))
                    .is_ok())
        {
            enabled.push(*controller);
        }
    }
    Base { group, enabled }
}

fn is_alone(own: &Group) -> bool {
    let this = rustix::process::getpid();
    // A process of another PID namespace is in the list with number 0.
    own.read("cgroup.procs")
        .is_ok_and(|list| list.trim() == this.as_raw_nonzero().to_string())
}

fn make_room(own: &Group) -> Option<()> {
    let inner = own.child(SUPERVISOR);
    inner.make().ok()?;
    inner.write("cgroup.procs", "0").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_sys::cgroup::Hierarchies;
    use std::path::Path;

    /// A group of a tree that stands in for the kernel's.
    fn group(root: &Path, path: &str, controllers: &str, subtree: &str) {
        let directory = root.join(path);
        std::fs::create_dir_all(&directory).unwrap();
        for (file, text) in [
            ("cgroup.controllers", controllers),
            ("cgroup.subtree_control", subtree),
            ("cgroup.procs", "1\n2\n"),
        ] {
            std::fs::write(directory.join(file), text).unwrap();
        }
    }

    /// Makes writing fail; the kernel's way of it cannot be had here.
    fn close(root: &Path, path: &str) {
        std::fs::remove_file(root.join(path)).unwrap();
    }

    fn base(root: &Path, own: &str, needed: &[Controller], systemd: bool) -> (String, usize) {
        let unified = Hierarchies::at(root, &format!("0::{own}\n"))
            .unified()
            .unwrap();
        let base = choose(&unified, needed, systemd);
        let path = unified.path_of(base.group.directory());
        (path.to_str().unwrap().to_owned(), base.enabled.len())
    }

    const BOTH: [Controller; 2] = [Controller::Memory, Controller::Pids];

    #[test]
    fn the_callers_own_group_is_first_choice() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        group(root, "", "memory pids io", "memory pids");
        group(root, "job", "memory pids", "");
        assert_eq!(base(root, "/job", &BOTH, false), ("/job".to_owned(), 2));
        let written = std::fs::read_to_string(root.join("job/cgroup.subtree_control")).unwrap();
        // Two writes, each from the beginning, as in a file that is none of the kernel's.
        assert_eq!(written, "+pidsry");
        assert_eq!(base(root, "/job", &[], true), ("/job".to_owned(), 0));
    }

    #[test]
    fn a_group_with_processes_has_the_pod_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        group(root, "", "memory pids", "memory pids");
        group(root, "job", "memory pids", "");
        close(root, "job/cgroup.subtree_control");
        assert_eq!(base(root, "/job", &BOTH, false), ("/".to_owned(), 2));
        // What is above belongs to systemd.
        assert_eq!(base(root, "/job", &BOTH, true), ("/job".to_owned(), 0));
        // Nor is there anything above the root.
        close(root, "cgroup.subtree_control");
        assert_eq!(base(root, "/", &BOTH, false), ("/".to_owned(), 0));
    }

    #[test]
    fn a_controller_that_is_not_there_is_done_without() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        group(root, "", "pids", "pids");
        assert_eq!(base(root, "/", &BOTH, false), ("/".to_owned(), 1));
    }
}
