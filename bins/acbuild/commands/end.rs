//! `end`.

use gantry_ops::build::Build;

use crate::cli::NoArgs;
use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

pub(crate) fn run(args: &NoArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    exactly::<0>(&args.arguments)?;
    invocation.explain(&args.arguments);
    Ok(Build::end(invocation.work_path())?)
}
