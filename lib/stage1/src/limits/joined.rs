//! Processes in the groups of an app.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use gantry_sys::cgroup::{Group, Version};
use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Fork, fork_into, fork_into_group, unshare};

use super::wanted::Limit;
use crate::failed::{Failed, Step as _};
use crate::plan::AppPlan;

/// The groups of an app, opened while the host's paths could be reached.
#[derive(Debug, Default)]
pub(crate) struct AppGroup {
    unified: Option<Unified>,
    /// `cgroup.procs` of the groups of version 1.
    legacy: Vec<OwnedFd>,
}

#[derive(Debug)]
struct Unified {
    directory: OwnedFd,
    processes: OwnedFd,
    /// Set in a process that could not be started in the group.
    outside: Cell<bool>,
}

impl AppGroup {
    /// Opens the groups.
    pub(crate) fn open<'a>(
        groups: impl Iterator<Item = (Version, &'a Group)>,
    ) -> Result<Self, Failed> {
        let mut opened = Self::default();
        for (version, group) in groups {
            let step = || format!("open the control group {}", group.directory().display());
            let processes = group.open("cgroup.procs", OFlags::WRONLY).step(step)?;
            match version {
                Version::One => opened.legacy.push(processes),
                Version::Two => {
                    opened.unified = Some(Unified {
                        directory: group.open_directory().step(step)?,
                        processes,
                        outside: Cell::new(false),
                    });
                }
            }
        }
        Ok(opened)
    }

    /// Starts a process of the app, which goes on with [`settle`](Self::settle).
    pub(crate) fn fork(&self, namespaces: Namespaces) -> io::Result<Fork> {
        let Some(unified) = &self.unified else {
            return fork_into(namespaces);
        };
        match fork_into_group(namespaces, unified.directory.as_fd()) {
            // Root of a user namespace owns nothing here, but got a descriptor from who does.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let fork = fork_into(namespaces)?;
                unified.outside.set(matches!(fork, Fork::Child));
                Ok(fork)
            }
            forked => forked,
        }
    }

    /// Makes this process one of the app's, to which its groups are all that there are.
    pub(crate) fn settle(&self, plan: &AppPlan) -> Result<(), Failed> {
        self.join(plan)?;
        match unshare(Namespaces::CGROUP) {
            // A kernel without such namespaces.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done.step(|| "make a cgroup namespace"),
        }
    }

    /// Moves this process to the app's groups, and limits what belongs to a process.
    pub(crate) fn join(&self, plan: &AppPlan) -> Result<(), Failed> {
        let outside = self.unified.iter().filter(|unified| unified.outside.get());
        let moves = outside.map(|unified| &unified.processes);
        for processes in moves.chain(&self.legacy) {
            rustix::io::write(processes, b"0").step(|| "enter the control group of the app")?;
        }
        let score = plan.limits.iter().find_map(|asked| match asked.limit {
            Ok(Limit::OomScoreAdj(score)) => Some(score),
            _ => None,
        });
        score.map_or(Ok(()), set_oom_score)
    }
}

/// Sets who is killed first when memory is short, as far as this process may.
fn set_oom_score(score: i32) -> Result<(), Failed> {
    let path = "/proc/self/oom_score_adj";
    let name = || format!("set the OOM score adjustment to {score}");
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).step(name)?;
    match rustix::io::write(file, score.to_string().as_bytes()) {
        // Less than it was takes a right over the whole machine; this was reported before.
        Err(Errno::ACCESS | Errno::PERM) => Ok(()),
        done => done.map(drop).step(name),
    }
}
