//! `rkt image export`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_ops::Store;
use gantry_ops::image::{self, Export};

use crate::cli::Globals;
use crate::images::find;
use crate::setup::Setup;

/// An image, and the file that it is written to.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Replace the file if it is there
    #[arg(long)]
    overwrite: bool,
    /// The very bytes that were fetched, which the signature covers, in place of an uncompressed archive
    #[arg(long, visible_alias = "compressed")]
    as_received: bool,
    /// ID, a prefix of it, or name of the image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Image file, which is made
    #[arg(value_name = "OUTPUT_ACI_FILE")]
    file: PathBuf,
}

impl ExportArgs {
    /// Writes the image to the file.
    ///
    /// # Errors
    ///
    /// What finding the image and writing it run into.
    pub(crate) fn run(
        &self,
        store: &Store,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let id = find(store, &self.image, setup, globals, context)?;
        let export = Export {
            file: &self.file,
            overwrite: self.overwrite,
            as_received: self.as_received,
        };
        image::export(store, &id, &export)?;
        store.touch(&id, SystemTime::now());
        Ok(())
    }
}
