//! What the command line knows and the tool cannot do yet: it says so and changes nothing.

use gantry_cli::Failure;

use crate::cli::NoArgs;
use crate::ending::Ending;

/// The failure of everything that comes later.
pub(crate) fn not_yet(what: &str) -> Failure {
    Failure::environment(format!("{what} is not supported yet"))
}

pub(crate) fn layer(args: &NoArgs) -> Result<(), Ending> {
    crate::invocation::exactly::<0>(&args.arguments)?;
    Err(Failure::usage("adding layers is currently only supported in OCI builds").into())
}
