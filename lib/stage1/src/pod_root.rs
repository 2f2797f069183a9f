//! The pod's own root: a small tmpfs with procfs, sysfs, the apps' roots and the status directory.
//!
//! Everything here happens in the mount namespace of the pod, whose copies of the host's mounts are
//! left behind at the end, so the host's mount table never changes and nothing has to be undone.
//!
//! ```text
//! /proc /sys           the pod's own, masked; each app takes its copy along
//! /dev/shm /dev/pts    one of each for the pod, since its apps share an IPC namespace
//! /rkt                 stage1/rootfs/rkt of the pod directory: status files
//! /opt/stage2/APP/rootfs   the apps' root file systems
//! /hidden/{dir,file}   what covers hidden paths
//! /devices             empty; each app makes its devices on a mount of its own there
//! /null                standard input of the apps
//! ```

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkdirat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_bind, mount_remount,
    move_mount, unmount,
};
use rustix::process::{fchdir, pivot_root};

use gantry_sys::mount::{Depth, Propagation, set_propagation};

use crate::arguments::{Network, RunArguments};
use crate::failed::{Failed, Step as _};
use crate::overlay::clone_tree;
use crate::sysctl::{self, Parameter};
use crate::users;

/// Readable, but not changeable by any app.
///
/// Root in an app is root to the files in /proc, and most parameters below /proc/sys are the whole
/// machine's. Source: rkt 1.30, stage1/init/common; systemd-nspawn, which rkt uses, for all of /proc/sys.
const PROTECTED: [&str; 11] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/sys/block",
    "/sys/bus",
    "/sys/class",
    "/sys/dev",
    "/sys/devices",
    "/sys/kernel",
];

/// Parameters that a pod with a network of its own may change, since they are that network's.
const OWN_NETWORK: &str = "/proc/sys/net";

/// Covered by an empty directory or file without permissions.
///
/// Source: rkt 1.30, stage1/init/common; the last seven are those of OCI runtimes.
const HIDDEN: [(&str, &str); 18] = [
    ("/sys/firmware", HIDDEN_DIR),
    ("/sys/fs", HIDDEN_DIR),
    ("/sys/hypervisor", HIDDEN_DIR),
    ("/sys/module", HIDDEN_DIR),
    ("/sys/power", HIDDEN_DIR),
    ("/proc/config.gz", HIDDEN_FILE),
    ("/proc/kallsyms", HIDDEN_FILE),
    ("/proc/sched_debug", HIDDEN_FILE),
    ("/proc/kcore", HIDDEN_FILE),
    ("/proc/kmem", HIDDEN_FILE),
    ("/proc/mem", HIDDEN_FILE),
    ("/proc/acpi", HIDDEN_DIR),
    ("/proc/asound", HIDDEN_DIR),
    ("/proc/scsi", HIDDEN_DIR),
    ("/proc/keys", HIDDEN_FILE),
    ("/proc/latency_stats", HIDDEN_FILE),
    ("/proc/timer_list", HIDDEN_FILE),
    ("/proc/timer_stats", HIDDEN_FILE),
];

/// The group of terminals, as Debian and others have it.
const TTY_GROUP: u32 = 5;

const HIDDEN_DIR: &str = "/hidden/dir";
const HIDDEN_FILE: &str = "/hidden/file";

/// Attributes of every mount that is no file system of an app.
const NO_PROGRAMS: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Keeps mounts made from here on away from the host, while those of the host still arrive.
///
/// A volume thus shows what the host mounts below it later.
pub(crate) fn seclude() -> Result<(), Failed> {
    let done = set_propagation(c"/", Depth::Tree, Propagation::Slave);
    let in_chroot = done
        .as_ref()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::InvalidInput);
    done.step(|| match in_chroot {
        // Nor could such a root be left: see pivot_root(2).
        true => {
            "separate the pod's mounts from the host's, since the root directory is no mount point \
             (in a chroot, bind-mount it on itself and enter it with pivot_root)"
        }
        false => "separate the pod's mounts from the host's",
    })
}

/// What the pod's root needs of the host's.
#[derive(Debug)]
pub(crate) struct HostParts {
    status: OwnedFd,
    /// The host's `/sys`, where the pod can have none of its own.
    sys: Option<OwnedFd>,
    /// The host's null device, where the pod can make none.
    null: Option<OwnedFd>,
}

impl HostParts {
    /// Takes them; the working directory must be the pod directory.
    pub(crate) fn take(confined: bool, arguments: &RunArguments) -> Result<Self, Failed> {
        Ok(Self {
            status: status_tree()?,
            sys: users::host_sys(confined, arguments)?,
            null: confined
                .then(|| crate::device::host_null().step(|| "take the host's /dev/null"))
                .transpose()?,
        })
    }
}

/// Replaces the root of this process by the pod's own root and leaves the host's mounts.
///
/// Afterwards the working directory is `/`.
pub(crate) fn enter(
    arguments: &RunArguments,
    host: &HostParts,
    max_pid: Option<u32>,
    parameters: &[Parameter],
) -> Result<(), Failed> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let root = new_mount("tmpfs", &[("mode", "0755"), ("size", "1m")], attributes)
        .step(|| "make the pod's root")?;
    // While the host's are in sight: in a user namespace nobody gets to see more of them than that.
    let proc = system_mount("proc")?;
    let own_sys = match host.sys {
        Some(_) => None,
        None => Some(system_mount("sysfs")?),
    };
    // On the one directory that every user can reach.
    attach(&root, CWD, "/").step(|| "mount the pod's root")?;
    leave_old_root(&root).step(|| "leave the host's root")?;

    for directory in [
        "proc",
        "sys",
        "dev",
        "dev/shm",
        "dev/pts",
        "rkt",
        "opt",
        "opt/stage2",
        "hidden",
        "devices",
    ] {
        mkdirat(CWD, directory, Mode::from_raw_mode(0o755))
            .step(|| format!("make /{directory} in the pod's root"))?;
    }
    attach(&host.status, CWD, "rkt").step(|| "mount the status directory")?;
    attach(&proc, CWD, "proc").step(|| "mount the pod's /proc")?;
    if let Some(sys) = host.sys.as_ref().or(own_sys.as_ref()) {
        attach(sys, CWD, "sys").step(|| "mount the pod's /sys")?;
    }
    new_mount("tmpfs", &[("mode", "1777")], NO_PROGRAMS)
        .and_then(|shm| attach(&shm, CWD, "dev/shm"))
        .step(|| "mount the pod's /dev/shm")?;
    let mut options = vec![("mode", "0620"), ("ptmxmode", "0666")];
    if users::has_group(TTY_GROUP) {
        options.push(("gid", "5"));
    }
    new_mount("devpts", &options, attributes)
        .and_then(|mount| attach(&mount, CWD, "dev/pts"))
        .step(|| "mount the pod's /dev/pts")?;
    if let Some(most) = max_pid {
        bound_processes(most).step(|| "bound the number of the pod's processes")?;
    }
    sysctl::apply(parameters)?;
    if arguments.all_paths {
        Ok(())
    } else {
        mask(arguments.network != Network::Host, host.sys.is_some())
    }
}

/// Sets the highest number that a process of this PID namespace can have.
fn bound_processes(most: u32) -> Result<(), Errno> {
    let path = "/proc/sys/kernel/pid_max";
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(file, most.to_string().as_bytes()).map(drop)
}

/// The pod's own procfs or sysfs, attached nowhere yet.
fn system_mount(kind: &str) -> Result<OwnedFd, Failed> {
    let made = new_mount(kind, &[], NO_PROGRAMS);
    let denied = matches!(made, Err(Errno::PERM));
    made.step(|| match denied {
        // Source: mount_namespaces(7), on procfs and sysfs that are only partly visible.
        true => format!(
            "make the pod's {kind}: in a user namespace that needs a {kind} of the host that nothing \
             covers, which containers often do not have"
        ),
        false => format!("make the pod's {kind}"),
    })
}

/// Makes a null device of the pod's the standard input of this process and of all it starts.
///
/// Not the host's: its node would be open in the app, whose root could change its mode. Where the app's
/// root is not the host's it could not, and there the pod cannot make one.
pub(crate) fn null_stdin(host: &HostParts) -> Result<(), Failed> {
    let made = match &host.null {
        Some(null) => crate::device::show_node(null, CWD, "/null"),
        None => crate::device::make_node(CWD, "/null", 1, 3),
    };
    made.and_then(|()| rustix::fs::open("/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))
        .and_then(rustix::stdio::dup2_stdin)
        .step(|| "make /dev/null the standard input")
}

/// A new instance of a file system, attached nowhere yet.
pub(crate) fn new_mount(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(context.as_fd(), *key, *value)?;
    }
    fsconfig_create(context.as_fd())?;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Attaches a detached mount at `target` in `directory`; an empty `target` is `directory` itself.
pub(crate) fn attach(
    mount: &OwnedFd,
    directory: impl std::os::fd::AsFd,
    target: &str,
) -> Result<(), Errno> {
    let mut flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    if target.is_empty() {
        flags |= MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    }
    move_mount(mount, "", directory, target, flags)
}

/// Makes the mount `root` the root of this process and detaches what was the root.
pub(crate) fn leave_old_root(root: &OwnedFd) -> Result<(), Errno> {
    fchdir(root)?;
    // With the same directory for both, the old root ends up mounted over the new one, where it can
    // be detached without a directory made for it. Source: pivot_root(2).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}

/// Makes the directory that holds status files, in the pod directory.
pub(crate) fn make_status_directory() -> Result<(), Failed> {
    for directory in [
        "stage1",
        "stage1/rootfs",
        "stage1/rootfs/rkt",
        "stage1/rootfs/rkt/status",
    ] {
        match mkdirat(CWD, directory, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).step(|| format!("make {directory}")),
        }
    }
    Ok(())
}

/// A detached mount of the directory that holds status files, in the pod directory.
fn status_tree() -> Result<OwnedFd, Failed> {
    make_status_directory()?;
    clone_tree(Path::new("stage1/rootfs/rkt"), OpenTreeFlags::empty())
        .step(|| "bind the status directory")
}

fn mask(own_network: bool, read_only_sys: bool) -> Result<(), Failed> {
    cover_material().step(|| "make what covers hidden paths")?;
    // Taken before /proc/sys becomes read-only, and put back in its place.
    let network = own_network
        .then(|| clone_tree(OWN_NETWORK.as_ref(), OpenTreeFlags::empty()))
        .transpose()
        .step(|| format!("take {OWN_NETWORK}"))?;
    for path in PROTECTED {
        if read_only_sys && path.starts_with("/sys/") {
            continue;
        }
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
        match mount_bind(path, path) {
            // Kernels differ in what they show.
            Err(Errno::NOENT) => continue,
            bound => bound.and_then(|()| {
                mount_remount(path, flags | MountFlags::NODEV | MountFlags::NOEXEC, "")
            }),
        }
        .step(|| format!("protect {path}"))?;
    }
    if let Some(network) = network {
        attach(&network, CWD, OWN_NETWORK).step(|| format!("give back {OWN_NETWORK}"))?;
    }
    for (path, cover) in HIDDEN {
        match mount_bind(cover, path) {
            Err(Errno::NOENT) => {}
            bound => bound.step(|| format!("hide {path}"))?,
        }
    }
    Ok(())
}

/// Makes the empty directory and file, on a mount that is read-only and passes that on to each bind.
fn cover_material() -> Result<(), Errno> {
    mkdirat(CWD, HIDDEN_DIR, Mode::empty())?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, HIDDEN_FILE, flags, Mode::empty())?;
    mount_bind("/hidden", "/hidden")?;
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
    mount_remount(
        "/hidden",
        flags | MountFlags::NODEV | MountFlags::NOEXEC,
        "",
    )
}
