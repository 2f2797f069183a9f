//! What there is of an OCI or Docker image besides its layers.

use std::fs::File;
use std::io::{self, Read};

use gantry_types::oci::{ImageConfig, Provenance, to_aci};
use gantry_types::{ImageManifest, MAX_MANIFEST_BYTES};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::StoreError;
use crate::record::ImageRecord;
use crate::store::Store;

/// Documents of an image, and where it came from as its manifest as an App Container image tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OciParts {
    /// The manifest, whose SHA-512 is the image ID; named by the digest that registries give it.
    pub manifest: Digest,
    /// The configuration.
    pub config: Digest,
    /// What the user wrote when the image was fetched first.
    pub original: String,
    /// The registry; empty for an image that came from none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub registry: String,
    /// The path of the image at the registry, or whatever it is called where it came from.
    pub repository: String,
}

impl Store {
    /// The manifest that an OCI image has as an App Container image; `None` for a record of an ACI, which has its
    /// own in its tree.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the configuration cannot be read or is not what it was.
    pub fn derived_manifest(
        &self,
        record: &ImageRecord,
    ) -> Result<Option<ImageManifest>, StoreError> {
        let Some(oci) = &record.oci else {
            return Ok(None);
        };
        let path = self.blob_path(&oci.config);
        let read = || {
            let mut text = Vec::new();
            File::open(&path)?
                .take(MAX_MANIFEST_BYTES as u64 + 1)
                .read_to_end(&mut text)?;
            let config = ImageConfig::from_json(&text).map_err(io::Error::other)?;
            let from = Provenance {
                name: record.name.clone(),
                tag: record.labels.get("version").unwrap_or_default().to_owned(),
                original: oci.original.clone(),
                registry: oci.registry.clone(),
                repository: oci.repository.clone(),
                manifest: oci.manifest.clone(),
                top_layer: record.layers.last().map(|layer| layer.digest.clone()),
            };
            to_aci(&config, &from).map_err(io::Error::other)
        };
        read().map(Some).map_err(StoreError::io("read", &path))
    }
}
