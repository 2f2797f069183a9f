//! Overlays made without a name of their own anywhere: directories by descriptor in, a detached mount out.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

/// What an overlay is made of.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a> {
    /// The directories that are only read, top first; at least one.
    pub lower: &'a [OwnedFd],
    /// Where what is written goes, and the work directory on the same file system; without, the overlay
    /// cannot be written to.
    pub upper: Option<(&'a OwnedFd, &'a OwnedFd)>,
    /// Marks of what was removed are kept where users can write them, as they have to be in a user
    /// namespace. Since Linux 5.11, which is also the first that lets users make overlays.
    pub user_marks: bool,
    /// Attributes of the mount.
    pub attributes: MountAttrFlags,
}

/// How the lower directories are told to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// One by one, which any number of them can be. Since Linux 6.5.
    OneByOne,
    /// In one text of at most 255 bytes.
    Together,
}

impl Overlay<'_> {
    /// Makes the mount, attached nowhere: no mount table shows it, and it goes with the descriptor.
    ///
    /// Files that are only renamed, or whose owner alone changes, are copied in whole: each part of what is
    /// written is complete without the layers below it.
    ///
    /// # Errors
    ///
    /// `EINVAL` where the kernel does not know `listing`, or a directory cannot be part of an overlay;
    /// `EPERM` without the right to mount.
    pub fn mount(self, listing: Listing) -> Result<OwnedFd, Errno> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let context = context.as_fd();
        match listing {
            Listing::OneByOne => {
                for layer in self.lower {
                    fsconfig_set_string(context, "lowerdir+", name(layer.as_fd()))?;
                }
            }
            Listing::Together => {
                let names: Vec<String> =
                    self.lower.iter().map(|layer| name(layer.as_fd())).collect();
                fsconfig_set_string(context, "lowerdir", names.join(":"))?;
            }
        }
        if let Some((upper, work)) = self.upper {
            fsconfig_set_string(context, "upperdir", name(upper.as_fd()))?;
            fsconfig_set_string(context, "workdir", name(work.as_fd()))?;
            // "off" would still follow what other mounts have left, and cannot be told together with marks of users.
            fsconfig_set_string(context, "redirect_dir", "nofollow")?;
            fsconfig_set_string(context, "metacopy", "off")?;
        }
        if self.user_marks {
            fsconfig_set_flag(context, "userxattr")?;
        }
        fsconfig_create(context)?;
        fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, self.attributes)
    }
}

/// A name of an open directory: short, without characters that mean something in a list of layers, and
/// without the host's paths, which the mount table would show.
#[must_use]
pub fn name(directory: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", directory.as_raw_fd())
}
