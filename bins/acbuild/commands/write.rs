//! `write`.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, note, say};
use gantry_ops::build::{SourceDateEpoch, WriteOptions};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

/// Variable that fixes every time in the image. Source: reproducible-builds.org/specs.
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

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
    let options = WriteOptions {
        overwrite: args.overwrite,
        epoch: epoch()?,
    };
    invocation.explain(&args.arguments);
    let written = invocation.open()?.write(Path::new(file), &options)?;
    if written.exec_missing {
        note(invocation.ctx.err, "warning: exec command was never set.");
    }
    Ok(say(invocation.ctx.out, written.id)?)
}

fn epoch() -> Result<Option<SourceDateEpoch>, Failure> {
    let Some(value) = std::env::var_os(SOURCE_DATE_EPOCH) else {
        return Ok(None);
    };
    let epoch = value.to_str().and_then(|value| value.parse().ok());
    match epoch {
        Some(epoch) => Ok(Some(epoch)),
        None => Err(Failure::usage(format!(
            "{SOURCE_DATE_EPOCH} is {value:?}, which is not a number of seconds"
        ))),
    }
}
