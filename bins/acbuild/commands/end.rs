//! `end`.

use gantry_cli::{Failure, report};
use gantry_ops::build::Build;
use gantry_pod::in_tree::collect;

use crate::cli::NoArgs;
use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};
use crate::rootless;

pub(crate) fn run(args: &NoArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    exactly::<0>(&args.arguments)?;
    invocation.explain(&args.arguments);
    rootless::enter_build(invocation.work_path())?;
    collect_killed(invocation);
    Ok(Build::end(invocation.work_path())?)
}

/// Gives back what a command that was killed held outside the build; that it cannot be is no reason to keep
/// the build.
fn collect_killed(invocation: &mut Invocation<'_, '_>) {
    let Ok(build) = Build::open(invocation.work_path()) else {
        return;
    };
    let collected = gantry_pod::own_stage1()
        .map_err(Failure::from)
        .and_then(|stage1| Ok(collect(build.directory(), &stage1)?));
    if let Err(failure) = collected {
        report("end", &failure, false, invocation.ctx.err);
    }
}
