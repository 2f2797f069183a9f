//! `rkt fetch`

use clap::Args;
use gantry_cli::{Context, Failure, say};

use crate::cli::Globals;
use crate::commands::app_args::AppArgs;
use crate::commands::pull_args::OciArgs;
use crate::grammar::ImagePart;
use crate::images::Fetcher;
use crate::setup::Setup;

/// Fetch images, verify their signatures and store them; prints their IDs
///
/// Images are names (example.com/app:1.0), URLs, or files. A signature is looked for beside the image
/// (IMAGE.asc) and has to be of a key that `rkt trust` added for the name. OCI and Docker images of registries
/// are `docker://[HOST[:PORT]/]NAME[:TAG|@DIGEST]`, those in files are `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`,
/// `docker-archive:FILE[:NAME]` and dir:DIR; `--insecure-options=image` waives that somebody vouches for them.
#[derive(Args, Debug)]
#[command(override_usage = "rkt fetch [OPTIONS] IMAGE [--signature FILE] [IMAGE …]")]
pub(crate) struct FetchArgs {
    /// Print IDs in full
    #[arg(long)]
    full: bool,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
    /// When to look for images elsewhere than in the store
    #[arg(long, value_name = "never|new|update", default_value = "update")]
    pull_policy: String,
    #[command(flatten)]
    oci: OciArgs,
    /// The same as --pull-policy=never
    #[arg(long, hide = true)]
    store_only: bool,
    /// The same as --pull-policy=update
    #[arg(long, hide = true)]
    no_store: bool,
}

impl FetchArgs {
    /// Fetches one image after the other and prints the ID of each.
    ///
    /// # Errors
    ///
    /// The first image that cannot be had.
    pub(crate) fn run(
        &self,
        images: &[ImagePart],
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        if images.is_empty() {
            return Err(Failure::usage("must provide at least one image"));
        }
        let policy = crate::commands::pull_args::policy(
            &self.pull_policy,
            self.store_only,
            self.no_store,
            context,
        )?;
        crate::rootless::keep_owners(globals);
        let setup = Setup::new(globals)?;
        let signatures = images
            .iter()
            .map(AppArgs::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let mut fetcher =
            Fetcher::new(&setup, globals, policy, self.quiet, context)?.of_kind(&self.oci);
        for (part, args) in images.iter().zip(signatures) {
            let id = fetcher.fetch(&part.image, args.signature.as_deref(), context)?;
            match self.full {
                true => say(context.out, id.key())?,
                false => say(context.out, id.short())?,
            }
        }
        Ok(())
    }
}
