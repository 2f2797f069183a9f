//! `cat-manifest`.

use std::ffi::OsString;

use gantry_cli::Failure;

use crate::ending::Ending;
use crate::invocation::Invocation;

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild cat-manifest [--pretty-print]")]
pub(crate) struct Args {
    /// Print it over several lines, indented
    #[arg(long)]
    pretty_print: bool,
    /// What to print: `manifest`, or `config` of an OCI image
    #[arg(long, value_name = "WHAT", default_value = "manifest")]
    file: String,
    #[arg(hide = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    if !args.arguments.is_empty() {
        return Err(Ending::Usage);
    }
    match &*args.file {
        "manifest" => {}
        "config" => {
            return Err(Failure::usage("can't print config, appc has no image configs").into());
        }
        other => return Err(Failure::usage(format!("don't know how to print a {other:?}")).into()),
    }
    let manifest = match invocation.image()? {
        Some(image) => image.manifest()?,
        None => invocation.open()?.manifest()?,
    };
    let mut json = if args.pretty_print {
        manifest.to_json_pretty("    ")
    } else {
        manifest.to_json()
    };
    json.push(b'\n');
    Ok(invocation
        .ctx
        .out
        .write_all(&json)
        .map_err(Failure::Output)?)
}
