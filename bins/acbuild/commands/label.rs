//! `label add` and `label remove`.

use std::ffi::OsString;

use gantry_ops::build::edit;

use crate::ending::Ending;
use crate::invocation::{Invocation, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Set a label
    #[command(override_usage = "acbuild label add NAME VALUE")]
    Add {
        /// Name and value, such as `version 1.0.0`
        #[arg(value_names = ["NAME", "VALUE"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove a label
    #[command(override_usage = "acbuild label remove NAME", visible_alias = "rm")]
    Remove {
        /// Name of the label
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
                |manifest| edit::set_label(manifest, edit::identifier(name)?, value),
                |image| {
                    image.set_label(name, value);
                    Ok(())
                },
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_label(manifest, name),
                |image| image.remove_label(name),
            )
        }
    }
}
