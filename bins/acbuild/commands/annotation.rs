//! `annotation add` and `annotation remove`.

use std::ffi::OsString;

use gantry_ops::build::edit;

use crate::ending::Ending;
use crate::invocation::{Invocation, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Set an annotation
    #[command(override_usage = "acbuild annotation add NAME VALUE")]
    Add {
        /// Name and value, such as `authors "Jo Doe"`
        #[arg(value_names = ["NAME", "VALUE"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove an annotation
    #[command(
        override_usage = "acbuild annotation remove NAME",
        visible_alias = "rm"
    )]
    Remove {
        /// Name of the annotation
        #[arg(value_name = "NAME")]
        arguments: Vec<OsString>,
    },
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    match command {
        Command::Add { arguments } => {
            let [name, value] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::set_annotation(manifest, edit::identifier(name)?, value),
                |image| {
                    image.set_annotation(name, value);
                    Ok(())
                },
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_annotation(manifest, name),
                |image| image.remove_annotation(name),
            )
        }
    }
}
