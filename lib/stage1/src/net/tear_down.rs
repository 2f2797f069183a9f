//! Taking networks down while nobody waits for it.
//!
//! Most of what a plugin does at the end is waiting: the kernel removes an interface or a rule only when no
//! processor can be using it any more. So the supervisor leaves that to a process of its own and ends with
//! the pod's status. Whoever needs what is being given back waits for it here:
//!
//! - collection, by the lock on the pod's directory `net`, which that process holds;
//! - a pod that wants a certain address, or whose set-up failed over something that was still taken, by the
//!   lock on the directory of all pods, which all those processes share.
//!
//! Should the process be killed, both locks are gone, and collection does what is left to do.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::setsid;

use gantry_sys::lock::{Share, Wait, flock};
use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Fork, exit_now, fork_into};
use gantry_types::pod_layout;

use super::plan::Networks;
use super::plugin::Watch;
use crate::failed::{Chain, report};

/// The directory of all pods, seen from that of one which runs.
const PODS: &str = "../..";

/// How long a pod waits for others to be taken down. What takes longer is not about to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Networks {
    /// Takes the networks down after the pod's end: in another process, or in this one if that would be ended with it.
    ///
    /// `lock` is the pod's. The other process does not hold it, so that the pod has ended when this one has.
    pub(crate) fn finish(&self, lock: &mut Option<OwnedFd>) {
        use std::os::fd::AsFd as _;
        if !is_in_service() && self.hand_over(lock).is_ok() {
            return;
        }
        let watch = Watch {
            signals: None,
            lock: lock.as_ref().map(OwnedFd::as_fd),
        };
        // The pod's status is what counts, and collection will try again.
        if let Err(error) = self.detach(watch) {
            report(format_args!("{}", Chain(&error)));
        }
    }

    fn hand_over(&self, lock: &mut Option<OwnedFd>) -> io::Result<()> {
        let _own = locked(pod_layout::NET, Share::Exclusive, Wait::Try)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))?;
        // Without it some pods do not wait for this one.
        let _all = locked(PODS, Share::Shared, Wait::Try);
        if let Fork::Parent(_) = fork_into(Namespaces::empty())? {
            return Ok(());
        }
        lock.take();
        let watch = Watch {
            signals: None,
            lock: None,
        };
        // Only if none of the caller's streams stays open may the caller go on. Collection tells what is wrong.
        let status = match leave().map(|()| self.detach(watch)) {
            Ok(Ok(())) => 0,
            Ok(Err(_)) | Err(_) => 1,
        };
        exit_now(status)
    }
}

/// Whether this process is part of a service of systemd, which ends all that is in it with its main process.
fn is_in_service() -> bool {
    std::fs::read_to_string("/proc/self/cgroup").is_ok_and(|text| is_of_service(&text))
}

/// Whether the innermost unit of any of these memberships is a service. Source: cgroups(7), "/proc files".
fn is_of_service(memberships: &str) -> bool {
    memberships.lines().any(|line| {
        let path = line.splitn(3, ':').nth(2).unwrap_or_default();
        let is_unit = |name: &&str| name.ends_with(".service") || name.ends_with(".scope");
        let unit = path.rsplit('/').find(is_unit);
        // That of all of a user's programs outlives them.
        unit.is_some_and(|unit| unit.ends_with(".service") && !unit.starts_with("user@"))
    })
}

/// Leaves the caller's session and streams.
fn leave() -> io::Result<()> {
    setsid()?;
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(rustix::stdio::dup2_stderr(&null)?)
}

/// Waits until nobody takes down the networks of the pod in the working directory; nobody begins to before
/// what is returned is dropped.
pub(super) fn exclude() -> io::Result<Option<OwnedFd>> {
    match locked(pod_layout::NET, Share::Exclusive, Wait::Block) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        lock => lock,
    }
}

/// Whether networks of any pod are being taken down.
pub(super) fn is_any() -> bool {
    matches!(locked(PODS, Share::Exclusive, Wait::Try), Ok(None))
}

/// Waits until no networks of other pods are being taken down, though not for ever.
pub(super) fn wait_for_all() {
    let deadline = Instant::now() + PATIENCE;
    while is_any() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn locked(directory: &str, share: Share, wait: Wait) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = open(directory, flags, Mode::empty())?;
    Ok(flock(&directory, share, wait)?.then_some(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_sessions_and_other_groups() {
        for (memberships, expected) in [
            ("0::/system.slice/web.service\n", true),
            ("0::/system.slice/web.service/deeper/still\n", true),
            (
                "9:name=systemd:/system.slice/web.service\n4:memory:/\n0::/\n",
                true,
            ),
            (
                "0::/user.slice/user-0.slice/user@0.service/app.slice/web.service\n",
                true,
            ),
            (
                "0::/user.slice/user-0.slice/user@0.service/app.slice/vte-1.scope\n",
                false,
            ),
            ("0::/user.slice/user-0.slice/user@0.service\n", false),
            ("0::/user.slice/user-0.slice/session-3.scope\n", false),
            ("0::/system.slice/docker-12ab.scope\n", false),
            ("9:name=systemd:/\n0::/\n", false),
            ("0::/odd:name.service\n", true),
            ("", false),
            ("no line", false),
        ] {
            assert_eq!(is_of_service(memberships), expected, "{memberships:?}");
        }
    }
}
