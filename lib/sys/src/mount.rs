//! Attributes of mounts, by descriptor and for whole subtrees.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Attributes to switch on. Source: mount_setattr(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MountAttributes {
    /// Nothing can be written through the mount.
    pub read_only: bool,
    /// Set-user-ID bits and file capabilities mean nothing.
    pub no_set_id: bool,
    /// Device nodes cannot be opened.
    pub no_devices: bool,
    /// Programs cannot be executed.
    pub no_exec: bool,
}

/// What happens between a mount and its peers. Source: mount_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Mounts made elsewhere appear here, those made here stay here.
    Slave,
    /// Nothing crosses.
    Private,
}

/// Which mounts a call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The mount itself.
    One,
    /// The mount and every mount below it.
    Tree,
}

/// Switches on attributes of the mount that `mount` (a descriptor of its root) stands for.
///
/// With [`Depth::Tree`] either every mount changes or none does.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.12; `EBUSY` if something is open for writing below a mount that is to be
/// read-only; `EINVAL` if the descriptor is not the root of a mount. Source: mount_setattr(2).
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    depth: Depth,
    attributes: MountAttributes,
) -> io::Result<()> {
    let mut set = 0;
    for (wanted, bit) in [
        (attributes.read_only, libc::MOUNT_ATTR_RDONLY),
        (attributes.no_set_id, libc::MOUNT_ATTR_NOSUID),
        (attributes.no_devices, libc::MOUNT_ATTR_NODEV),
        (attributes.no_exec, libc::MOUNT_ATTR_NOEXEC),
    ] {
        if wanted {
            set |= bit;
        }
    }
    let attr = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    set_attr(mount.as_raw_fd(), c"", depth, &attr)
}

/// Shows owners through the detached mount `mount` as the user namespace `users` maps them.
///
/// What belongs to user N on disk then belongs to the user that is N in that namespace, and what that
/// user makes is written as N's.
///
/// # Errors
///
/// `EINVAL` if the file system cannot do that, the kernel is older than 5.12, or the mount is attached
/// or has such a mapping already; `EPERM` if the file system belongs to another user namespace than
/// the caller may rule. Source: mount_setattr(2), "ID-mapped mounts".
pub fn set_id_mapping(
    mount: BorrowedFd<'_>,
    depth: Depth,
    users: BorrowedFd<'_>,
) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(users.as_raw_fd()).map_err(io::Error::other)?,
    };
    set_attr(mount.as_raw_fd(), c"", depth, &attr)
}

/// Changes the propagation of the mount at `path` of the calling process.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.12, `EINVAL` if `path` is not the root of a mount.
pub fn set_propagation(path: &CStr, depth: Depth, propagation: Propagation) -> io::Result<()> {
    let propagation = match propagation {
        Propagation::Slave => libc::MS_SLAVE,
        Propagation::Private => libc::MS_PRIVATE,
    };
    let attr = libc::mount_attr {
        attr_set: 0,
        attr_clr: 0,
        propagation,
        userns_fd: 0,
    };
    set_attr(libc::AT_FDCWD, path, depth, &attr)
}

fn set_attr(dir: i32, path: &CStr, depth: Depth, attr: &libc::mount_attr) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH
        | match depth {
            Depth::One => 0,
            Depth::Tree => libc::AT_RECURSIVE,
        };
    // SAFETY: `path` is null-terminated, `attr` is initialised and its true size is given; both
    // outlive the call, which stores neither.
    let rc = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            dir,
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<libc::mount_attr>(),
        )
    };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_directory_that_is_no_mount_has_no_attributes() {
        let src = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let read_only = MountAttributes {
            read_only: true,
            ..MountAttributes::default()
        };
        let result = set_attributes(src.as_fd(), Depth::One, read_only);
        // EPERM comes first for a user without privileges.
        let code = result.unwrap_err().raw_os_error();
        assert!(matches!(code, Some(libc::EINVAL | libc::EPERM)), "{code:?}");
    }
}
