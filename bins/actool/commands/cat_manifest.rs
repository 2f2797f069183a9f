//! `actool cat-manifest`.

use std::fs::File;
use std::path::PathBuf;

use gantry_cli::{Context, Failure};
use gantry_ops::validate::{AciError, image_manifest};
use gantry_types::ImageManifest;

/// Print the manifest of an image
#[derive(clap::Args, Debug)]
pub(crate) struct CatManifestArgs {
    /// Print it over several lines, indented
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
        let file = File::open(file)
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
        let mut text = match &manifest {
            Ok(manifest) if self.pretty_print => manifest.to_json_pretty("    "),
            _ if self.pretty_print => Vec::new(),
            _ => stored,
        };
        if !text.is_empty() {
            text.push(b'\n');
        }
        context.out.write_all(&text).map_err(Failure::Output)?;
        manifest
            .map(drop)
            .map_err(|error| Failure::environment(format!("Unable to read {path}: {error}")))
    }
}
