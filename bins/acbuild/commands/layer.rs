//! `layer`.

use gantry_cli::{Failure, available_threads};
use gantry_ops::build::{Compression, WriteOptions};

use crate::cli::NoArgs;
use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};

pub(crate) fn run(args: &NoArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    exactly::<0>(&args.arguments)?;
    invocation.explain(&args.arguments);
    let only = "adding layers is currently only supported in OCI builds";
    // An image that is changed without a build is none, either.
    if invocation.globals.modify_appc.is_some() || !invocation.open()?.is_oci() {
        return Err(Failure::usage(only).into());
    }
    let options = WriteOptions {
        overwrite: false,
        epoch: invocation.epoch()?,
        exact_times: false,
        compression: Compression::Gzip,
        threads: available_threads(),
    };
    let history = invocation.history(&args.arguments);
    let build = invocation.open_files()?;
    Ok(build.finish_layer(history.as_deref(), &options)?)
}
