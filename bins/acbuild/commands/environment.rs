//! `environment add` and `environment remove`.

use std::ffi::OsString;

use gantry_ops::build::edit;

use crate::ending::Ending;
use crate::invocation::{Invocation, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Set an environment variable
    #[command(override_usage = "acbuild environment add NAME VALUE")]
    Add {
        /// Name and value, such as `LANG C.UTF-8`
        #[arg(value_names = ["NAME", "VALUE"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove an environment variable
    #[command(
        override_usage = "acbuild environment remove NAME",
        visible_alias = "rm"
    )]
    Remove {
        /// Name of the variable
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
                |manifest| edit::set_variable(manifest, name, value),
                |image| image.set_variable(name, value),
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_variable(manifest, name),
                |image| image.remove_variable(name),
            )
        }
    }
}
