//! `/dev` of an app: a small tmpfs of its own with the devices every program expects.
//!
//! The nodes are made here, from their numbers, in a file system no image has touched, so that they
//! are the real devices whatever the host's or the image's `/dev` holds. They are bound one by one
//! into a directory where no other node opens: an app may have `CAP_MKNOD`, and a node that it makes
//! must not give it the host's disks.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

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
pub(crate) fn mount(target: BorrowedFd<'_>, devices: &Devices) -> Result<(), Failed> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let options = [("mode", "0755"), ("size", "4m")];
    let dev = new_mount(
        "tmpfs",
        &options,
        attributes | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
    .step(|| "make the app's /dev")?;
    attach(&dev, target, "").step(|| "mount the app's /dev")?;
    devices.show_in(&dev)?;
    for (to, name) in LINKS {
        symlinkat(to, &dev, name).step(|| format!("make /dev/{name} of the app"))?;
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

/// Where the devices of an app come from.
#[derive(Debug)]
pub(crate) enum Devices {
    /// They are made, from their numbers.
    Made { with_tun: bool },
    /// They are the host's, as detached mounts: who is root in a user namespace only can make none. Nor
    /// can he change these, which belong to the host's root.
    Host(Vec<(&'static str, OwnedFd)>),
}

impl Devices {
    /// Takes those of the host if the pod can make none.
    pub(crate) fn take(confined: bool) -> Result<Self, Failed> {
        let with_tun = rustix::fs::stat(TUN.0).is_ok();
        if !confined {
            return Ok(Self::Made { with_tun });
        }
        let tun = with_tun.then_some(("net/tun", 10, 200));
        let host = |(name, major, minor): (&'static str, u32, u32)| {
            let source = match name {
                "console" => "/dev/null".to_owned(),
                name => format!("/dev/{name}"),
            };
            host_node(&source, major, minor)
                .map(|node| (name, node))
                .step(|| format!("take {source} of the host"))
        };
        let nodes = NODES.into_iter().chain(tun).map(host);
        Ok(Self::Host(nodes.collect::<Result<_, _>>()?))
    }

    fn show_in(&self, dev: &OwnedFd) -> Result<(), Failed> {
        let step = |name: &str| format!("make /dev/{name} of the app");
        let with_tun = match self {
            Self::Made { with_tun } => *with_tun,
            Self::Host(nodes) => nodes.iter().any(|(name, _)| *name == "net/tun"),
        };
        if with_tun {
            mkdirat(dev, "net", Mode::from_raw_mode(0o755)).step(|| step("net"))?;
        }
        if let Self::Host(nodes) = self {
            return nodes
                .iter()
                .try_for_each(|(name, node)| show_node(node, dev, name).step(|| step(name)));
        }
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let nodes = new_mount("tmpfs", &[("mode", "0755"), ("size", "64k")], attributes)
            .and_then(|nodes| attach(&nodes, CWD, NODES_DIR).map(|()| nodes))
            .step(|| "make a place for the app's devices")?;
        let tun = with_tun.then_some(TUN);
        let plain = NODES.map(|(name, major, minor)| (name, name, major, minor));
        let tun = tun.map(|(_, major, minor)| ("tun", "net/tun", major, minor));
        for (node, name, major, minor) in plain.into_iter().chain(tun) {
            make_node(&nodes, node, major, minor)
                .and_then(|()| {
                    clone_tree(
                        format!("{NODES_DIR}/{node}").as_ref(),
                        OpenTreeFlags::empty(),
                    )
                })
                .and_then(|node| show_node(&node, dev, name))
                .step(|| step(name))?;
        }
        Ok(())
    }
}

/// The tunnel device: its path on the host and its number.
const TUN: (&str, u32, u32) = ("/dev/net/tun", 10, 200);

/// A detached mount of a device of the host, which must be the one of this number.
fn host_node(path: &str, major: u32, minor: u32) -> Result<OwnedFd, std::io::Error> {
    let node = clone_tree(path.as_ref(), OpenTreeFlags::empty())?;
    check_node(&node, major, minor)?;
    Ok(node)
}

/// A detached mount of the host's null device.
pub(crate) fn host_null() -> Result<OwnedFd, std::io::Error> {
    host_node("/dev/null", 1, 3)
}

fn check_node(node: &OwnedFd, major: u32, minor: u32) -> Result<(), std::io::Error> {
    let stat = rustix::fs::fstat(node)?;
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if is_device && stat.st_rdev == makedev(major, minor) {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "it is not the character device {major}:{minor}"
    )))
}

/// Shows the detached device `node` at `name` in `dev`.
pub(crate) fn show_node(node: &OwnedFd, dev: impl AsFd, name: &str) -> Result<(), Errno> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(&dev, name, flags, Mode::from_raw_mode(0o666))?;
    attach(node, dev, name)
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
