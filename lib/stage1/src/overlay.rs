//! An app's root file system as a detached mount: an overlay of trees, or a directory of its own.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_sys::overlay::{Listing, Overlay, name};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MountFlags, OpenTreeFlags, mount, open_tree};

use crate::failed::{Failed, Step as _};
use crate::users::Shift;

/// Where the root of one app comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// An overlay; the top tree comes first.
    Overlay {
        lower: Vec<PathBuf>,
        upper: PathBuf,
        work: PathBuf,
    },
    /// A directory that is the app's alone.
    Directory(PathBuf),
}

/// Makes the mount of an app's root, attached nowhere yet.
///
/// `scratch` is a directory of the pod, used as a mount point by the older interface only. Within a user
/// namespace (`confined`) the overlay keeps its marks where users can write them; with `shift` the trees
/// show other owners than they have.
pub(crate) fn detached(
    source: &Source,
    scratch: &Path,
    confined: bool,
    shift: Option<&Shift>,
) -> Result<OwnedFd, Failed> {
    match source {
        // A copy has the owners of the pod already.
        Source::Directory(path) => clone_tree(path, OpenTreeFlags::empty())
            .step(|| format!("bind the root file system {}", path.display())),
        Source::Overlay { lower, upper, work } => {
            let lower = lower
                .iter()
                .map(|tree| match shift {
                    Some(shift) => shift.layer(tree),
                    None => open_layer(tree),
                })
                .collect::<Result<Vec<_>, _>>()?;
            // With the shift, it is the host's root who makes the overlay.
            let user_marks = confined && shift.is_none();
            overlay(&lower, upper, work, scratch, user_marks)
        }
    }
}

/// A detached copy of the mount that holds `path`, with `path` as its root.
pub(crate) fn clone_tree(path: &Path, more: OpenTreeFlags) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | more;
    open_tree(CWD, path, flags)
}

fn overlay(
    lower: &[OwnedFd],
    upper: &Path,
    work: &Path,
    scratch: &Path,
    user_marks: bool,
) -> Result<OwnedFd, Failed> {
    let upper = open_layer(upper)?;
    let work = open_layer(work)?;
    let overlay = Overlay {
        lower,
        upper: Some((&upper, &work)),
        user_marks,
        attributes: MountAttrFlags::empty(),
    };
    match overlay.mount(Listing::OneByOne) {
        // `lowerdir+` exists since Linux 6.5.
        Err(Errno::INVAL) => overlay_by_string(lower, &upper, &work, scratch, user_marks),
        answer => answer,
    }
    .step(|| match user_marks {
        true => {
            "mount the overlay of the app's trees without root; the kernel log may tell why, and \
                 --no-overlay does without"
        }
        false => "mount the overlay of the app's trees; the kernel log may tell why",
    })
}

/// Opens a directory of an overlay, which is named by its descriptor.
///
/// The name is short, so that neither the 256 bytes of an fsconfig(2) value nor the page of a
/// mount(2) option string limit where the data directory may be, and it hides the host's paths from
/// the pod's mount table.
fn open_layer(path: &Path) -> Result<OwnedFd, Failed> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
        .step(|| format!("open the tree {}", path.display()))
}

fn overlay_by_string(
    lower: &[OwnedFd],
    upper: &OwnedFd,
    work: &OwnedFd,
    scratch: &Path,
    user_marks: bool,
) -> Result<OwnedFd, Errno> {
    let lower: Vec<String> = lower.iter().map(|layer| name(layer.as_fd())).collect();
    let options = format!(
        "lowerdir={},upperdir={},workdir={},redirect_dir=nofollow,metacopy=off{}",
        lower.join(":"),
        name(upper.as_fd()),
        name(work.as_fd()),
        if user_marks { ",userxattr" } else { "" }
    );
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    mount(
        "overlay",
        scratch,
        "overlay",
        MountFlags::empty(),
        Some(options.as_c_str()),
    )?;
    // The mount on `scratch` stays behind in a namespace that is left with the host's root.
    clone_tree(scratch, OpenTreeFlags::empty())
}
