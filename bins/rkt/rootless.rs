//! What a user without root may do: become root of a user namespace, once per process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gantry_cli::{Context, Failure, note};
use gantry_ops::Ownership;
use gantry_pod::{Entered, HostFiles, enter_user_namespace, ownership as ownership_here};
use rustix::fs::Access;

use crate::cli::Globals;
use crate::setup::data_dir;

/// The user namespace that this process has entered, if it has.
static ENTERED: OnceLock<Entered> = OnceLock::new();

/// Where the host says what its users may do.
pub(crate) fn host_files() -> HostFiles {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    // Programs with rights are at times where users do not look.
    path.push(":/usr/bin:/bin");
    HostFiles {
        etc: PathBuf::from("/etc"),
        parameters: PathBuf::from("/proc/sys"),
        path,
    }
}

/// Whether the caller is root of the host, or of the container that is the host to us.
pub(crate) fn is_root() -> bool {
    ENTERED.get().is_none() && rustix::process::geteuid().is_root()
}

/// Makes sure that this process may make, change and remove pods.
///
/// # Errors
///
/// When the caller is not root, and the host lets nobody else do that, or the data directory is not the
/// caller's own.
pub(crate) fn need_root(globals: &Globals) -> Result<(), Failure> {
    if ENTERED.get().is_some() || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let directory = data_dir(globals)?;
    if !is_own(&directory) {
        return Err(Failure::environment(format!(
            "cannot run as unprivileged user: {} is not the caller's",
            directory.display()
        ))
        .with_hint("run it as root, or choose a data directory of your own with --dir"));
    }
    let entered = enter_user_namespace(&host_files())?;
    let _ = ENTERED.set(entered);
    Ok(())
}

/// Makes sure that pods are the caller's own, if the caller is not root.
///
/// # Errors
///
/// When the data directory is somebody else's.
pub(crate) fn need_own(globals: &Globals) -> Result<(), Failure> {
    let directory = data_dir(globals)?;
    if is_root() || is_own(&directory) {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "cannot run as unprivileged user: {} is not the caller's",
        directory.display()
    ))
    .with_hint("run it as root, or choose a data directory of your own with --dir"))
}

/// As [`need_root`], and says what the images lose whose files all become the caller's.
///
/// # Errors
///
/// As for [`need_root`].
pub(crate) fn need_root_for_images(
    command: &str,
    globals: &Globals,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    need_root(globals)?;
    if let Some(Entered::OneId(reason)) = ENTERED.get() {
        note(
            context.err,
            format_args!(
                "{command}: warning: pods have one user, and files of images belong to it whoever owns them \
                 there: {reason}"
            ),
        );
    }
    Ok(())
}

/// Lets an image's files have their owners where that can be; without, they are the caller's.
///
/// Only for a data directory that is the caller's own.
pub(crate) fn keep_owners(globals: &Globals) {
    if !rustix::process::geteuid().is_root()
        && gantry_pod::may_map_ids(&host_files())
        && ENTERED.get().is_none()
        && data_dir(globals).is_ok_and(|directory| is_own(&directory))
        && let Ok(entered) = enter_user_namespace(&host_files())
    {
        let _ = ENTERED.set(entered);
    }
}

/// Whether a data directory belongs to the caller, or can be made by the caller.
fn is_own(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(directory) {
        Ok(found) => found.uid() == rustix::process::geteuid().as_raw(),
        Err(_) => directory
            .ancestors()
            .find(|ancestor| ancestor.exists())
            .is_some_and(|there| {
                let wanted = Access::WRITE_OK | Access::EXEC_OK;
                rustix::fs::access(there, wanted).is_ok()
            }),
    }
}

/// Whose the files of images in the store are: theirs, or the caller's where he has no other users.
pub(crate) fn ownership() -> Ownership {
    ownership_here()
}

/// Whose files are that leave the store: only root can do anything with those of others.
pub(crate) fn output_ownership() -> Ownership {
    match is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    }
}
