//! What the command line knows and the tool cannot do yet: it says so and changes nothing.

use std::ffi::OsString;

use gantry_cli::Failure;

use crate::cli::NoArgs;
use crate::ending::Ending;

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild run [OPTIONS] -- COMMAND [ARGUMENT]...")]
pub(crate) struct RunArgs {
    /// What runs the command: `ns`, `chroot` or `systemd-nspawn`
    #[arg(long, value_name = "ENGINE", default_value = "systemd-nspawn")]
    engine: String,
    /// Fetch dependencies without https and its certificates
    #[arg(long)]
    insecure: bool,
    /// Directory in the image to run the command in
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true
    )]
    working_dir: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND")]
    arguments: Vec<OsString>,
}

/// The failure of everything that comes later.
pub(crate) fn not_yet(what: &str) -> Failure {
    Failure::environment(format!("{what} is not supported yet"))
}

pub(crate) fn run(args: &RunArgs) -> Result<(), Ending> {
    if args.arguments.is_empty() {
        return Err(Ending::Usage);
    }
    if !matches!(&*args.engine, "ns" | "chroot" | "systemd-nspawn") {
        return Err(Failure::usage(format!("no such engine {:?}", args.engine)).into());
    }
    Err(not_yet("running commands in the image").into())
}

pub(crate) fn layer(args: &NoArgs) -> Result<(), Ending> {
    crate::invocation::exactly::<0>(&args.arguments)?;
    Err(Failure::usage("adding layers is currently only supported in OCI builds").into())
}
