//! The pod's network namespace, pinned by a mount, so that it lives until it is taken down in order.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};
use rustix::process::Pid;

use gantry_types::pod_layout;

use crate::failed::{Failed, Step as _};

/// Where network namespaces with names are, also those of ip(8).
pub(super) const DIRECTORY: &str = "/var/run/netns";

/// Tells a namespace from an empty file. Source: linux/magic.h, `NSFS_MAGIC`.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// The path at which the namespace of pod `uuid` is pinned.
pub(super) fn path(uuid: &str) -> String {
    format!("{DIRECTORY}/rkt-{uuid}")
}

/// Pins the namespace of process `init` and says so in the pod directory.
pub(super) fn pin(uuid: &str, init: Pid) -> Result<(), Failed> {
    let name = || format!("pin the network namespace at {}", path(uuid));
    // First the file: whoever cleans up after a crash finds what was, or was not, begun.
    write_path(uuid).step(|| format!("write {}", pod_layout::NETNS))?;
    // Held until the namespace is seen: `exclude` lets nobody in between.
    let _lock = make_directory().step(|| format!("make {DIRECTORY}"))?;
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path(uuid), flags, Mode::from_raw_mode(0o444)).step(name)?;
    let namespace = format!("/proc/{}/ns/net", init.as_raw_nonzero());
    mount_bind(namespace, path(uuid)).step(name)
}

fn write_path(uuid: &str) -> io::Result<()> {
    let staged = format!(".{}", pod_layout::NETNS);
    let mut file = std::fs::File::create(&staged)?;
    file.write_all(path(uuid).as_bytes())?;
    std::fs::rename(staged, pod_layout::NETNS)
}

/// Keeps pods from pinning namespaces, and so from asking for anything of a network, until it is dropped.
pub(super) fn exclude() -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(CWD, DIRECTORY, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened?,
    };
    flock(&directory, FlockOperation::LockExclusive)?;
    Ok(Some(directory))
}

/// Makes the directory, in which what is mounted reaches other mount namespaces, and locks it. Source: ip-netns(8).
fn make_directory() -> io::Result<OwnedFd> {
    match rustix::fs::mkdir(DIRECTORY, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(Errno::NOENT) => std::fs::create_dir_all(DIRECTORY)?,
        Err(error) => return Err(error.into()),
    }
    let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, DIRECTORY, flags, Mode::empty())?;
    // Pods that start together must not mount it one over the other.
    flock(&directory, FlockOperation::LockExclusive)?;
    match mount_change(DIRECTORY, shared) {
        // It is no mount point yet.
        Err(Errno::INVAL) => {
            mount_bind(DIRECTORY, DIRECTORY)?;
            mount_change(DIRECTORY, shared)?;
        }
        changed => changed?,
    }
    Ok(directory)
}

/// Whether the namespace of pod `uuid` is there; it is gone after a reboot.
pub(super) fn is_pinned(uuid: &str) -> bool {
    rustix::fs::statfs(path(uuid)).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(NSFS_MAGIC))
}

/// Lets go of the namespace of pod `uuid`; the kernel then removes it with every interface in it.
pub(super) fn unpin(uuid: &str) -> Result<(), Failed> {
    let path = path(uuid);
    let name = || format!("let go of the network namespace at {path}");
    while is_pinned(uuid) {
        unmount(&path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).step(name)?;
    }
    match rustix::fs::unlink(&path) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
        Err(error) => Err(error).step(name),
    }
}
