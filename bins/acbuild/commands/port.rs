//! `port add` and `port remove`.

use std::ffi::OsString;

use gantry_cli::Failure;
use gantry_ops::build::edit;
use gantry_types::Port;

use crate::ending::Ending;
use crate::invocation::{Invocation, parsed, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Add a port
    #[command(
        override_usage = "acbuild port add [--count N] [--socket-activated] NAME PROTOCOL PORT"
    )]
    Add {
        /// How many ports there are, from PORT on
        #[arg(long, value_name = "N", default_value_t = 1)]
        count: u16,
        /// The app gets the listening socket when it is started
        #[arg(long)]
        socket_activated: bool,
        /// Name, protocol and number, such as `http tcp 8080`
        #[arg(value_names = ["NAME", "PROTOCOL", "PORT"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove a port
    #[command(override_usage = "acbuild port remove NAME|PORT", visible_alias = "rm")]
    Remove {
        /// Name of the port, or its number
        #[arg(value_name = "NAME|PORT")]
        arguments: Vec<OsString>,
    },
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    match command {
        Command::Add {
            count,
            socket_activated,
            arguments,
        } => {
            let [name, protocol, number] = texts(arguments)?;
            let port = Port {
                name: parsed(name)?,
                protocol: protocol.to_owned(),
                port: number.parse().map_err(|_| {
                    Failure::usage("port must be a positive number between 0 and 65535")
                })?,
                count: *count,
                socket_activated: *socket_activated,
            };
            let numbers = (port.port, port.count);
            invocation.edit(
                arguments,
                |manifest| {
                    edit::set_port(manifest, port);
                    Ok(())
                },
                |image| image.add_port(name, protocol, numbers, *socket_activated),
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_port(manifest, name),
                |image| image.remove_port(name),
            )
        }
    }
}
