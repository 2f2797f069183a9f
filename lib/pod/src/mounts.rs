//! Mounts that a dead pod left below its directory in our mount namespace.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::mount::UnmountFlags;

use crate::pod::Pod;

/// Largest mount table read, in bytes; the kernel's limit of 100,000 mounts needs less.
const MAX_TABLE_BYTES: u64 = 64 * 1024 * 1024;

/// Unmounts everything below the pod's directory, last mounted first.
///
/// Each mount point is opened beneath the pod's descriptor without following links, so that nothing
/// elsewhere can be unmounted, whatever the pod left behind.
///
/// # Errors
///
/// The first failure, after all mounts were tried.
pub(crate) fn unmount_below(pod: &Pod) -> io::Result<()> {
    let root = std::fs::read_link(proc_path(pod.as_fd().as_raw_fd()))?;
    let table = mount_table()?;
    let mut result = Ok(());
    for relative in mount_points_below(&table, &root).iter().rev() {
        let one = || -> io::Result<()> {
            let resolve =
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat2(pod, relative, flags, Mode::empty(), resolve)?;
            Ok(rustix::mount::unmount(
                proc_path(fd.as_raw_fd()),
                UnmountFlags::DETACH,
            )?)
        };
        match one() {
            // Detached together with the mount above it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) => {}
            Err(e) if result.is_ok() => result = Err(e),
            _ => {}
        }
    }
    result
}

/// Whether anything is mounted below `path` of the pod, seen from our mount namespace.
pub(crate) fn are_below(pod: &Pod, path: &Path) -> io::Result<bool> {
    let root = std::fs::read_link(proc_path(pod.as_fd().as_raw_fd()))?.join(path);
    Ok(!mount_points_below(&mount_table()?, &root).is_empty())
}

fn mount_table() -> io::Result<Vec<u8>> {
    let mut table = Vec::new();
    std::fs::File::open("/proc/self/mountinfo")?
        .take(MAX_TABLE_BYTES)
        .read_to_end(&mut table)?;
    Ok(table)
}

fn proc_path(fd: i32) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{fd}"))
}

/// The mount points strictly below `root` in a mountinfo table, relative to it, in its order.
fn mount_points_below(table: &[u8], root: &Path) -> Vec<PathBuf> {
    table
        .split(|&b| b == b'\n')
        .filter_map(|line| line.split(|&b| b == b' ').nth(4))
        .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
        .filter_map(|path| path.strip_prefix(root).ok().map(Path::to_path_buf))
        .filter(|relative| !relative.as_os_str().as_bytes().is_empty())
        .collect()
}

/// Undoes the octal escapes of proc_pid_mountinfo(5).
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|d| first == b'\\' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
        if let Some(digits) = octal {
            let value = digits
                .iter()
                .fold(0_u32, |n, b| n * 8 + u32::from(b - b'0'));
            out.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
            rest = &tail[3..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_strictly_below_are_found() {
        let table = b"1 0 0:1 / / rw - ext4 d rw\n\
            2 1 0:2 / /p/run/u rw - tmpfs t rw\n\
            3 1 0:2 / /p/run/u/stage1/rootfs rw - tmpfs t rw\n\
            4 1 0:2 / /p/run/u/a\\040b rw - tmpfs t rw\n\
            5 1 0:2 / /p/run/uuu/x rw - tmpfs t rw\n\
            short line\n";
        let found = mount_points_below(table, Path::new("/p/run/u"));
        assert_eq!(
            found,
            [PathBuf::from("stage1/rootfs"), PathBuf::from("a b")]
        );
    }

    #[test]
    fn escapes_that_are_none_stay() {
        for (input, want) in [
            (&b"a\\040b"[..], &b"a b"[..]),
            (b"\\", b"\\"),
            (b"\\04", b"\\04"),
            (b"\\134040", b"\\040"),
            (b"\\999", b"\\999"),
        ] {
            assert_eq!(unescape(input), want);
        }
    }

    #[test]
    fn child_unmounts_in_a_namespace_of_its_own() {
        let Some(data) = std::env::var_os("GANTRY_TEST_UNMOUNT") else {
            return;
        };
        let data = Path::new(&data);
        let pods = crate::pods_dir::PodsDir::open(data).unwrap();
        let pod = pods.create(crate::sample::uuid(1)).unwrap();
        let volume = data.join("volume");
        std::fs::create_dir(&volume).unwrap();
        std::fs::write(volume.join("precious"), "x").unwrap();
        let inside = pod.path().join("stage1/rootfs/opt");
        std::fs::create_dir_all(&inside).unwrap();
        let name = std::ffi::CString::new(crate::sample::uuid(1).to_string()).unwrap();
        rustix::mount::mount_bind(&volume, &inside).unwrap();
        // Removal stops at a bind mount of the same file system.
        let left = gantry_sys::remove_tree::remove_tree(pod.parent().unwrap(), &name);
        assert!(
            !left.is_empty() && volume.join("precious").exists(),
            "{left:?}"
        );
        unmount_below(&pod).unwrap();
        assert!(gantry_sys::remove_tree::remove_tree(pod.parent().unwrap(), &name).is_empty());
        assert!(volume.join("precious").exists());
    }

    #[test]
    fn mounts_are_never_emptied_but_unmounted() {
        if !gantry_testkit::needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "mounts::tests::child_unmounts_in_a_namespace_of_its_own",
            ])
            .env("GANTRY_TEST_UNMOUNT", temp.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
}
