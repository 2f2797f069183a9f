//! The hierarchies of a host, and where the caller is in each.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Where hierarchies are mounted. Source: systemd, docs/CGROUP_DELEGATION.md.
const MOUNT_ROOT: &str = "/sys/fs/cgroup";

/// A generation of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy of some controllers, or of none but with a name.
    One,
    /// The one hierarchy for all controllers that no hierarchy of version 1 has.
    Two,
}

/// A hierarchy, with the group that the caller is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its generation.
    pub version: Version,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// The caller's group, at or beneath [`mount`](Self::mount).
    pub own: PathBuf,
}

impl Hierarchy {
    /// The path of a group within the hierarchy, with a leading slash.
    #[must_use]
    pub fn path_of(&self, group: &Path) -> PathBuf {
        let within = group.strip_prefix(&self.mount).unwrap_or(Path::new(""));
        Path::new("/").join(within)
    }
}

/// The hierarchies that a process is in; which of them are mounted is looked up when asked for.
#[derive(Clone, Debug)]
pub struct Hierarchies {
    root: PathBuf,
    memberships: Vec<Membership>,
}

/// A line of `/proc/PID/cgroup`: `NUMBER:CONTROLLERS:PATH`.
#[derive(Clone, Debug)]
struct Membership {
    /// Separated by commas; `name=NAME` without controllers, and nothing for version 2.
    controllers: String,
    path: PathBuf,
}

impl Hierarchies {
    /// Those of the calling process.
    ///
    /// # Errors
    ///
    /// If procfs cannot be read; `NotFound` also means a kernel without control groups.
    pub fn of_caller() -> io::Result<Self> {
        let memberships = std::fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::at(Path::new(MOUNT_ROOT), &memberships))
    }

    /// Hierarchies mounted beneath `root`, for a process whose `/proc/PID/cgroup` is given.
    ///
    /// A group outside the caller's cgroup namespace, whose path climbs out by `..`, is left out.
    #[must_use]
    pub fn at(root: &Path, memberships: &str) -> Self {
        let memberships = memberships.lines().filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let path = PathBuf::from(path);
            let climbs = path
                .components()
                .any(|part| !matches!(part, Component::RootDir | Component::Normal(_)));
            (path.is_absolute() && !climbs).then(|| Membership {
                controllers: controllers.to_owned(),
                path,
            })
        });
        Self {
            root: root.to_owned(),
            memberships: memberships.collect(),
        }
    }

    /// The hierarchy of version 2, if it is mounted.
    #[must_use]
    pub fn unified(&self) -> Option<Hierarchy> {
        let found = self.memberships.iter().find(|m| m.controllers.is_empty())?;
        [self.root.clone(), self.root.join("unified")]
            .into_iter()
            .find(|mount| mount.join("cgroup.controllers").exists())
            .and_then(|mount| hierarchy(Version::Two, mount, &found.path))
    }

    /// The hierarchy of version 1 that has a controller (`memory`) or a name (`name=systemd`).
    #[must_use]
    pub fn legacy(&self, controller: &str) -> Option<Hierarchy> {
        let found = self
            .memberships
            .iter()
            .find(|m| m.controllers.split(',').any(|one| one == controller))?;
        let directory = found.controllers.trim_start_matches("name=");
        hierarchy(Version::One, self.root.join(directory), &found.path)
    }

    /// Whether the process is in a group, or in one beneath it.
    #[must_use]
    pub fn contains_caller(&self, group: &Path) -> bool {
        let legacy = self
            .memberships
            .iter()
            .flat_map(|m| m.controllers.split(',').take(1))
            .filter_map(|controller| self.legacy(controller));
        legacy
            .chain(self.unified())
            .any(|hierarchy| hierarchy.own.starts_with(group))
    }
}

fn hierarchy(version: Version, mount: PathBuf, path: &Path) -> Option<Hierarchy> {
    let within = path.strip_prefix("/").ok()?;
    let is_group = |own: &Path| own.join("cgroup.procs").exists();
    let mut own = mount.join(within);
    if !is_group(&own) {
        // In a container whose cgroup namespace is the host's, only a part may be mounted.
        let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        own = mount.join(path.strip_prefix(mounted_part(&table, &mount)?).ok()?);
    }
    is_group(&own).then_some(Hierarchy {
        version,
        mount,
        own,
    })
}

/// What of its file system a mount shows, by a mountinfo table. Source: proc_pid_mountinfo(5).
fn mounted_part<'a>(table: &'a str, mount: &Path) -> Option<&'a Path> {
    // Of several at one place the last is on top.
    let line = table
        .lines()
        .rfind(|line| line.split(' ').nth(4).map(Path::new) == Some(mount))?;
    line.split(' ').nth(3).map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, groups: &[&str], unified: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("gantry-{name}-{}", std::process::id()));
        for group in groups {
            let group = root.join(group);
            std::fs::create_dir_all(&group).unwrap();
            std::fs::write(group.join("cgroup.procs"), "").unwrap();
        }
        std::fs::write(root.join(unified).join("cgroup.controllers"), "").unwrap();
        root
    }

    #[test]
    fn hybrid_hosts_have_both_versions() {
        let groups = ["memory/job", "cpu,cpuacct", "systemd", "unified/a b"];
        let root = tree("hybrid", &groups, "unified");
        let memberships = "4:memory:/job\n3:cpu,cpuacct:/\n1:name=systemd:/\n2:pids:/\n0::/a b\n";
        let all = Hierarchies::at(&root, memberships);
        let memory = all.legacy("memory").unwrap();
        assert_eq!(
            (memory.version, &memory.mount),
            (Version::One, &root.join("memory"))
        );
        assert_eq!(memory.own, root.join("memory/job"));
        assert_eq!(memory.path_of(&memory.own.join("x")), Path::new("/job/x"));
        let cpu = root.join("cpu,cpuacct");
        assert_eq!(all.legacy("cpuacct").unwrap().own, cpu);
        assert_eq!(
            all.legacy("name=systemd").unwrap().mount,
            root.join("systemd")
        );
        // Not mounted, and not there at all.
        assert_eq!((all.legacy("pids"), all.legacy("io")), (None, None));
        let unified = all.unified().unwrap();
        assert_eq!(
            (unified.version, unified.own),
            (Version::Two, root.join("unified/a b"))
        );
        assert!(all.contains_caller(&root.join("unified")));
        assert!(all.contains_caller(&root.join("memory/job")));
        assert!(!all.contains_caller(&root.join("memory/job/pod")));
        assert!(!all.contains_caller(&root.join("memory/jo")));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn version_two_alone_is_mounted_at_the_root() {
        let root = tree("two", &["user.slice/x"], "");
        let unified = Hierarchies::at(&root, "0::/user.slice/x\n")
            .unified()
            .unwrap();
        assert_eq!(
            (unified.mount, unified.own),
            (root.clone(), root.join("user.slice/x"))
        );
        // Outside the namespace, no absolute path, no line at all.
        for bad in ["0::/../x\n", "0::user.slice/x\n", "0:x\n", "\n", ""] {
            assert_eq!(Hierarchies::at(&root, bad).unified(), None, "{bad:?}");
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_mount_may_show_a_part_of_a_hierarchy() {
        let table = "1 0 0:1 / /sys/fs/cgroup rw - tmpfs t rw\n\
                     2 1 0:2 /docker/c0 /sys/fs/cgroup/memory ro - cgroup c rw,memory\n";
        let part = |mount: &str| mounted_part(table, Path::new(mount)).map(Path::to_owned);
        assert_eq!(part("/sys/fs/cgroup/memory"), Some("/docker/c0".into()));
        assert_eq!(part("/sys/fs/cgroup/mem"), None);
    }

    #[test]
    fn this_process_is_somewhere() {
        let Ok(all) = Hierarchies::of_caller() else {
            return;
        };
        if let Some(unified) = all.unified() {
            assert!(all.contains_caller(&unified.own));
        }
    }
}
