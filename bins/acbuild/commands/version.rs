//! `version`.

use gantry_cli::say;
use gantry_types::SemVer;

use crate::cli::NoArgs;
use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

pub(crate) fn run(args: &NoArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    exactly::<0>(&args.arguments)?;
    say(
        invocation.ctx.out,
        format_args!("acbuild version {}", env!("CARGO_PKG_VERSION")),
    )?;
    Ok(say(
        invocation.ctx.out,
        format_args!("appc version {}", SemVer::ac_version()),
    )?)
}
