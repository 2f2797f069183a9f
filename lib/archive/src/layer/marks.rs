//! The marks of the kernel's overlay file system.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use gantry_sys::user_namespace::has_all_ids;
use gantry_sys::xattr::{self, XattrTarget};
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

/// Which attributes mark directories that hide what lies below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Those that only root may set; overlays that root makes heed these.
    Trusted,
    /// Those that users may set; overlays made in a user namespace heed these.
    User,
}

impl Marks {
    /// Those of overlays that this process or its children make: root of the host, or root of a user namespace.
    #[must_use]
    pub fn here() -> Self {
        let is_root = rustix::process::geteuid().is_root() && has_all_ids().unwrap_or(true);
        match is_root {
            true => Self::Trusted,
            false => Self::User,
        }
    }

    fn opaque(self) -> &'static CStr {
        match self {
            Self::Trusted => c"trusted.overlay.opaque",
            Self::User => c"user.overlay.opaque",
        }
    }

    pub(crate) fn set_opaque(self, directory: BorrowedFd<'_>) -> Result<(), Errno> {
        xattr::set(XattrTarget::Open(directory), self.opaque(), b"y")
    }

    /// Whether a directory, which was not opened for its path alone, hides what lies below it.
    ///
    /// # Errors
    ///
    /// Those of fgetxattr(2), except that there is no such attribute.
    pub fn is_opaque(self, directory: BorrowedFd<'_>) -> Result<bool, Errno> {
        match xattr::get(XattrTarget::Open(directory), self.opaque()) {
            Ok(value) => Ok(value == b"y"),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a file is the mark of something that was removed.
    pub(crate) fn is_whiteout(stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
    }
}
