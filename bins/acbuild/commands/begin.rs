//! `begin`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gantry_cli::{Failure, available_threads, note};
use gantry_ops::build::{Build, Start};

use super::unsupported::not_yet;
use crate::ending::Ending;
use crate::invocation::Invocation;

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild begin [OPTIONS] [START]")]
pub(crate) struct Args {
    /// What is built: `appc` or `oci`
    #[arg(long, value_name = "MODE", default_value = "appc")]
    build_mode: String,
    /// Fetch START without https and its certificates
    #[arg(long)]
    insecure: bool,
    /// An image or a directory, beginning with `/` or `.`
    #[arg(value_name = "START")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let start = match &*args.arguments {
        [] => Start::Nothing,
        [start] => parse(start)?,
        _ => return Err(Ending::WrongCount),
    };
    match &*args.build_mode {
        "appc" => {}
        "oci" => return Err(not_yet("build mode oci").into()),
        other => return Err(Failure::usage(format!("invalid build mode: {other}")).into()),
    }
    invocation.explain(&args.arguments);
    let build = Build::begin_on(invocation.work_path(), &start, available_threads())?;
    if let Some(missing) = build.lacking() {
        note(
            invocation.ctx.err,
            format_args!(
                "{missing} is missing, assuming build is beginning with a tar of a rootfs"
            ),
        );
    }
    Ok(())
}

/// A local file has to begin with `/` or `.`; everything else is a name to be looked up.
fn parse(start: &OsStr) -> Result<Start, Failure> {
    match start.as_bytes() {
        [b'/' | b'.', ..] => Ok(Start::Local(PathBuf::from(start))),
        _ => Err(not_yet("beginning with an image by name")
            .with_hint("local file paths must start with '/' or '.'")),
    }
}
