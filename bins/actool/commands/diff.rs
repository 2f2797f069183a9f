//! `actool diff`.

mod json;
mod text;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use gantry_cli::{Context, Failure, report, say};
use gantry_ops::diff::{Attribute, DiffOptions, Differences, Scope, diff};

/// Exit status where there are differences.
const DIFFER: u8 = 1;
/// Exit status where the images could not be compared, as diff(1) has it.
const TROUBLE: u8 = 2;

/// Show what differs between two images
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Compare the manifests and files of two images, each an image file or an image layout.",
    after_long_help = "Files differ by type, mode, owner, size, content, target, device, hardlinks, xattrs and \
        mtime; --ignore takes any of these but the type, separated by commas. Compression and holes in \
        files are no differences. The last line says whether the images have the same ID, and why not.\n\n\
        The status is 0 if nothing differs, 1 if something does, and 2 if the images cannot be compared.",
    override_usage = "actool diff [--format=text|json] [--ignore=ATTRIBUTE,...] [--order] [--manifest-only] \
        [--files-only] [--quiet] A B"
)]
pub(crate) struct DiffArgs {
    /// Form of the output: text or json
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// What files may differ in: mode, owner, size, content, target, device, hardlinks, xattrs, mtime
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE,...")]
    ignore: Vec<Attribute>,
    /// Take another order of the entries for a difference
    #[arg(long)]
    order: bool,
    /// Compare the manifests alone
    #[arg(long)]
    manifest_only: bool,
    /// Compare the files alone
    #[arg(long)]
    files_only: bool,
    /// Print nothing, the exit status says it all
    #[arg(long, short)]
    quiet: bool,
    /// Two images or image layouts
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// The form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl DiffArgs {
    /// Prints what differs. Every failure has the status 2, so that no script takes it for a difference.
    pub(crate) fn run(self, debug: bool, context: &mut Context<'_>) -> Result<(), Failure> {
        match self.print(context) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Status(DIFFER)),
            Err(failure) => {
                report("diff", &failure, debug, context.err);
                Err(Failure::Status(TROUBLE))
            }
        }
    }

    fn print(self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let [old, new] = &*self.images else {
            return Err(Failure::usage("Must provide two images"));
        };
        let scope = match (self.manifest_only, self.files_only) {
            (false, false) => Scope::All,
            (true, false) => Scope::Manifest,
            (false, true) => Scope::Files,
            (true, true) => {
                return Err(Failure::usage(
                    "Cannot use both --manifest-only and --files-only",
                ));
            }
        };
        let options = DiffOptions {
            scope,
            ignore: self.ignore.into_iter().collect(),
            order: self.order,
        };
        let differences = diff(old, new, &options)?;
        let paths: [&Path; 2] = [old, new];
        match self.format {
            _ if self.quiet => {}
            Format::Text => text::print(&differences, paths, context.out)?,
            Format::Json => say(context.out, json::document(&differences, paths))?,
        }
        // Cut output must not be taken for few differences.
        context.out.flush().map_err(Failure::Output)?;
        Ok(differences.is_empty())
    }
}

/// A path beneath the root as people write it.
fn shown(path: &[u8]) -> Vec<u8> {
    [b"/", path].concat()
}

/// Whether the two have the same ID; `None` where one has none.
fn same_id(differences: &Differences) -> Option<bool> {
    let [old, new] = &differences.sides;
    Some(old.image_id? == new.image_id?)
}
