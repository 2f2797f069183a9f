//! What is known of a partial download, in a file beside it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Largest sidecar read.
const MAX_SIDECAR_BYTES: u64 = 64 * 1024;

/// What a partial download is the beginning of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// Where it comes from, without credentials.
    pub url: String,
    /// `ETag` of the answer. Without it and the date a download cannot be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Length of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_size: Option<u64>,
    /// Digest of the whole, where it is known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_digest: Option<Digest>,
    /// Number of bytes that were durable when this was written.
    #[serde(default)]
    pub(crate) durable: u64,
    /// Boot of the machine during which this was written.
    #[serde(default)]
    pub(crate) boot: String,
}

/// `None` if there is none that can be read.
pub(crate) fn read_sidecar(path: &Path) -> Option<Sidecar> {
    let mut json = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_SIDECAR_BYTES)
        .read_to_end(&mut json)
        .ok()?;
    serde_json::from_slice(&json).ok()
}

/// Identity of the running boot, empty if the kernel does not say.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
