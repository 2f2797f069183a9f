//! `dependency add` and `dependency remove`.

use std::ffi::OsString;

use gantry_cli::Failure;
use gantry_ops::build::{appc_only, edit};
use gantry_types::{AcIdentifier, Dependency, Hash, ImageName, Labels};

use crate::ending::Ending;
use crate::invocation::{Invocation, parsed, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Add a dependency
    Add(AddArgs),
    /// Remove a dependency
    #[command(
        override_usage = "acbuild dependency remove NAME",
        visible_alias = "rm"
    )]
    Remove {
        /// Name of the image
        #[arg(value_name = "NAME")]
        arguments: Vec<OsString>,
    },
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild dependency add [OPTIONS] NAME[:VERSION][,LABEL=VALUE]...")]
pub(crate) struct AddArgs {
    /// ID the image must have, such as `sha512-...`
    #[arg(long, value_name = "ID")]
    image_id: Option<String>,
    /// Label the image must have; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Size of the image file, in bytes
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 0,
        hide_default_value = true
    )]
    size: u64,
    /// Name of the image, with labels it must have
    #[arg(value_name = "NAME")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    match command {
        Command::Add(args) => {
            let [name] = texts(&args.arguments)?;
            let dependency = parse(args, name)?;
            invocation.edit(
                &args.arguments,
                |manifest| {
                    edit::set_dependency(manifest, dependency);
                    Ok(())
                },
                |_| appc_only("dependencies"),
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_dependency(manifest, name),
                |_| appc_only("dependencies"),
            )
        }
    }
}

fn parse(args: &AddArgs, name: &str) -> Result<Dependency, Ending> {
    let ImageName { name, mut labels } = name.parse().map_err(|error| {
        Failure::usage(format!("couldn't parse dependency name {name:?}: {error}"))
    })?;
    for label in &args.label {
        add_label(&mut labels, label)?;
    }
    let image_id = args.image_id.as_deref().map(str::parse::<Hash>).transpose();
    Ok(Dependency {
        image_name: name,
        image_id: image_id
            .map_err(|error| Failure::usage(format!("couldn't parse image ID: {error}")))?,
        labels: labels.sorted(),
        size: args.size,
    })
}

fn add_label(labels: &mut Labels, label: &str) -> Result<(), Ending> {
    let (name, value) = label
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("no '=' character in {label:?}")))?;
    let name: AcIdentifier = parsed(name)?;
    if labels.get(name.as_str()).is_some() {
        return Err(Failure::usage(format!("multiple {name} labels specified")).into());
    }
    Ok(labels.set(name, value)?)
}
