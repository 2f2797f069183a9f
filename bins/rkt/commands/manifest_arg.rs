//! `--pod-manifest`: a pod that somebody else has described.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use gantry_cli::Failure;
use gantry_types::{MAX_MANIFEST_BYTES, PodManifest};

/// The flag for a whole pod manifest.
#[derive(Args, Debug)]
pub(crate) struct ManifestArg {
    /// Manifest of the whole pod, whose images are in the store, in place of images and what belongs to them
    #[arg(long, value_name = "FILE")]
    pub(crate) pod_manifest: Option<PathBuf>,
}

impl ManifestArg {
    /// The manifest, if one was given.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no pod manifest; or other flags that speak of the same, which is
    /// what `others` says.
    pub(crate) fn read(&self, others: bool) -> Result<Option<PodManifest>, Failure> {
        let Some(file) = &self.pod_manifest else {
            return Ok(None);
        };
        if others {
            return Err(Failure::usage(
                "conflicting flags set with --pod-manifest (see --help)",
            ));
        }
        let text = read(file).map_err(|error| {
            Failure::environment(format!(
                "error reading pod manifest {}: {error}",
                file.display()
            ))
        })?;
        PodManifest::from_json(&text).map(Some).map_err(|error| {
            Failure::environment(format!(
                "error unmarshaling pod manifest {}: {}",
                file.display(),
                gantry_types::show::one_line(&error)
            ))
        })
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // One byte beyond the limit at most: then the parser refuses it.
    gantry_ops::open_input(file)?
        .take(MAX_MANIFEST_BYTES as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}
