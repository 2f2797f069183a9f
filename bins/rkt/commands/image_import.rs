//! `rkt image import`

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use clap::Args;
use gantry_cli::{Context, Failure, report, say};
use gantry_ops::fetch::{ImportRequest, import};
use gantry_ops::image::cas_images;
use gantry_types::ImageId;

use crate::cli::Globals;
use crate::images::Fetcher;
use crate::setup::Setup;

/// What the record of an image says that came out of an old store and was not checked.
const CAS: &str = "cas import";

/// Where images are.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The signature; for an old store a directory with KEY.asc of its images
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Print IDs in full
    #[arg(long)]
    full: bool,
    /// Image files, - for standard input, or the directory cas of rkt 1.x
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<String>,
}

impl ImportArgs {
    /// Imports one source after the other, without a network, and prints the IDs of the images.
    ///
    /// # Errors
    ///
    /// The first source that cannot be imported. Of an old store everything that can be imported is, and
    /// what cannot is reported.
    pub(crate) fn run(
        &self,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let mut fetcher = Fetcher::new(setup, globals, "never", false, context)?;
        let mut failed = 0_usize;
        for source in &self.sources {
            let path = Path::new(source);
            if source == "-" {
                let id = self.stdin(setup, &mut fetcher, context)?;
                self.print(&id, context)?;
            } else if path.is_dir() {
                failed += self.cas(path, setup, &mut fetcher, globals, context)?;
            } else {
                // A path, whatever else it may look like.
                let path = std::path::absolute(path).map_err(|error| {
                    Failure::environment(format!("cannot import {source}: {error}"))
                })?;
                let path = path.to_string_lossy();
                let id = fetcher.fetch(&path, self.signature.as_deref(), context)?;
                self.print(&id, context)?;
            }
        }
        match failed {
            0 => Ok(()),
            failed => Err(Failure::environment(format!(
                "{failed} image(s) could not be imported"
            ))),
        }
    }

    fn print(&self, id: &ImageId, context: &mut Context<'_>) -> Result<(), Failure> {
        match self.full {
            true => say(context.out, id.key()),
            false => say(context.out, id.short()),
        }
    }

    fn stdin(
        &self,
        setup: &Setup,
        fetcher: &mut Fetcher,
        context: &mut Context<'_>,
    ) -> Result<ImageId, Failure> {
        if self.signature.is_none() && !setup.insecure().image() {
            return Err(Failure::usage("no signature lies beside standard input")
                .with_hint("name one with --signature, or use --insecure-options=image"));
        }
        let request = ImportRequest {
            image: "-".to_owned(),
            signature: self.signature.clone().unwrap_or_default(),
            insecure: setup.insecure().clone(),
            note: None,
            digits: None,
        };
        // Not by way of its lock, which must not leave this thread.
        let stdin = std::io::stdin().as_fd().try_clone_to_owned();
        let stdin = stdin.map_err(|error| {
            Failure::environment(format!("cannot read standard input: {error}"))
        })?;
        let imported = fetcher.with_context(context, |fetching| {
            import(File::from(stdin), &request, fetching)
        });
        Ok(imported?)
    }

    /// Imports all images of an old store, and gives the number of those that could not be.
    fn cas(
        &self,
        directory: &Path,
        setup: &Setup,
        fetcher: &mut Fetcher,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<usize, Failure> {
        let images = cas_images(directory)?;
        if self.signature.is_none() && !setup.insecure().image() {
            return Err(Failure::usage(
                "the store of rkt 1.x has no signatures, so that its images cannot be checked",
            )
            .with_hint(
                "use --insecure-options=image, or --signature with a directory of signatures over the \
                 uncompressed images",
            ));
        }
        let mut failed = 0;
        for image in images {
            let signatures = self.signature.as_deref().unwrap_or(Path::new(""));
            let request = ImportRequest {
                image: image.blob.display().to_string(),
                signature: signatures.join(format!("{}.asc", image.key)),
                insecure: setup.insecure().clone(),
                note: Some(CAS),
                digits: Some(image.digits().to_owned()),
            };
            let imported = File::open(&image.blob)
                .map_err(|error| {
                    Failure::environment(format!("cannot open {}: {error}", request.image))
                })
                .and_then(|blob| {
                    let imported =
                        fetcher.with_context(context, |fetching| import(blob, &request, fetching));
                    Ok(imported?)
                });
            match imported {
                Ok(id) => self.print(&id, context)?,
                Err(error) => {
                    failed += 1;
                    report("import", &error, globals.debug, context.err);
                }
            }
        }
        Ok(failed)
    }
}
