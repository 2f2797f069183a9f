//! `actool inspect`.

mod json;
mod manifest;
mod text;

use std::path::PathBuf;
use std::time::SystemTime;

use gantry_cli::{Context, Failure, say};
use gantry_ops::Keystore;
use gantry_ops::inspect::{InspectOptions, inspect};

use super::diff::Format;
use super::path_text;

/// Show what an image is, holds and needs
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Show a picture of an image file or image layout: size, image ID, manifest, files, special files, \
        dependencies, signature.",
    after_long_help = "Dependencies are followed as far as their image files are given with --dependency.\n\n\
        The signature is that in IMAGE.asc, unless --signature names another. It is checked with the keys that \
        are given with --key, or that this machine trusts for the image's name; otherwise it says that it is \
        not verified. A good signature is no promise that the image does no harm.\n\n\
        Of a damaged image everything is shown that can be read, and what is wrong with it; the status is 1 then.",
    override_usage = "actool inspect [--format=text|json] [--depth=N] [--top=N] [--dependency=FILE]... \
        [--signature=FILE] [--key=FILE]... [--system-config=DIR] [--local-config=DIR] IMAGE"
)]
pub(crate) struct InspectArgs {
    /// Form of the output: text or json
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Show sizes of directories down to this level
    #[arg(long, default_value_t = 2, value_name = "N")]
    depth: usize,
    /// Show so many of the largest files
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// An image file that may be a dependency, again and again
    #[arg(long, value_name = "FILE")]
    dependency: Vec<PathBuf>,
    /// The signature, in place of IMAGE.asc
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A public key to check the signature with, again and again
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Directory of the system's configuration with its trusted keys
    #[arg(long, default_value = "/usr/lib/rkt", value_name = "DIR")]
    system_config: PathBuf,
    /// Directory of the machine's own configuration with its trusted keys
    #[arg(long, default_value = "/etc/rkt", value_name = "DIR")]
    local_config: PathBuf,
    /// The image or image layout
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

impl InspectArgs {
    /// Prints the picture; fails afterwards if something is wrong with the image.
    pub(crate) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let [image] = &*self.images else {
            return Err(Failure::environment("Must provide one image"));
        };
        let keystore = Keystore::new(Some(self.system_config), self.local_config);
        let options = InspectOptions {
            depth: self.depth,
            top: self.top,
            dependencies: self.dependency,
            signature: self.signature,
            keys: self.key,
            keystore: &keystore,
            now: SystemTime::now(),
        };
        let inspection = inspect(image, &options)?;
        match self.format {
            Format::Text => text::print(&inspection, image, context.out)?,
            Format::Json => say(context.out, json::document(&inspection, image))?,
        }
        match inspection.problems.len() {
            0 => Ok(()),
            1 => Err(Failure::environment(format!(
                "{}: a problem was found",
                path_text(image)
            ))),
            count => Err(Failure::environment(format!(
                "{}: {count} problems were found",
                path_text(image)
            ))),
        }
    }
}
