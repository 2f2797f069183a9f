//! `set-event-handler pre-start` and `set-event-handler post-stop`.

use std::ffi::OsString;

use gantry_ops::build::{appc_only, edit};
use gantry_types::Event;

use super::set::command_line;
use crate::ending::Ending;
use crate::invocation::Invocation;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Set the command that is run before the app
    #[command(override_usage = "acbuild set-event-handler pre-start -- COMMAND [ARGUMENT]...")]
    PreStart {
        /// The command and its arguments
        #[arg(value_name = "COMMAND")]
        arguments: Vec<OsString>,
    },
    /// Set the command that is run after the app
    #[command(override_usage = "acbuild set-event-handler post-stop -- COMMAND [ARGUMENT]...")]
    PostStop {
        /// The command and its arguments
        #[arg(value_name = "COMMAND")]
        arguments: Vec<OsString>,
    },
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let (event, arguments) = match command {
        Command::PreStart { arguments } => (Event::PreStart, arguments),
        Command::PostStop { arguments } => (Event::PostStop, arguments),
    };
    let exec = command_line(arguments)?;
    invocation.edit(
        arguments,
        |manifest| {
            edit::set_event_handler(manifest, event, exec);
            Ok(())
        },
        |_| appc_only("event handlers"),
    )
}
