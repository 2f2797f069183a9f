//! Programs and data on the disk.

use std::os::fd::AsFd as _;

use rustix::fs::Access;

use super::{Finding, Host, nearest};
use crate::overlay;

/// Less free space than this keeps most images out, in bytes.
const LITTLE: u64 = 1 << 30;

pub(super) fn stage1(host: &Host) -> Finding {
    const NAME: &str = "stage1";
    match &host.stage1 {
        Some(path) => Finding::good(NAME, path.display().to_string()),
        None => Finding::bad(
            NAME,
            "neither beside rkt nor in its libexec directory",
            "pods do not run",
            "install rkt with the stage1 that was built with it",
        ),
    }
}

pub(super) fn data_dir(host: &Host) -> Finding {
    const NAME: &str = "data-directory";
    let path = host.data_dir.display();
    let there = nearest(&host.data_dir);
    let writable = there
        .is_some_and(|dir| rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok());
    match (writable, there == Some(host.data_dir.as_path())) {
        (true, true) => Finding::good(NAME, path.to_string()),
        (true, false) => Finding::good(NAME, format!("{path}, which the first command makes")),
        (false, _) => Finding::bad(
            NAME,
            format!("{path} cannot be written"),
            "neither images nor pods can be kept",
            "choose another one with --dir, or become root",
        ),
    }
}

pub(super) fn space(host: &Host) -> Finding {
    const NAME: &str = "free-space";
    let stat = nearest(&host.data_dir).and_then(|dir| rustix::fs::statvfs(dir).ok());
    let Some(stat) = stat else {
        return Finding::limited(NAME, "unknown", "an image may not fit", "");
    };
    let blocks = match host.is_root {
        true => stat.f_bfree,
        false => stat.f_bavail,
    };
    let free = blocks.saturating_mul(stat.f_frsize);
    let found = format!("{} MiB", free >> 20);
    match free {
        0..LITTLE => Finding::limited(
            NAME,
            found,
            "most images do not fit",
            "free space with \"rkt gc\" and \"rkt image gc\", or choose another data directory",
        ),
        LITTLE.. => Finding::good(NAME, found),
    }
}

pub(super) fn id_mapped_mounts(host: &Host) -> Finding {
    const NAME: &str = "id-mapped-mounts";
    if !host.is_root {
        return Finding::good(NAME, "not needed without root");
    }
    let tried = nearest(&host.data_dir).map(|dir| {
        let dir = crate::file::open_dir_following(rustix::fs::CWD, dir)?;
        let users =
            gantry_types::UserRange::new(1 << 16, 1 << 16).map_err(std::io::Error::other)?;
        overlay::try_shift(dir.as_fd(), ".", users)
    });
    match tried {
        Some(Ok(())) => Finding::good(NAME, "the data directory's file system has them"),
        other => {
            let reason = match other {
                Some(Err(error)) => error.to_string(),
                _ => "there is no directory".to_owned(),
            };
            Finding::limited(
                NAME,
                format!("the data directory's file system has none: {reason}"),
                "images are copied for --private-users, which takes time and space",
                "use Linux 5.19 or newer and a data directory on ext4, xfs or btrfs",
            )
        }
    }
}
