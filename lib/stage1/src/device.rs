//! `/dev` of an app: a small tmpfs of its own with the devices every program expects.
//!
//! The nodes are made here, from their numbers, in a file system no image has touched, so that they
//! are the real devices whatever the host's or the image's `/dev` holds. They are bound one by one
//! into a directory where no other node opens: an app may have `CAP_MKNOD`, and a node that it makes
//! must not give it the host's disks.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, makedev, mkdirat, mknodat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MoveMountFlags, OpenTreeFlags, move_mount};

use crate::failed::{Failed, Step as _};
use crate::overlay::clone_tree;
use crate::pod_root::{attach, new_mount};

/// Where the nodes are made, in the app's copy of the pod's root, which the app never sees.
pub(crate) const NODES_DIR: &str = "/devices";

/// Name, major and minor number. Source: Linux, Documentation/admin-guide/devices.txt.
///
/// The console of an app that has no terminal swallows what is written to it: the host's own console
/// is not the app's.
const NODES: [(&str, u32, u32); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("console", 1, 3),
];

const LINKS: [(&str, &str); 5] = [
    ("pts/ptmx", "ptmx"),
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
];

/// Mounts a new `/dev` on `target`, with the pod's `shm` and `pts`.
///
/// The process must be in the app's own mount namespace, since the pod's mounts move there.
pub(crate) fn mount(target: BorrowedFd<'_>, with_tun: bool) -> Result<(), Failed> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let nodes = new_mount("tmpfs", &[("mode", "0755"), ("size", "64k")], attributes)
        .and_then(|nodes| attach(&nodes, CWD, NODES_DIR).map(|()| nodes))
        .step(|| "make a place for the app's devices")?;
    let options = [("mode", "0755"), ("size", "4m")];
    let dev = new_mount(
        "tmpfs",
        &options,
        attributes | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
    .step(|| "make the app's /dev")?;
    attach(&dev, target, "").step(|| "mount the app's /dev")?;
    for (name, major, minor) in NODES {
        make_node(&nodes, name, major, minor)
            .and_then(|()| bind_node(name, &dev, name))
            .step(|| format!("make /dev/{name} of the app"))?;
    }
    for (to, name) in LINKS {
        symlinkat(to, &dev, name).step(|| format!("make /dev/{name} of the app"))?;
    }
    if with_tun {
        mkdirat(&dev, "net", Mode::from_raw_mode(0o755))
            .and_then(|()| make_node(&nodes, "tun", 10, 200))
            .and_then(|()| bind_node("tun", &dev, "net/tun"))
            .step(|| "make /dev/net/tun of the app")?;
    }
    for name in ["shm", "pts"] {
        let made = mkdirat(&dev, name, Mode::from_raw_mode(0o755));
        made.and_then(|()| {
            move_mount(
                CWD,
                format!("/dev/{name}"),
                &dev,
                name,
                MoveMountFlags::empty(),
            )
        })
        .step(|| format!("bring the pod's /dev/{name} to the app"))?;
    }
    Ok(())
}

/// Shows the device `node` at `name` in `dev`.
fn bind_node(node: &str, dev: impl AsFd, name: &str) -> Result<(), Errno> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(&dev, name, flags, Mode::from_raw_mode(0o666))?;
    let node = format!("{NODES_DIR}/{node}");
    attach(
        &clone_tree(node.as_ref(), OpenTreeFlags::empty())?,
        dev,
        name,
    )
}

/// Makes a character device that everybody may open.
pub(crate) fn make_node(dev: impl AsFd, name: &str, major: u32, minor: u32) -> Result<(), Errno> {
    // The umask of this process is 0.
    let mode = Mode::from_raw_mode(0o666);
    mknodat(
        dev,
        name,
        FileType::CharacterDevice,
        mode,
        makedev(major, minor),
    )
}
