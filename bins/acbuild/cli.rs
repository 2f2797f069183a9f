//! The command line of acbuild.
//!
//! Positional arguments are taken as they come and counted by the commands: a wrong number of them
//! ends with another status than a command line that cannot be understood.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;
use gantry_cli::with_go_booleans;

use crate::commands::{
    annotation, begin, cat_manifest, copy, dependency, environment, event_handler, isolator, label,
    mount, port, run, script, set, write,
};

/// Build container images step by step
///
/// `begin` starts a build in the working directory, the other commands change it, `write` makes an
/// image file of it and `end` removes it.
#[derive(clap::Parser, Debug)]
#[command(name = "acbuild", infer_subcommands = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that may stand anywhere.
#[derive(clap::Args, Debug)]
pub(crate) struct Globals {
    /// Say on standard error what is done
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Directory that holds the build in progress
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub(crate) work_path: PathBuf,
    /// Change this ACI instead of the build in progress
    #[arg(long, global = true, value_name = "FILE", alias = "modify")]
    pub(crate) modify_appc: Option<PathBuf>,
    /// Change this OCI image instead of the build in progress
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) modify_oci: Option<PathBuf>,
    /// Do not record the command in the image
    #[arg(long, global = true)]
    pub(crate) no_history: bool,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Manage annotations
    #[command(subcommand)]
    Annotation(annotation::Command),
    /// Start a new build
    Begin(begin::Args),
    /// Print the manifest
    CatManifest(cat_manifest::Args),
    /// Copy a file or directory into the image
    Copy(copy::Args),
    /// Copy files and directories into a directory of the image
    CopyToDir(copy::ToDirArgs),
    /// Manage dependencies
    #[command(subcommand)]
    Dependency(dependency::Command),
    /// End the build in progress
    End(NoArgs),
    /// Manage environment variables
    #[command(subcommand)]
    Environment(environment::Command),
    /// Manage isolators
    #[command(subcommand)]
    Isolator(isolator::Command),
    /// Manage labels
    #[command(subcommand)]
    Label(label::Command),
    /// Add a layer to an OCI image
    Layer(NoArgs),
    /// Manage mount points
    #[command(subcommand, visible_alias = "volume")]
    Mount(mount::Command),
    /// Manage ports
    #[command(subcommand)]
    Port(port::Command),
    /// Replace the manifest
    ReplaceManifest(set::ReplaceManifestArgs),
    Run(run::Args),
    Script(script::Args),
    /// Set a command that is run before or after the app
    #[command(subcommand, visible_alias = "set-eh")]
    SetEventHandler(event_handler::Command),
    /// Set the command that is the app
    SetExec(set::ExecArgs),
    /// Set the group the app runs as
    SetGroup(set::GroupArgs),
    /// Set the name of the image
    SetName(set::NameArgs),
    /// Set the supplementary groups the app runs with
    SetSuppGroups(set::SuppGroupsArgs),
    /// Set the version of the image
    SetTag(set::TagArgs),
    /// Set the user the app runs as
    SetUser(set::UserArgs),
    /// Set the directory the app runs in
    #[command(visible_alias = "set-wd")]
    SetWorkingDirectory(set::WorkingDirectoryArgs),
    /// Print the versions of this tool and of the App Container specification
    Version(NoArgs),
    /// Write the image to a file
    Write(write::Args),
}

/// A command without arguments of its own.
#[derive(clap::Args, Debug)]
pub(crate) struct NoArgs {
    #[arg(hide = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// The parser, with boolean flags as Go has them: `--debug` and also `--debug=true`, `--debug=false`.
pub(crate) fn parser() -> clap::Command {
    with_go_booleans(Cli::command())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parser_is_consistent() {
        super::parser().debug_assert();
    }
}
