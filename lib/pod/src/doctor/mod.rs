//! What a host can and cannot do for pods, found out without changing anything.
//!
//! Everything that is a file is looked up beneath [`Host::root`], so that tests can show any host; what
//! only the kernel knows is asked of the kernel.

mod accounts;
mod finding;
mod kernel;
mod services;
mod storage;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use finding::{Finding, Level};

use crate::rootless::HostFiles;

/// The host to examine, and who asks.
#[derive(Debug, Clone)]
pub struct Host {
    /// Where its files are: `/`.
    pub root: PathBuf,
    /// Where pods and images are, or would be.
    pub data_dir: PathBuf,
    /// The directory of the local configuration, which may hold network plugins.
    pub local_config: PathBuf,
    /// Our stage1 program, if it was found.
    pub stage1: Option<PathBuf>,
    /// The caller has root's rights.
    pub is_root: bool,
    /// Where programs are looked for: the variable `PATH`.
    pub path: OsString,
}

impl Host {
    fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn has(&self, path: &str) -> bool {
        self.file(path).exists()
    }

    /// The text of a file without white space at its end; `None` if it cannot be read.
    fn read(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.file(path)).ok()?;
        Some(text.trim_end().to_owned())
    }

    fn files(&self) -> HostFiles {
        HostFiles {
            etc: self.file("etc"),
            parameters: self.file("proc/sys"),
            path: self.path.clone(),
        }
    }
}

/// The data directory, or what is there of the way to it; `None` if that is no directory.
fn nearest(path: &Path) -> Option<&Path> {
    let there = path.ancestors().find(|ancestor| ancestor.exists());
    there.filter(|there| there.is_dir())
}

/// Examines `host`; whether pods can run is whether no finding has [`Level::Bad`].
#[must_use]
pub fn examine(host: &Host) -> Vec<Finding> {
    let mut findings = vec![
        kernel::version(host),
        kernel::calls(),
        storage::stage1(host),
        storage::data_dir(host),
        storage::space(host),
        kernel::user_namespaces(host),
    ];
    findings.push(accounts::sub_ids(host));
    findings.extend([
        kernel::overlay(host),
        storage::id_mapped_mounts(host),
        kernel::seccomp(host),
        services::control_groups(host),
        services::network_plugins(host),
        services::packet_filter(host),
        services::systemd(host),
        services::journal(host),
        services::machined(host),
        accounts::group(host),
    ]);
    findings
}

#[cfg(test)]
mod tests;
