//! Files made of the parsers: manual pages and completions, written on a hidden request.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use clap::Command;

use crate::completion::{FlagStyle, write_completions};

/// What a tool can be asked to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// `TOOL.1`, and a page for each of its commands.
    ManPages,
    /// A folder for each shell with the completion of the tool.
    Completions,
}

impl Generated {
    /// What two arguments ask for, the second of which is a folder.
    fn asked_for(flag: &OsStr) -> Option<Self> {
        match flag.to_str()? {
            "--write-man-pages" => Some(Self::ManPages),
            "--write-completions" => Some(Self::Completions),
            _ => None,
        }
    }
}

/// Writes files of the parser if that is what the arguments after the tool's name ask for.
///
/// `parser` gives the parser for what is to be written. `None` if something else is asked for.
pub fn write_generated<S: AsRef<OsStr>>(
    arguments: &[S],
    style: FlagStyle,
    parser: impl FnOnce(Generated) -> Command,
) -> Option<io::Result<()>> {
    let [flag, folder] = arguments else {
        return None;
    };
    let generated = Generated::asked_for(flag.as_ref())?;
    let folder = Path::new(folder.as_ref());
    let command = parser(generated);
    Some(match generated {
        // Without the help command, which would have pages of pages.
        Generated::ManPages => {
            clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
        }
        Generated::Completions => write_completions(&command, style, folder),
    })
}
