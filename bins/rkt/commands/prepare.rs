//! `rkt prepare`

use clap::Args;
use gantry_cli::{Context, Failure, say};

use crate::cli::Globals;
use crate::commands::pod_args::{PodArgs, Preparing};
use crate::grammar::ImagePart;
use crate::rootless::need_root_for_images;
use crate::setup::Setup;

/// Prepare a pod of the given images, to be run by run-prepared; prints its UUID
#[derive(Args, Debug)]
#[command(override_usage = "rkt prepare [OPTIONS] IMAGE [APP OPTIONS] [-- ARGS… [---]] [IMAGE …]")]
pub(crate) struct PrepareArgs {
    /// What the pod is.
    #[command(flatten)]
    pod: PodArgs,
    /// Print nothing but the UUID
    #[arg(long)]
    quiet: bool,
}

impl PrepareArgs {
    /// Prepares the pod.
    ///
    /// # Errors
    ///
    /// Whatever stands against the pod.
    pub(crate) fn run(
        &self,
        images: &[ImagePart],
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        need_root_for_images("prepare", globals, context)?;
        let setup = Setup::new(globals)?;
        let preparing = Preparing {
            command: "prepare",
            quiet: self.quiet,
            interactive: false,
            uuid_file: None,
        };
        let pod = self
            .pod
            .prepare(images, &setup, globals, &preparing, context)?;
        say(context.out, pod.keep()?)
    }
}
