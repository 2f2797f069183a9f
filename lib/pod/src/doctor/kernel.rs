//! What the kernel can do.

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::FsOpenFlags;

use super::{Finding, Host, nearest};
use crate::{file, overlay, rootless};

/// The oldest kernel that pods run on: the first with mount_setattr(2).
const OLDEST: (u32, u32) = (5, 12);
/// The first whose overlays take layers with other owners.
const SHIFTED_LAYERS: (u32, u32) = (5, 19);

pub(super) fn version(host: &Host) -> Finding {
    const NAME: &str = "kernel";
    let Some(text) = host.read("proc/sys/kernel/osrelease") else {
        return Finding::bad(NAME, "/proc is not mounted", "pods do not run", "mount it");
    };
    let found = format!("Linux {text}");
    match parse(&text) {
        Some(version) if version < OLDEST => Finding::bad(
            NAME,
            found,
            "pods do not run: it has no mount_setattr(2)",
            "use Linux 5.12 or newer",
        ),
        Some(version) if version < SHIFTED_LAYERS => Finding::limited(
            NAME,
            found,
            "images are copied for --private-users, which takes time and space",
            "use Linux 5.19 or newer",
        ),
        Some(_) => Finding::good(NAME, found),
        None => Finding::limited(NAME, found, "nobody knows how old it is", ""),
    }
}

/// The first two numbers of a version.
fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The system calls that pods are made with, whatever the version says: a filter may keep them away.
pub(super) fn calls() -> Finding {
    const NAME: &str = "system-calls";
    let missing = |error: Option<Errno>| error == Some(Errno::NOSYS);
    let fsopen = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).err();
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let beneath = ResolveFlags::IN_ROOT;
    let openat2 = rustix::fs::openat2(CWD, ".", flags, Mode::empty(), beneath).err();
    let absent: Vec<&str> = [("fsopen", fsopen), ("openat2", openat2)]
        .into_iter()
        .filter_map(|(name, error)| missing(error).then_some(name))
        .collect();
    match absent.is_empty() {
        true => Finding::good(NAME, "the mount interface and openat2 are there"),
        false => Finding::bad(
            NAME,
            format!("no {}", absent.join(", no ")),
            "pods do not run",
            "let the surrounding container's seccomp filter allow them, or use a newer kernel",
        ),
    }
}

pub(super) fn user_namespaces(host: &Host) -> Finding {
    const NAME: &str = "user-namespaces";
    let obstacle = match host.has("proc/self/ns/user") {
        true => rootless::namespace_obstacle(&host.file("proc/sys")),
        false => Some("use a kernel with user namespaces (CONFIG_USER_NS)".to_owned()),
    };
    match (obstacle, host.is_root) {
        (None, true) => Finding::good(NAME, "the kernel makes them"),
        (Some(remedy), true) => Finding::limited(
            NAME,
            "the kernel makes none",
            "--private-users does not work, nor do pods of users without root",
            remedy,
        ),
        (Some(remedy), false) => Finding::bad(
            NAME,
            "the kernel makes none",
            "pods run for root only",
            remedy,
        ),
        // Nothing tells but trying.
        (None, false) => match rootless::attempt(&host.files(), || Ok(())) {
            Ok(()) => Finding::good(NAME, "made one, with rights in it"),
            Err((found, remedy)) => Finding::bad(NAME, found, "pods run for root only", remedy),
        },
    }
}

pub(super) fn overlay(host: &Host) -> Finding {
    const NAME: &str = "overlay";
    let consequence = "images are copied for each pod, which takes time and space";
    let listed = host.read("proc/filesystems").unwrap_or_default();
    let known = listed
        .lines()
        .any(|line| line.split_whitespace().last() == Some("overlay"));
    let release = host.read("proc/sys/kernel/osrelease").unwrap_or_default();
    let modules = ["ko", "ko.xz", "ko.zst", "ko.gz"];
    let module = modules.iter().any(|end| {
        host.has(&format!(
            "lib/modules/{release}/kernel/fs/overlayfs/overlay.{end}"
        ))
    });
    if !known && !module {
        let remedy = "use a kernel with CONFIG_OVERLAY_FS, or load the module overlay";
        return Finding::limited(
            NAME,
            "the kernel has no overlay file system",
            consequence,
            remedy,
        );
    }
    let Some(dir) = nearest(&host.data_dir) else {
        return Finding::good(NAME, "the kernel has it");
    };
    let why_not = || -> Result<(), String> {
        let dir = file::open_dir_following(CWD, dir).map_err(|error| error.to_string())?;
        use std::os::fd::AsFd as _;
        overlay::why_not(dir.as_fd()).map_or(Ok(()), |reason| Err(reason.to_owned()))
    };
    let made = dir.join("pods/embryo").is_dir();
    let result = match (host.is_root, made) {
        (true, _) => why_not(),
        // The attempt needs directories that the first pod makes.
        (false, false) => Ok(()),
        (false, true) => rootless::attempt(&host.files(), why_not).map_err(|(found, _)| found),
    };
    match result {
        Ok(()) => Finding::good(NAME, "the kernel has it, for this data directory too"),
        Err(found) => Finding::limited(
            NAME,
            found,
            consequence,
            "choose a data directory on ext4, xfs or btrfs with --dir",
        ),
    }
}

pub(super) fn seccomp(host: &Host) -> Finding {
    const NAME: &str = "seccomp";
    match host.read("proc/sys/kernel/seccomp/actions_avail") {
        Some(actions) if actions.split_whitespace().any(|action| action == "errno") => {
            Finding::good(NAME, "filters of system calls work")
        }
        _ => Finding::limited(
            NAME,
            "the kernel has no filters of system calls",
            "apps may make every system call; pods that ask for a filter fail",
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_then_anything() {
        for (text, expected) in [
            ("6.1.0-18-amd64", Some((6, 1))),
            ("5.12-rc3", Some((5, 12))),
            ("10.0", Some((10, 0))),
            ("6", None),
            ("", None),
            ("x.1", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert!((5, 4) < OLDEST && (6, 1) > SHIFTED_LAYERS);
    }
}
