//! `write`.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, available_threads, note, say};
use gantry_ops::build::WriteOptions;
use gantry_ops::epoch::{SOURCE_DATE_EPOCH, SourceDateEpoch};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild write [--overwrite] FILE")]
pub(crate) struct Args {
    /// Replace FILE if it exists
    #[arg(long)]
    overwrite: bool,
    #[arg(long, hide = true)]
    sign: bool,
    /// The image file to write, such as `app.aci`
    #[arg(value_name = "FILE")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    if args.sign {
        return Err(
            Failure::usage("the sign flag has been removed, please invoke gpg directly")
                .with_hint("gpg --armor --detach-sign FILE makes FILE.asc")
                .into(),
        );
    }
    let [file] = exactly(&args.arguments)?;
    let epoch = SourceDateEpoch::from_variable(std::env::var_os(SOURCE_DATE_EPOCH).as_deref());
    let options = WriteOptions {
        overwrite: args.overwrite,
        epoch: epoch.map_err(|error| Failure::usage(error.to_string()))?,
        threads: available_threads(),
    };
    invocation.explain(&args.arguments);
    let written = invocation.open_files()?.write(Path::new(file), &options)?;
    if written.exec_missing {
        note(invocation.ctx.err, "warning: exec command was never set.");
    }
    Ok(say(invocation.ctx.out, written.id)?)
}
