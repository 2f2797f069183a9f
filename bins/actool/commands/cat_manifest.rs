//! `actool cat-manifest`.

use std::path::PathBuf;

use gantry_cli::{Context, Failure};
use gantry_ops::validate::{AciError, image_manifest};
use gantry_types::ImageManifest;

/// Print the manifest from an ACI
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Print the manifest from an ACI.",
    override_usage = "actool cat-manifest  [--pretty-print] ACI_FILE"
)]
pub(crate) struct CatManifestArgs {
    /// Print with better style
    ///
    /// Over several lines, each level indented by four blanks. Without it the manifest is printed as it is
    /// stored.
    #[arg(long)]
    pretty_print: bool,
    /// The image file
    #[arg(value_name = "ACI_FILE")]
    files: Vec<PathBuf>,
}

impl CatManifestArgs {
    /// Prints the manifest as it is stored, and only then complains if it is not valid.
    pub(crate) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let [file] = &*self.files else {
            return Err(Failure::environment("Must provide one file"));
        };
        let path = file.display();
        let file = gantry_ops::open_input(file)
            .map_err(|error| Failure::environment(format!("Cannot open {path}: {error}")))?;
        let stored = match image_manifest(file) {
            Ok(stored) => stored,
            // Not a failure: scripts ask images of every kind.
            Err(AciError::ManifestMissing) => return Ok(()),
            Err(error @ AciError::Decode(_)) => {
                return Err(Failure::environment(format!(
                    "Cannot extract {path}: {}",
                    Failure::from(error)
                )));
            }
            Err(error) => {
                return Err(Failure::environment(format!(
                    "Unable to read {path}: {}",
                    Failure::from(error)
                )));
            }
        };
        let manifest = ImageManifest::from_json(&stored);
        let text = match &manifest {
            Ok(manifest) if self.pretty_print => Some(manifest.to_json_pretty("    ")),
            Err(_) if self.pretty_print => None,
            _ => Some(stored),
        };
        if let Some(text) = text {
            let out = &mut context.out;
            out.write_all(&text).map_err(Failure::Output)?;
            out.write_all(b"\n").map_err(Failure::Output)?;
        }
        manifest
            .map(drop)
            .map_err(|error| Failure::environment(format!("Unable to read {path}: {error}")))
    }
}
