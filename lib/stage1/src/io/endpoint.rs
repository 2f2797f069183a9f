//! The sockets in the pod directory by which others attach to an app.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen as listen_on, socket_with,
};
use serde_json::json;

use gantry_types::pod_layout;

use super::modes::Mode;
use super::outside::make_directories;
use crate::failed::{Failed, Step as _};
use crate::plan::AppPlan;

/// What an attached client gets and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdin,
    Stdout,
    Stderr,
    /// Both directions of the app's terminal.
    Tty,
}

impl Target {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Tty => "tty",
        }
    }
}

/// A socket that clients connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) app: usize,
    pub(crate) target: Target,
    pub(crate) fd: OwnedFd,
}

/// The directory of an app's sockets, in the pod directory.
pub(crate) fn directory(app: &str) -> String {
    format!("{}/{app}", pod_layout::IOTTYMUX)
}

/// The name of the file that lists the sockets of an app.
pub(crate) const LIST: &str = "endpoints";

/// The targets that an app offers.
fn targets(plan: &AppPlan) -> Vec<Target> {
    let modes = plan.modes;
    let mut targets = Vec::new();
    if modes.each().contains(&Mode::Tty) {
        targets.push(Target::Tty);
    }
    for (mode, target) in [
        (modes.stdin, Target::Stdin),
        (modes.stdout, Target::Stdout),
        (modes.stderr, Target::Stderr),
    ] {
        if mode == Mode::Stream {
            targets.push(target);
        }
    }
    targets
}

/// Makes the sockets of the app with this number, and the list of them that `attach` reads.
pub(super) fn listen(app: usize, plan: &AppPlan) -> Result<Vec<Listener>, Failed> {
    let targets = targets(plan);
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let name = || format!("make the sockets of app {}", plan.name);
    let path = directory(&plan.name);
    // Whoever may connect may write to the app's standard input.
    make_directories(&path, 0o700)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(CWD, &path, flags, FileMode::empty()).step(name)?;
    let mut listeners = Vec::new();
    let mut list = Vec::new();
    for target in targets {
        let file = socket_name(target);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).step(name)?;
        let bound = address(&directory, target).and_then(|address| bind(&fd, &address));
        bound.and_then(|()| listen_on(&fd, 16)).step(name)?;
        list.push(json!({
            "name": target.name(),
            "domain": "unix",
            "address": format!("/rkt/iottymux/{}/{file}", plan.name),
        }));
        listeners.push(Listener { app, target, fd });
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let mode = FileMode::from_raw_mode(0o600);
    let file = openat(&directory, LIST, flags | OFlags::NOFOLLOW, mode).step(name)?;
    let list = json!({"version": 1, "targets": list}).to_string();
    rustix::io::write(&file, list.as_bytes()).step(name)?;
    Ok(listeners)
}

fn socket_name(target: Target) -> String {
    format!("sock-{}", target.name())
}

/// The address of a socket in `directory`, short however long its path is.
pub(crate) fn address(
    directory: &OwnedFd,
    target: Target,
) -> Result<SocketAddrUnix, rustix::io::Errno> {
    let number = directory.as_raw_fd();
    SocketAddrUnix::new(format!("/proc/self/fd/{number}/{}", socket_name(target)))
}
