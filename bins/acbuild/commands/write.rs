//! `write`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

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
    let file = target(Path::new(file), args.overwrite)?;
    let written = invocation.open()?.write(&file, &options)?;
    if written.exec_missing {
        note(invocation.ctx.err, "warning: exec command was never set.");
    }
    Ok(say(invocation.ctx.out, written.id)?)
}

/// The file that the image takes the place of.
///
/// Writing ends in a rename, which would put the image in the place of whatever has the name: for root
/// also of `/dev/null`, or of the link `/dev/stdout`. So links lead to their file, and all else is refused.
fn target(file: &Path, overwrite: bool) -> Result<PathBuf, Failure> {
    let Ok(found) = std::fs::metadata(file) else {
        return Ok(file.to_owned());
    };
    if !overwrite || found.is_dir() {
        return Ok(file.to_owned());
    }
    let resolved = std::fs::canonicalize(file).ok();
    resolved
        .filter(|_| found.is_file())
        .ok_or_else(|| Failure::usage(format!("{} is not a regular file", file.display())))
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
