//! What the first process of a pod gives up once its apps run.
//!
//! It is the one process with more rights than the apps that they can see. None may look into it, since
//! it is not dumpable, but for one with `CAP_SYS_PTRACE`; that one must gain nothing by it.

use std::os::fd::OwnedFd;

use gantry_sys::capability::{Capabilities, limit_own};

use crate::failed::{Failed, Step as _};
use crate::plan::AppPlan;

/// Whether an app may trace processes that are not dumpable.
fn can_trace(plans: &[AppPlan]) -> bool {
    Capabilities::from_name("CAP_SYS_PTRACE").is_none_or(|trace| {
        plans
            .iter()
            .any(|plan| plan.capabilities.intersection(trace) == trace)
    })
}

/// Drops the capabilities that are needed only to start apps, and, where an app could reach it, the
/// descriptor of the pod directory, which lies on a file system of the host.
///
/// Without it the pod counts as exited a moment early if its supervisor is killed, namely when it is
/// about to be killed as well. What is left is the right to end the apps, whoever they run as; handlers
/// that are yet to be started need all.
pub(crate) fn give_up(plans: &[AppPlan], lock: &mut Option<OwnedFd>) -> Result<(), Failed> {
    if can_trace(plans) {
        *lock = None;
    }
    if plans.iter().any(|plan| plan.post_stop.is_some()) {
        return Ok(());
    }
    let kill = Capabilities::from_name("CAP_KILL").unwrap_or_default();
    limit_own(kill).step(|| "give up what only starting apps needs")
}
