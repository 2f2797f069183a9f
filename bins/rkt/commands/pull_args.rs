//! When images are looked for elsewhere than in the store: the flag, and the two older ones.

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_types::oci::Platform;

/// Flags for images of registries, and OCI and Docker images in files.
#[derive(Args, Debug)]
pub(crate) struct OciArgs {
    /// Machine that OCI and Docker images are for, such as linux/arm64 [default: this one]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub(crate) platform: Option<Platform>,
    /// Layers of an image of a registry to download at a time
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) max_parallel: u8,
}

/// Flags for where images come from.
#[derive(Args, Debug)]
pub(crate) struct PullArgs {
    /// When to look for images elsewhere than in the store
    #[arg(long, value_name = "never|new|update", default_value = "new")]
    pull_policy: String,
    #[command(flatten)]
    pub(crate) oci: OciArgs,
    /// The same as --pull-policy=never
    #[arg(long, hide = true)]
    store_only: bool,
    /// The same as --pull-policy=update
    #[arg(long, hide = true)]
    no_store: bool,
}

impl PullArgs {
    /// The policy; the older flags still work, and say so.
    ///
    /// # Errors
    ///
    /// Both older flags together.
    pub(crate) fn policy(&self, context: &mut Context<'_>) -> Result<&str, Failure> {
        policy(&self.pull_policy, self.store_only, self.no_store, context)
    }
}

/// The pull policy of the flag, or of the two older flags, which still work and say so.
///
/// # Errors
///
/// Both older flags together.
pub(crate) fn policy<'a>(
    given: &'a str,
    store_only: bool,
    no_store: bool,
    context: &mut Context<'_>,
) -> Result<&'a str, Failure> {
    let (flag, policy) = match (store_only, no_store) {
        (false, false) => return Ok(given),
        (true, true) => return Err(Failure::usage("both --store-only and --no-store specified")),
        (true, false) => ("store-only", "never"),
        (false, true) => ("no-store", "update"),
    };
    deprecated(flag, &format!("please use --pull-policy={policy}"), context);
    Ok(policy)
}

/// Says that a flag has another name by now.
pub(crate) fn deprecated(flag: &str, instead: &str, context: &mut Context<'_>) {
    note(
        context.err,
        format_args!("Flag --{flag} has been deprecated, {instead}"),
    );
}
