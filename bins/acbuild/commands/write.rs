//! `write`.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, available_threads, note, say};
use gantry_ops::build::{Compression, OciTarget, WriteOptions};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly, text};

/// Compressions by name.
const COMPRESSIONS: [Compression; 4] = [
    Compression::Gzip,
    Compression::Zstd,
    Compression::Xz,
    Compression::None,
];

#[derive(clap::Args, Debug)]
#[command(
    override_usage = "acbuild write [OPTIONS] FILE [-- GPG_ARGUMENT...]",
    after_long_help = "The same files, manifest and options give the same bytes. With SOURCE_DATE_EPOCH set \
        no time in the image is later than that many seconds since 1970."
)]
pub(crate) struct Args {
    /// Replace FILE if it exists
    #[arg(long)]
    overwrite: bool,
    /// Compression of FILE: gzip, zstd, xz or none
    #[arg(long, value_name = "NAME", default_value = "gzip")]
    compression: String,
    /// Give every file the time of SOURCE_DATE_EPOCH, or 1970
    #[arg(long)]
    rewrite_timestamps: bool,
    /// Write one layer, in place of those that an OCI image has
    #[arg(long)]
    squash: bool,
    /// Sign the image with gpg: FILE.asc. What stands after -- goes to gpg
    #[arg(long)]
    sign: bool,
    /// The image file to write, such as `app.aci`; of an OCI build an archive, or `oci:DIR[:TAG]` for a layout directory
    #[arg(value_name = "FILE")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let (positional, gpg) = match args.sign {
        true => args.arguments.split_at(args.arguments.len().min(1)),
        false => (&args.arguments[..], &[][..]),
    };
    let [file] = exactly(positional)?;
    let mut compressions = COMPRESSIONS.into_iter();
    let compression = compressions.find(|known| known.name() == args.compression);
    let compression = compression
        .ok_or_else(|| Failure::usage(format!("no such compression {:?}", args.compression)))?;
    let options = WriteOptions {
        overwrite: args.overwrite,
        epoch: invocation.epoch()?,
        exact_times: args.rewrite_timestamps,
        compression,
        threads: available_threads(),
    };
    invocation.explain(&args.arguments);
    let sign = args.sign.then_some(gpg);
    let build = invocation.open_files()?;
    let (exec_missing, id) = if build.is_oci() {
        if args.sign {
            return Err(Failure::usage("--sign signs App Container images").into());
        }
        let file = text(file)?;
        let (target, tag) = target(file);
        let written = build.write_oci(target, tag, args.squash, &options)?;
        (written.exec_missing, written.digest.to_string())
    } else {
        if args.squash {
            return Err(Failure::usage("squash is only supported in OCI builds").into());
        }
        let written = build.write(Path::new(file), &options, sign)?;
        (written.exec_missing, written.id.to_string())
    };
    if exec_missing {
        note(invocation.ctx.err, "warning: exec command was never set.");
    }
    Ok(say(invocation.ctx.out, id)?)
}

/// Where an OCI image goes: `oci:DIR[:TAG]` and what ends in a slash is a layout directory, `oci-archive:FILE[:TAG]`
/// and everything else an archive.
fn target(text: &str) -> (OciTarget<'_>, Option<&str>) {
    let tagged = |text| match str::split_once(text, ':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (text, None),
    };
    if let Some(layout) = text.strip_prefix("oci:") {
        let (path, tag) = tagged(layout);
        return (OciTarget::Layout(Path::new(path)), tag);
    }
    if let Some(archive) = text.strip_prefix("oci-archive:") {
        let (path, tag) = tagged(archive);
        return (OciTarget::Archive(Path::new(path)), tag);
    }
    match text.ends_with('/') {
        true => (OciTarget::Layout(Path::new(text)), None),
        false => (OciTarget::Archive(Path::new(text)), None),
    }
}
