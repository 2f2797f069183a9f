//! `begin`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gantry_cli::{Failure, available_threads, note};
use gantry_ops::build::{BeginError, BeginOptions, Build, Start, StoredOci};

use crate::ending::Ending;
use crate::images::{ImageArgs, Images};
use crate::invocation::{Invocation, text};
use crate::rootless;

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild begin [OPTIONS] [START]")]
pub(crate) struct Args {
    /// What is built: `appc` or `oci`
    #[arg(long, value_name = "MODE", default_value = "appc")]
    build_mode: String,
    #[command(flatten)]
    images: ImageArgs,
    /// A directory, an image or an archive of a root file system, beginning with `/` or `.`; or the name of an
    /// image, `NAME[:VERSION][,LABEL=VALUE]...`, or the ID of one in rkt's store; or
    /// `docker://[HOST[:PORT]/]NAME[:TAG|@DIGEST]`, `oci:DIR[:NAME]`, `oci-archive:FILE`, `docker-archive:FILE`,
    /// `dir:DIR`
    #[arg(value_name = "START")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let start = match &*args.arguments {
        [] => Some(Start::Nothing),
        [start] => parse(start),
        _ => return Err(Ending::WrongCount),
    };
    match &*args.build_mode {
        "appc" => {}
        "oci" => {}
        other => return Err(Failure::usage(format!("invalid build mode: {other}")).into()),
    }
    invocation.explain(&args.arguments);
    let begun = match start {
        Some(start) => {
            if matches!(&start, Start::Local(path) if !path.is_dir()) {
                rootless::keep_owners()?;
            }
            begin(args, start, invocation)
        }
        None => begin_stored(args, invocation),
    }?;
    if let Some(missing) = begun.lacking() {
        note(
            invocation.ctx.err,
            format_args!(
                "{missing} is missing, assuming build is beginning with a tar of a rootfs"
            ),
        );
    }
    Ok(())
}

fn begin(args: &Args, start: Start, invocation: &Invocation<'_, '_>) -> Result<Build, Ending> {
    let options = BeginOptions {
        threads: available_threads(),
        other_owners: rootless::has_many_ids(),
        oci: args.build_mode == "oci",
        epoch: invocation.epoch()?,
    };
    Ok(Build::begin_with(invocation.work_path(), &start, &options)?)
}

/// Begins with an image of the store, which is fetched if it is not there.
fn begin_stored(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<Build, Ending> {
    let name = args.arguments.first().map_or(Ok(""), |name| text(name))?;
    if Build::exists(invocation.work_path()) {
        return Err(BeginError::InProgress.into());
    }
    rootless::keep_owners()?;
    let images = Images::open(
        &args.images,
        "begin",
        invocation.globals.debug,
        invocation.ctx,
    )?;
    // Held until the image is copied.
    let (id, _lease) = images
        .fetch(name, invocation.ctx)
        .map_err(|failure| failure.with_hint("local file paths must start with '/' or '.'"))?;
    let start = match StoredOci::find(images.store(), &id)? {
        Some(stored) => Start::StoredOci(Box::new(stored)),
        None => Start::Stored(gantry_ops::image::own_tree(images.store(), &id)?),
    };
    begin(args, start, invocation)
}

/// A local file has to begin with `/` or `.`; everything else, `None`, is a name to be looked up.
fn parse(start: &OsStr) -> Option<Start> {
    match start.as_bytes() {
        [b'/' | b'.', ..] => Some(Start::Local(PathBuf::from(start))),
        _ => None,
    }
}
