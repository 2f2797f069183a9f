//! The engine that gives a command another root and nothing else.

use std::convert::Infallible;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use gantry_sys::mount::{Depth, Propagation, set_propagation};
use gantry_sys::namespace::Namespaces;
use gantry_sys::overlay::{Listing, Overlay};
use gantry_sys::process::{close_on_exec_from, exec, unshare};
use gantry_sys::user_namespace::has_all_ids;
use gantry_types::RootKind;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::pod_dir::{TARGET, read_roots};
use super::{RUN, TreeCommand, TreePlace, c_strings};

/// Where programs are looked for unless the image says otherwise. Source: appc spec, ACE.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes the command; returns only what kept it from that.
pub(super) fn enter(
    command: &TreeCommand,
    place: &TreePlace<'_>,
    run: &OwnedFd,
) -> Result<Infallible, String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("cannot {what}: {error}")
    };
    // Directories that were opened before are on mounts of the namespace that is left, of which no overlay can be
    // made; the working directory comes along.
    rustix::process::fchdir(place.directory)
        .map_err(|error| format!("cannot enter the directory of the build: {error}"))?;
    unshare(Namespaces::MOUNT).map_err(failed("make a mount namespace"))?;
    set_propagation(c"/", Depth::Tree, Propagation::Private)
        .map_err(failed("separate the command's mounts from the host's"))?;
    let root = root(place, run).map_err(failed("mount the overlay of the image's layers"))?;
    if command.host_resolv_conf {
        show_resolv_conf(&root).map_err(failed("show the host's /etc/resolv.conf"))?;
    }
    let chroot = || {
        rustix::process::fchdir(&root)?;
        rustix::process::chroot(".")
    };
    chroot().map_err(|error| format!("cannot enter the root of the image: {error}"))?;
    let directory = match command.working_directory.as_str() {
        "" => "/",
        directory => directory,
    };
    rustix::process::chdir(directory)
        .map_err(|error| format!("cannot enter the working directory {directory:?}: {error}"))?;
    close_on_exec_from(3).map_err(failed("keep descriptors from the command"))?;
    execute(command)
}

/// The root: the tree, or an overlay of it. The working directory is that of the build.
fn root(place: &TreePlace<'_>, run: &OwnedFd) -> io::Result<OwnedFd> {
    let open = |at: &Path| -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(CWD, at, flags, Mode::empty())?)
    };
    let RootKind::Overlay { lower, upper, work } = read_roots(run)? else {
        return open(place.tree);
    };
    let lower = lower
        .iter()
        .map(|layer| open(layer))
        .collect::<io::Result<Vec<_>>>()?;
    // The plan is written as seen from the directory of the run.
    let beside = |path: &Path| open(&Path::new(RUN).join(path));
    let (upper, work) = (beside(&upper)?, beside(&work)?);
    let overlay = Overlay {
        lower: &lower,
        upper: Some((&upper, &work)),
        user_marks: !has_all_ids().unwrap_or(true),
        attributes: MountAttrFlags::empty(),
    };
    let mount = match overlay.mount(Listing::OneByOne) {
        Err(Errno::INVAL) => overlay.mount(Listing::Together),
        mount => mount,
    }?;
    let target = open(Path::new(TARGET))?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&mount, "", &target, "", flags)?;
    Ok(mount)
}

/// Lets the command look up names as the host does: a file of the host's in the place of an empty one.
fn show_resolv_conf(root: &OwnedFd) -> io::Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let host = match open_tree(CWD, "/etc/resolv.conf", flags) {
        Err(Errno::NOENT) => return Ok(()),
        host => host?,
    };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let place = match rustix::fs::openat2(root, "etc/resolv.conf", flags, mode, resolve) {
        // The image has no /etc, and so no library that looks there.
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        place => place?,
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(&host, "", place.as_fd(), "", flags)?)
}

fn execute(command: &TreeCommand) -> Result<Infallible, String> {
    let path = command.environment.get("PATH").unwrap_or(DEFAULT_PATH);
    let name = command.exec.first().map(String::as_str).unwrap_or_default();
    let mut variables: Vec<String> = command
        .environment
        .iter()
        .map(|variable| format!("{}={}", variable.name, variable.value))
        .collect();
    for (name, value) in [("PATH", path), ("HOME", "/root")] {
        if command.environment.get(name).is_none() {
            variables.push(format!("{name}={value}"));
        }
    }
    let zero = |error: io::Error| format!("cannot pass on the command: {error}");
    let (arguments, variables) = (
        c_strings(&command.exec).map_err(zero)?,
        c_strings(&variables).map_err(zero)?,
    );
    let run = |program: &str| -> io::Error {
        match CString::new(program) {
            Ok(program) => {
                let Err(error) = exec(&program, &arguments, &variables);
                error
            }
            Err(error) => error.into(),
        }
    };
    if name.contains('/') {
        return Err(match run(name) {
            error if error.kind() == io::ErrorKind::NotFound => {
                format!("binary {name:?} doesn't exist, or what it needs to run does not")
            }
            error => format!("cannot execute {name:?}: {error}"),
        });
    }
    let mut denied = None;
    for directory in path.split(':') {
        let program = format!("{directory}/{name}");
        match run(&program) {
            error
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            error => {
                denied.get_or_insert(format!("cannot execute {program:?}: {error}"));
            }
        }
    }
    Err(denied
        .unwrap_or_else(|| format!("{name} not found in any of: [{}]", path.replace(':', " "))))
}
