//! `cat-manifest`.

use std::ffi::OsString;

use gantry_cli::Failure;
use gantry_ops::build::Build;

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
    if !matches!(&*args.file, "manifest" | "config") {
        return Err(Failure::usage(format!("don't know how to print a {:?}", args.file)).into());
    }
    let of_config = args.file == "config";
    let no_config = || Failure::usage("can't print config, appc has no image configs");
    let document = |build: &Build| {
        let image = build.oci_image()?;
        Ok(match of_config {
            true => image.config.to_json(),
            false => image.manifest.to_json(),
        })
    };
    if invocation.globals.modify_oci.is_some() {
        let json = invocation.with_oci_file(|file| document(file.build()))?;
        return print(json, args.pretty_print, invocation);
    }
    let manifest = match invocation.image()? {
        Some(_) if of_config => return Err(no_config().into()),
        Some(image) => image.manifest()?,
        None => {
            let build = invocation.open()?;
            if build.is_oci() {
                return print(document(&build)?, args.pretty_print, invocation);
            }
            if of_config {
                return Err(no_config().into());
            }
            build.manifest()?
        }
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

/// Prints a document of an OCI image.
fn print(json: Vec<u8>, pretty: bool, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let mut text = json;
    if pretty {
        let wrong = |error| Failure::environment(format!("cannot print: {error}"));
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(wrong)?;
        text.clear();
        let step = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut out = serde_json::Serializer::with_formatter(&mut text, step);
        serde::Serialize::serialize(&value, &mut out).map_err(wrong)?;
    }
    text.push(b'\n');
    Ok(invocation
        .ctx
        .out
        .write_all(&text)
        .map_err(Failure::Output)?)
}
