//! Users and groups of the host.

use super::{Finding, Host};
use crate::rootless;

pub(super) fn sub_ids(host: &Host) -> Finding {
    const NAME: &str = "sub-ids";
    if host.is_root {
        return Finding::good(NAME, "not needed by root");
    }
    match rootless::missing_ids(&host.files()) {
        None => Finding::good(NAME, "the caller has ranges, and newuidmap and newgidmap"),
        Some(reason) => {
            let (found, remedy) = reason.split_once(": ").unwrap_or((&reason, ""));
            Finding::limited(
                NAME,
                found,
                "pods have one user, and all files of images belong to it",
                remedy,
            )
        }
    }
}

pub(super) fn group(host: &Host) -> Finding {
    const NAME: &str = "group-rkt";
    let groups = host.read("etc/group").unwrap_or_default();
    match groups
        .lines()
        .any(|line| line.split(':').next() == Some("rkt"))
    {
        true => Finding::good(NAME, "its members may list pods and images of the host"),
        false => Finding::limited(
            NAME,
            "there is none",
            "only root lists pods and images of the host",
            "if others shall: \"groupadd --system rkt\", and give it the data directory",
        ),
    }
}
