use std::fs;

use super::*;

/// A host made of files, all as it should be.
struct Made {
    temp: tempfile::TempDir,
    host: Host,
}

impl Made {
    fn new(is_root: bool) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().to_owned();
        let host = Host {
            data_dir: root.join("var/lib/rkt"),
            local_config: root.join("etc/rkt"),
            stage1: Some(root.join("stage1")),
            is_root,
            path: root.join("bin").into(),
            root,
        };
        let made = Self { temp, host };
        for (file, text) in [
            ("proc/sys/kernel/osrelease", "6.12.0\n"),
            ("proc/filesystems", "nodev\tproc\nnodev\toverlay\n"),
            ("proc/self/cgroup", "0::/a\n"),
            ("proc/self/ns/user", ""),
            (
                "proc/sys/kernel/seccomp/actions_avail",
                "kill errno allow\n",
            ),
            ("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n"),
            ("sys/fs/cgroup/a/cgroup.controllers", "cpu io memory pids\n"),
            ("sys/fs/cgroup/a/cgroup.procs", ""),
            ("usr/lib/cni/bridge", ""),
            ("usr/sbin/iptables", ""),
            ("run/systemd/system/x", ""),
            ("run/systemd/journal/socket", ""),
            ("usr/lib/systemd/systemd-machined", ""),
            ("etc/group", "root:x:0:\nrkt:x:99:\n"),
            ("var/lib/rkt/store/version", ""),
        ] {
            made.write(file, text);
        }
        made
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.temp.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.temp.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    fn finding(&self, name: &str) -> Finding {
        let mut all = examine(&self.host).into_iter();
        all.find(|finding| finding.name == name).unwrap()
    }
}

#[test]
fn each_thing_that_is_missing_is_found_with_what_follows_and_what_to_do() {
    type Change = fn(&mut Made);
    let table: [(&str, Level, Change); 16] = [
        ("kernel", Level::Bad, |made| {
            made.write("proc/sys/kernel/osrelease", "5.10.0-28-amd64")
        }),
        ("kernel", Level::Limited, |made| {
            made.write("proc/sys/kernel/osrelease", "5.15.0")
        }),
        ("kernel", Level::Bad, |made| made.remove("proc")),
        ("stage1", Level::Bad, |made| made.host.stage1 = None),
        ("user-namespaces", Level::Limited, |made| {
            made.write("proc/sys/user/max_user_namespaces", "0\n")
        }),
        ("user-namespaces", Level::Limited, |made| {
            made.remove("proc/self/ns")
        }),
        ("overlay", Level::Limited, |made| {
            made.write("proc/filesystems", "nodev\tproc\n")
        }),
        ("seccomp", Level::Limited, |made| {
            made.remove("proc/sys/kernel/seccomp")
        }),
        ("control-groups", Level::Limited, |made| {
            made.remove("sys/fs/cgroup")
        }),
        ("control-groups", Level::Limited, |made| {
            made.write("sys/fs/cgroup/a/cgroup.controllers", "cpu")
        }),
        ("network-plugins", Level::Limited, |made| {
            made.remove("usr/lib/cni")
        }),
        ("packet-filter", Level::Limited, |made| {
            made.remove("usr/sbin/iptables")
        }),
        ("systemd", Level::Limited, |made| {
            made.remove("run/systemd/system")
        }),
        ("journald", Level::Limited, |made| {
            made.remove("run/systemd/journal")
        }),
        ("machined", Level::Limited, |made| {
            made.remove("usr/lib/systemd")
        }),
        ("group-rkt", Level::Limited, |made| {
            made.write("etc/group", "rkt-admin:x:1:\n")
        }),
    ];
    for (name, level, change) in table {
        let mut made = Made::new(true);
        let before = made.finding(name);
        assert_eq!(before.level, Level::Good, "{before:?}");
        assert!(before.consequence.is_empty() && !before.found.is_empty());
        change(&mut made);
        let after = made.finding(name);
        assert_eq!(after.level, level, "{after:?}");
        assert!(!after.consequence.is_empty(), "{after:?}");
        assert!(!after.remedy.is_empty() || name == "journald", "{after:?}");
    }
}

#[test]
fn what_a_user_needs_besides_is_looked_at_for_users_only() {
    let made = Made::new(false);
    let finding = made.finding("sub-ids");
    assert_eq!(finding.level, Level::Limited);
    assert!(
        finding.found.contains("etc/subuid has no range for user"),
        "{finding:?}"
    );
    assert!(
        finding.remedy.contains("usermod --add-subuids"),
        "{finding:?}"
    );
    assert_eq!(Made::new(true).finding("sub-ids").level, Level::Good);
    made.write("proc/sys/kernel/unprivileged_userns_clone", "0\n");
    let finding = made.finding("user-namespaces");
    assert_eq!(finding.level, Level::Bad);
    assert!(
        finding
            .remedy
            .contains("/proc/sys/kernel/unprivileged_userns_clone"),
        "{finding:?}"
    );
}

#[test]
fn control_groups_of_both_versions_are_told_apart() {
    let made = Made::new(true);
    assert!(
        made.finding("control-groups")
            .found
            .starts_with("version 2, controllers cpu io")
    );
    for folder in ["memory", "cpu", "pids", "blkio"] {
        made.write(&format!("sys/fs/cgroup/{folder}/b/cgroup.procs"), "");
    }
    made.remove("sys/fs/cgroup/cgroup.controllers");
    made.write(
        "proc/self/cgroup",
        "4:memory:/b\n3:cpu:/b\n2:pids:/b\n1:blkio:/b\n0::/a\n",
    );
    let finding = made.finding("control-groups");
    assert!(finding.found.starts_with("version 1"), "{finding:?}");
    made.write("sys/fs/cgroup/unified/cgroup.controllers", "");
    made.write("sys/fs/cgroup/unified/a/cgroup.controllers", "");
    made.write("sys/fs/cgroup/unified/a/cgroup.procs", "");
    let finding = made.finding("control-groups");
    assert!(finding.found.starts_with("hybrid"), "{finding:?}");
    assert_eq!(finding.level, Level::Good);
}

#[test]
fn nothing_is_changed() {
    let made = Made::new(true);
    made.remove("var/lib/rkt");
    let finding = made.finding("data-directory");
    assert_eq!(finding.level, Level::Good);
    assert!(
        finding.found.ends_with("which the first command makes"),
        "{finding:?}"
    );
    assert!(!made.host.data_dir.exists());
}
