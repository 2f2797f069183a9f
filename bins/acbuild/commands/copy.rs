//! `copy` and `copy-to-dir`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_cli::Failure;

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild copy FROM TO")]
pub(crate) struct Args {
    /// A file or directory, and what it becomes in the image
    #[arg(value_names = ["FROM", "TO"], num_args = 0..)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [from, to] = exactly(&args.arguments)?;
    if to.as_bytes().ends_with(b"/") {
        return Err(Failure::usage(format!("target {to:?} ends in a slash"))
            .with_hint("copy-to-dir copies into a directory; copy needs the full target")
            .into());
    }
    invocation.explain(&args.arguments);
    let history = invocation.history(&args.arguments);
    invocation.change_files(|build| build.copy(Path::new(from), Path::new(to), history.as_deref()))
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild copy-to-dir FROM... DIR")]
pub(crate) struct ToDirArgs {
    /// Files and directories, and the directory in the image they are copied into
    #[arg(value_names = ["FROM", "DIR"], num_args = 0..)]
    arguments: Vec<OsString>,
}

pub(crate) fn run_to_dir(
    args: &ToDirArgs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<(), Ending> {
    let (dir, sources) = args.arguments.split_last().ok_or(Ending::Usage)?;
    if sources.is_empty() {
        return Err(Ending::WrongCount);
    }
    invocation.explain(&args.arguments);
    let history = invocation.history(&args.arguments);
    let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
    invocation.change_files(|build| build.copy_to_dir(&sources, Path::new(dir), history.as_deref()))
}
