//! `rkt run`

use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure};

use crate::cli::Globals;
use crate::commands::pod_args::{PodArgs, Preparing};
use crate::commands::run_args::{RunOptionArgs, warn_of_no_scope};
use crate::grammar::ImagePart;
use crate::rootless::need_root_for_images;
use crate::service::Patience;
use crate::setup::Setup;

/// Run a pod of the given images, fetching those that are not in the store
///
/// Images are names (example.com/app:1.0), URLs, files or image IDs. Behind an image come the flags that
/// change its app, and `--` with arguments for it; `---` ends the arguments where another image follows.
/// The command ends when the pod ends, with the exit status of the first app that failed.
#[derive(Args, Debug)]
#[command(override_usage = "rkt run [OPTIONS] IMAGE [APP OPTIONS] [-- ARGS… [---]] [IMAGE …]")]
pub(crate) struct RunArgs {
    /// What the pod is.
    #[command(flatten)]
    pod: PodArgs,
    /// How it is run.
    #[command(flatten)]
    options: RunOptionArgs,
    /// Write the pod's UUID to this file
    #[arg(long, value_name = "FILE")]
    uuid_file_save: Option<PathBuf>,
}

impl RunArgs {
    /// Prepares the pod and becomes it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the pod from running; on success this does not return.
    pub(crate) fn run(
        &self,
        images: &[ImagePart],
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        need_root_for_images("run", globals, context)?;
        if self.options.interactive && images.len() > 1 {
            return Err(Failure::usage("interactive option only supports one image"));
        }
        let setup = Setup::new(globals)?;
        let options = self.options.options(&setup, globals)?;
        self.options.warn_without_root("run", context);
        if self.pod.has_ports() {
            self.options.check_ports()?;
        }
        let preparing = Preparing {
            command: "run",
            quiet: false,
            interactive: self.options.interactive,
            uuid_file: self.uuid_file_save.as_deref(),
        };
        let patience = Patience::ask_for("Preparing the pod");
        let pod = self
            .pod
            .prepare(images, &setup, globals, &preparing, context)?;
        drop(patience);
        RunOptionArgs::warn_of_lost("run", pod.lost_options(&options), context)?;
        warn_of_no_scope("run", pod.enter_scope(), context);
        context.out.flush().map_err(Failure::Output)?;
        Err(pod.run(&options).into())
    }
}
