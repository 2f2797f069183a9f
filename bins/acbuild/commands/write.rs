//! `write`.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, available_threads, note, say};
use gantry_ops::build::{Compression, WriteOptions};
use gantry_ops::epoch::{SOURCE_DATE_EPOCH, SourceDateEpoch};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

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
    /// Sign the image with gpg: FILE.asc. What stands after -- goes to gpg
    #[arg(long)]
    sign: bool,
    /// The image file to write, such as `app.aci`
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
    let epoch = SourceDateEpoch::from_variable(std::env::var_os(SOURCE_DATE_EPOCH).as_deref());
    let options = WriteOptions {
        overwrite: args.overwrite,
        epoch: epoch.map_err(|error| Failure::usage(error.to_string()))?,
        exact_times: args.rewrite_timestamps,
        compression,
        threads: available_threads(),
    };
    invocation.explain(&args.arguments);
    let sign = args.sign.then_some(gpg);
    let written = invocation
        .open_files()?
        .write(Path::new(file), &options, sign)?;
    if written.exec_missing {
        note(invocation.ctx.err, "warning: exec command was never set.");
    }
    Ok(say(invocation.ctx.out, written.id)?)
}
