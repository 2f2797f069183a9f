//! What a user without root may do: be root of a user namespace, where files can have other owners.
//!
//! Only commands that run something, or that touch files which a build has of other owners, need it. The
//! others work as the user, and the files they make are the user's, which means root's in the image.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gantry_cli::{Context, Failure, note};
use gantry_ops::build::Build;
use gantry_pod::{Entered, HostFiles, enter_user_namespace, may_map_ids};

/// The user namespace that this process has entered, if it has.
static ENTERED: OnceLock<Entered> = OnceLock::new();

/// Where the host says what its users may do.
fn host_files() -> HostFiles {
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

/// Whether files that are made here can have the owners that images name, though the caller is not root.
pub(crate) fn has_many_ids() -> bool {
    ENTERED.get() == Some(&Entered::ManyIds)
}

/// Becomes root of a user namespace, unless the caller is root already.
///
/// # Errors
///
/// When the host lets nobody else do that; says what to change.
pub(crate) fn enter() -> Result<(), Failure> {
    if ENTERED.get().is_none() && !rustix::process::geteuid().is_root() {
        let entered = enter_user_namespace(&host_files())?;
        let _ = ENTERED.set(entered);
    }
    Ok(())
}

/// Says what is lost where the namespace has one user.
pub(crate) fn warn_of_one_id(command: &str, ctx: &mut Context<'_>) {
    if let Some(Entered::OneId(reason)) = ENTERED.get() {
        note(
            ctx.err,
            format_args!("{command}: warning: all files belong to one user: {reason}"),
        );
    }
}

/// Lets files of an image have their owners where that can be; without, they are the caller's.
///
/// # Errors
///
/// When the host says that the caller has IDs, but does not give them.
pub(crate) fn keep_owners() -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() && may_map_ids(&host_files()) {
        enter()?;
    }
    Ok(())
}

/// Gets the right to the files of a build that has some of other owners.
///
/// # Errors
///
/// When the IDs that the build was begun with are not to be had any more.
pub(crate) fn enter_build(work_path: &Path) -> Result<(), Failure> {
    if rustix::process::geteuid().is_root() || !Build::has_other_owners(work_path) {
        return Ok(());
    }
    enter()?;
    match ENTERED.get() {
        Some(Entered::OneId(reason)) => Err(Failure::environment(format!(
            "files of this build belong to subordinate IDs, which cannot be had now: {reason}"
        ))),
        _ => Ok(()),
    }
}
