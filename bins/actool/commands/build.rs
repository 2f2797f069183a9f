//! `actool build`.

use std::path::PathBuf;

use gantry_cli::{Context, Failure, available_threads};
use gantry_ops::epoch::{SOURCE_DATE_EPOCH, SourceDateEpoch};
use gantry_ops::pack::{PackOptions, pack};

/// Build an ACI from an Image Layout (experimental)
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Build an ACI from a given directory. The directory should\n\
        contain an Image Layout. The Image Layout will be validated\n\
        before the ACI is created. The produced ACI will be\n\
        gzip-compressed by default.",
    override_usage = "actool build [--overwrite] [--no-compression] [--owner-root] DIRECTORY OUTPUT_FILE",
    after_long_help = "The same layout gives the same bytes. With SOURCE_DATE_EPOCH set no time in the \
        image is later than that many seconds since 1970, and the manifest has that time; otherwise the \
        manifest has the latest time of the tree."
)]
pub(crate) struct BuildArgs {
    /// Overwrite target file if it already exists
    #[arg(long)]
    overwrite: bool,
    /// Force ownership to root:root on all files
    #[arg(long)]
    owner_root: bool,
    /// Do not gzip-compress the produced ACI
    #[arg(long)]
    no_compression: bool,
    /// The image layout, and the image file to make
    #[arg(value_name = "DIRECTORY OUTPUT_FILE")]
    operands: Vec<PathBuf>,
}

impl BuildArgs {
    pub(crate) fn run(self, _: &mut Context<'_>) -> Result<(), Failure> {
        let [directory, file] = &*self.operands else {
            return Err(Failure::environment(
                "Must provide directory and output file",
            ));
        };
        let epoch = SourceDateEpoch::from_variable(std::env::var_os(SOURCE_DATE_EPOCH).as_deref());
        let options = PackOptions {
            overwrite: self.overwrite,
            uncompressed: self.no_compression,
            owner_root: self.owner_root,
            epoch: epoch.map_err(|error| Failure::usage(error.to_string()))?,
            threads: available_threads(),
        };
        Ok(pack(directory, file, &options)?)
    }
}
