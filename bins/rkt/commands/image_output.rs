//! `rkt image render` and `rkt image extract`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_ops::Store;
use gantry_ops::image::{self, Output};

use crate::cli::Globals;
use crate::images::find;
use crate::rootless::output_ownership;
use crate::setup::Setup;

/// An image, and the directory that it is written to.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Replace the directory if it is there
    #[arg(long)]
    overwrite: bool,
    /// Only the root file system, which the directory becomes
    #[arg(long)]
    rootfs_only: bool,
    /// ID, a prefix of it, or name of the image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Directory, which is made
    #[arg(value_name = "OUTPUT_DIR")]
    directory: PathBuf,
}

impl OutputArgs {
    /// Writes the image, together with what it depends on.
    ///
    /// # Errors
    ///
    /// What finding the image and writing it run into.
    pub(crate) fn render(
        &self,
        store: &Store,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let id = find(store, &self.image, setup, globals, context)?;
        image::render(store, &id, &self.output())?;
        store.touch(&id, SystemTime::now());
        Ok(())
    }

    /// Writes the image as it is.
    ///
    /// # Errors
    ///
    /// As for [`render`](Self::render).
    pub(crate) fn extract(
        &self,
        store: &Store,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let id = find(store, &self.image, setup, globals, context)?;
        image::extract(store, &id, &self.output())?;
        store.touch(&id, SystemTime::now());
        Ok(())
    }

    fn output(&self) -> Output<'_> {
        Output {
            directory: &self.directory,
            rootfs_only: self.rootfs_only,
            overwrite: self.overwrite,
            ownership: output_ownership(),
        }
    }
}
