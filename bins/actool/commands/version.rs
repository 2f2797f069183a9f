//! `actool version`.

use gantry_cli::{Context, Failure, say};
use gantry_types::SemVer;

/// Prints the version of the appc specification that the tools follow, as the original does.
pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let version = SemVer::ac_version();
    say(context.out, format_args!("actool version {version}"))
}
