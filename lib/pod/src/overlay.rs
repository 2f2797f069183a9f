//! Whether the roots of apps can be overlays here.

use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rustix::mount::FsOpenFlags;

const AUFS: i64 = 0x6175_6673;
const ZFS: i64 = 0x2fc1_2fc1;
const OVERLAY: i64 = 0x794c_7630;
const NFS: i64 = 0x6969;

/// Why the roots of apps in a data directory cannot be overlays; `None` if they can.
///
/// Source: rkt 1.30, common/common.go, `PathSupportsOverlay`.
pub(crate) fn why_not(data_dir: BorrowedFd<'_>) -> Option<&'static str> {
    if !kernel_has_overlay() {
        return Some("the kernel has no overlay file system");
    }
    #[allow(
        clippy::useless_conversion,
        reason = "the type of f_type differs by architecture"
    )]
    match rustix::fs::fstatfs(data_dir).map(|st| i64::from(st.f_type)) {
        Ok(AUFS) => Some("the data directory is on aufs"),
        Ok(ZFS) => Some("the data directory is on zfs"),
        Ok(OVERLAY) => Some("the data directory is on an overlay itself"),
        Ok(NFS) => Some("the data directory is on nfs"),
        _ => None,
    }
}

fn kernel_has_overlay() -> bool {
    static PROBE: OnceLock<bool> = OnceLock::new();
    *PROBE.get_or_init(|| {
        // Loads the module where it is one, which /proc/filesystems alone would not.
        rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).is_ok()
            || std::fs::read_to_string("/proc/filesystems").is_ok_and(|list| {
                list.lines()
                    .any(|l| l.split_whitespace().last() == Some("overlay"))
            })
    })
}
