//! `mount add` and `mount remove`.

use std::ffi::OsString;

use gantry_ops::build::edit;
use gantry_types::MountPoint;

use crate::ending::Ending;
use crate::invocation::{Invocation, parsed, texts};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Add a mount point
    #[command(override_usage = "acbuild mount add [--read-only] NAME PATH")]
    Add {
        /// The app only reads what is mounted there
        #[arg(long)]
        read_only: bool,
        /// Name of the mount point, and where in the image it is
        #[arg(value_names = ["NAME", "PATH"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove a mount point
    #[command(
        override_usage = "acbuild mount remove NAME|PATH",
        visible_alias = "rm"
    )]
    Remove {
        /// Name of the mount point, or where it is
        #[arg(value_name = "NAME|PATH")]
        arguments: Vec<OsString>,
    },
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    match command {
        Command::Add {
            read_only,
            arguments,
        } => {
            let [name, path] = texts(arguments)?;
            let mount = MountPoint {
                name: parsed(name)?,
                path: path.to_owned(),
                read_only: *read_only,
            };
            invocation.edit(
                arguments,
                |manifest| {
                    edit::set_mount_point(manifest, mount);
                    Ok(())
                },
                |image| image.add_mount(name, path, *read_only),
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            invocation.edit(
                arguments,
                |manifest| edit::remove_mount_point(manifest, name),
                |image| image.remove_mount(name),
            )
        }
    }
}
