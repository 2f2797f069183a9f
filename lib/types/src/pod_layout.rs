//! Where things lie in a pod directory.
//!
//! Every path is relative to the pod directory. Source: rkt 1.30, common.go and
//! Documentation/devel/stage1-implementors-guide.md, but for [`ROOT_PLAN`],
//! [`CGROUPS`], [`ISOLATORS`] and [`METADATA_URL`], which are ours.

use std::path::PathBuf;

use crate::ac_name::AcName;

/// The pod manifest, mode 0640.
pub const POD: &str = "pod";
/// Empty; its modification time is when the pod was made. Mode 0640.
pub const POD_CREATED: &str = "pod-created";
/// Locked while apps are added or removed.
pub const POD_LOCK: &str = "pod.lck";
/// The tree of stage1, in overlay pods.
pub const STAGE1_TREE_ID: &str = "stage1TreeStoreID";
/// Present when the roots are overlays.
pub const OVERLAY_PREPARED: &str = "overlay-prepared";
/// `SHIFT:COUNT` of the pod's user namespace.
pub const PRIVATE_USERS_PREPARED: &str = "private-users-prepared";
/// What `run` leaves for a later `app add`.
pub const RUNTIME_CONFIG: &str = "runtime-config";
/// The process that is the pod, in decimal digits.
pub const PID: &str = "pid";
/// The process whose only child is the pod, in decimal digits.
pub const PPID: &str = "ppid";
/// The process group of a pod of flavor fly.
pub const PGID: &str = "pgid";
/// The pod's cgroup; written before the process file.
pub const SUBCGROUP: &str = "subcgroup";
/// The path of the pod's network namespace.
pub const NETNS: &str = "netns";
/// The network configurations in use.
pub const NET: &str = "net";
/// What the networks gave the pod.
pub const NET_INFO: &str = "net-info.json";
/// A symbolic link that names the flavor of stage1.
pub const FLAVOR: &str = "flavor";
/// Present when the pod is known to the metadata service. Ours holds the pod's token; mode 0600.
pub const MDS_REGISTERED: &str = "mds-registered";
/// Where the apps find the metadata service: their `AC_METADATA_URL`. Mode 0600.
pub const METADATA_URL: &str = "metadata-url";
/// The manifests and trees of the apps' images.
pub const APPS_INFO: &str = "appsinfo";
/// What overlay roots write.
pub const OVERLAY: &str = "overlay";
/// The directories of `empty` volumes.
pub const SHARED_VOLUMES: &str = "sharedVolumes";
/// The stage1 image.
pub const STAGE1: &str = "stage1";
/// The manifest of the stage1 image.
pub const STAGE1_MANIFEST: &str = "stage1/manifest";
/// The root of stage1, `$S1`.
pub const STAGE1_ROOTFS: &str = "stage1/rootfs";
/// The exit statuses of the apps.
pub const STATUS: &str = "stage1/rootfs/rkt/status";
/// The environments of the apps.
pub const ENV: &str = "stage1/rootfs/rkt/env";
/// What the apps wrote, as [`LogLine`](crate::log_line::LogLine)s: two files per app, used in turn.
pub const LOGS: &str = "stage1/rootfs/rkt/logs";
/// Present in [`LOGS`] when the lines went to the host's journal.
pub const IN_JOURNAL: &str = "stage1/rootfs/rkt/logs/in.journal";
/// The sockets by which others reach the streams of the apps.
pub const IOTTYMUX: &str = "stage1/rootfs/rkt/iottymux";
/// A symbolic link to [`SUPERVISOR_READY`] once the supervisor takes orders.
pub const SUPERVISOR_STATUS: &str = "stage1/rootfs/rkt/supervisor-status";
/// The one target of [`SUPERVISOR_STATUS`] that means something.
pub const SUPERVISOR_READY: &str = "ready";
/// How stage1 makes the apps' roots, a [`RootPlan`](crate::RootPlan).
pub const ROOT_PLAN: &str = "rootfs.json";
/// Which control groups stage1 made for the pod, and which are thus to be removed.
pub const CGROUPS: &str = "cgroups.json";
/// What stage1 did about the isolators, an [`IsolatorReport`](crate::IsolatorReport).
pub const ISOLATORS: &str = "isolators.json";

/// The directories of the pods, one per phase of life, in the order in which a pod is looked for.
pub const PHASES: [&str; 6] = [
    "embryo",
    "prepare",
    "prepared",
    "run",
    "exited-garbage",
    "garbage",
];

/// The image manifest of an app.
pub fn app_manifest(app: &AcName) -> PathBuf {
    [APPS_INFO, app.as_str(), "manifest"].iter().collect()
}

/// The tree of an app, in overlay pods.
pub fn app_tree_id(app: &AcName) -> PathBuf {
    [APPS_INFO, app.as_str(), "treeStoreID"].iter().collect()
}

/// The directory of an app in stage1.
pub fn app_dir(app: &AcName) -> PathBuf {
    [STAGE1_ROOTFS, "opt/stage2", app.as_str()].iter().collect()
}

/// The root of an app.
pub fn app_rootfs(app: &AcName) -> PathBuf {
    app_dir(app).join("rootfs")
}

/// The two log files of an app; the one whose first line is younger is being written.
pub fn logs(app: &AcName) -> [PathBuf; 2] {
    ["0", "1"].map(|number| PathBuf::from(LOGS).join(format!("{app}.{number}")))
}

/// The exit status of an app: decimal digits and a newline.
pub fn status(app: &AcName) -> PathBuf {
    [STATUS, app.as_str()].iter().collect()
}

/// In mutable pods, present once the app was created.
pub fn status_created(app: &AcName) -> PathBuf {
    PathBuf::from(STATUS).join(format!("{app}-created"))
}

/// In mutable pods, present once the app was started.
pub fn status_started(app: &AcName) -> PathBuf {
    PathBuf::from(STATUS).join(format!("{app}-started"))
}

/// The environment of an app, lines of `NAME=value`.
pub fn env(app: &AcName) -> PathBuf {
    [ENV, app.as_str()].iter().collect()
}

/// The directory of an `empty` volume.
pub fn shared_volume(volume: &AcName) -> PathBuf {
    [SHARED_VOLUMES, volume.as_str()].iter().collect()
}

/// The systemd scope of a pod, and the control group of one that has none; `uuid` is the pod's.
///
/// Source: systemd.unit(5), escaping of unit names, and the scopes that machined makes.
pub fn machine_scope(uuid: &str) -> String {
    format!("machine-rkt\\x2d{}.scope", uuid.replace('-', "\\x2d"))
}

/// What an app writes over a tree.
pub fn overlay_upper(tree: &str, app: &AcName) -> PathBuf {
    [OVERLAY, tree, "upper", app.as_str()].iter().collect()
}

/// The work directory of an app's overlay over a tree.
pub fn overlay_work(tree: &str, app: &AcName) -> PathBuf {
    [OVERLAY, tree, "work", app.as_str()].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_named_like_that_of_a_machine() {
        assert_eq!(
            machine_scope("6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c"),
            r"machine-rkt\x2d6f5cd21b\x2d7d2f\x2d4d52\x2d8e5b\x2d3f9f3f1a2b3c.scope"
        );
    }

    #[test]
    fn files_of_an_app_lie_where_rkt_has_them() {
        let app: AcName = "web".parse().unwrap();
        let table = [
            (app_manifest(&app), "appsinfo/web/manifest"),
            (app_tree_id(&app), "appsinfo/web/treeStoreID"),
            (app_rootfs(&app), "stage1/rootfs/opt/stage2/web/rootfs"),
            (status(&app), "stage1/rootfs/rkt/status/web"),
            (status_created(&app), "stage1/rootfs/rkt/status/web-created"),
            (status_started(&app), "stage1/rootfs/rkt/status/web-started"),
            (env(&app), "stage1/rootfs/rkt/env/web"),
            (shared_volume(&app), "sharedVolumes/web"),
            (overlay_upper("tree", &app), "overlay/tree/upper/web"),
        ];
        for (path, expected) in table {
            assert_eq!(path, PathBuf::from(expected));
        }
        let work = overlay_work("tree", &app);
        let parts = ["overlay", "tree", "work", "web"];
        assert_eq!(work, parts.iter().collect::<PathBuf>());
    }
}
