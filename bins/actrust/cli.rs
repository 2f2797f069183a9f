//! The command line of actrust.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use gantry_cli::Failure;
use gantry_ops::trust::{self, ScopeError};
use gantry_ops::{DataDirRequest, Keystore, Scope};

use crate::commands::{
    add, check, disable, enable, explain, export, import, list, remove, show, verify, verify_image,
};

/// Look after the keys that say which images may be used
///
/// Keys lie where rkt has them, in `trustedkeys` beneath the configuration directories. Nothing here opens
/// a connection. Exit status: 0 done, 1 the machine is at fault, 2 the command line is, 3 refused.
#[derive(Parser, Debug)]
#[command(
    name = "actrust",
    version,
    infer_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags of every command; they are those of rkt.
#[derive(Args, Debug)]
pub(crate) struct Globals {
    /// Show every level of an error
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Data directory; for a user without root the default is $XDG_DATA_HOME/rkt
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Directory of the vendor's configuration and keys
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "/usr/lib/rkt"
    )]
    system_config: PathBuf,
    /// Directory of this host's configuration and keys
    #[arg(long, global = true, value_name = "DIR", default_value = "/etc/rkt")]
    local_config: PathBuf,
    /// Directory of the user's configuration and keys, used only when given
    #[arg(long, global = true, value_name = "DIR")]
    user_config: Option<PathBuf>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Add(add::AddArgs),
    Check(check::CheckArgs),
    Disable(disable::DisableArgs),
    Enable(enable::EnableArgs),
    Explain(explain::ExplainArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    List(list::ListArgs),
    Remove(remove::RemoveArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    VerifyImage(verify_image::VerifyImageArgs),
}

impl Globals {
    /// The keystore of the configuration directories.
    pub(crate) fn keystore(&self) -> Keystore {
        Keystore::new(Some(self.system_config.clone()), self.local_config.clone())
            .with_user(self.user_config.clone())
    }

    /// Where the store is.
    ///
    /// # Errors
    ///
    /// A configuration that is wrong, or no place for data.
    pub(crate) fn data_dir(&self) -> Result<PathBuf, Failure> {
        let configuration: Vec<&Path> = [&self.system_config, &self.local_config]
            .into_iter()
            .chain(&self.user_config)
            .map(PathBuf::as_path)
            .collect();
        Ok(gantry_ops::data_dir(&DataDirRequest {
            given: self.dir.as_deref(),
            configuration: &configuration,
            user_config: self.user_config.as_deref(),
            is_root: rustix::process::geteuid().is_root(),
            xdg_data_home: std::env::var_os("XDG_DATA_HOME"),
            home: std::env::var_os("HOME"),
        })?)
    }

    /// The keystore for a command that changes it.
    ///
    /// # Errors
    ///
    /// When the user's directory is to be changed and none is given.
    pub(crate) fn keystore_to_change(&self, target: &Target) -> Result<Keystore, Failure> {
        match target.user {
            false => Ok(self.keystore()),
            true => self.keystore().writing_to_user().ok_or_else(|| {
                Failure::usage("--user needs the user's directory")
                    .with_hint("give it with --user-config")
            }),
        }
    }
}

/// Which directory is changed.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Change the directory of --user-config, not that of --local-config
    #[arg(long)]
    user: bool,
}

/// What a key may sign, where it has to be said.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// Names that the key may sign: this one and those beneath it
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// The key may sign every image
    #[arg(long)]
    root: bool,
}

impl ScopeArgs {
    /// The scope; one has to be given.
    ///
    /// # Errors
    ///
    /// None or both are given, or the prefix is no name.
    pub(crate) fn required(&self) -> Result<Scope, ScopeError> {
        trust::scope(self.prefix.as_deref(), self.root, true)
    }

    /// The scope, if one is given.
    ///
    /// # Errors
    ///
    /// Both are given, or the prefix is no name.
    pub(crate) fn given(&self) -> Result<Option<Scope>, ScopeError> {
        match (&self.prefix, self.root) {
            (None, false) => Ok(None),
            _ => self.required().map(Some),
        }
    }
}

/// The parser.
pub(crate) fn parser() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parser_is_consistent() {
        super::parser().debug_assert();
    }
}
