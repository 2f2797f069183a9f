//! `rkt export`

use std::os::fd::AsFd as _;
use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure, available_threads};
use gantry_ops::pack::{PackRootOptions, pack_root};

use crate::cli::Globals;
use crate::setup::Setup;

/// Make an image file of an app of a pod that has ended, with the files as the app left them
///
/// Volumes are no part of it. The manifest is that of the app's image, but for its dependencies, whose files
/// are in the new image itself.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// App of the pod, where it has several
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Replace the file if it is there
    #[arg(long)]
    overwrite: bool,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: String,
    /// Image file, which is made
    #[arg(value_name = "OUTPUT_ACI_FILE")]
    file: PathBuf,
}

impl ExportArgs {
    /// Writes the image.
    ///
    /// # Errors
    ///
    /// No such pod or app, one that has not ended, and what writing runs into.
    pub(crate) fn run(&self, globals: &Globals, _context: &mut Context<'_>) -> Result<(), Failure> {
        // Files of the pod may belong to other users of the caller's.
        crate::rootless::need_root(globals)?;
        let pod = Setup::new(globals)?.pods()?.lookup(&self.uuid)?;
        let app = pod.ended_app(self.app.as_deref().filter(|app| !app.is_empty()))?;
        let options = PackRootOptions {
            overwrite: self.overwrite,
            users: app.users,
            threads: available_threads(),
        };
        Ok(pack_root(
            &app.manifest,
            app.root.as_fd(),
            &self.file,
            &options,
        )?)
    }
}
