//! Where keys come from that are not on this machine.

use gantry_remote::discovery::{DiscoveryError, DiscoveryOptions, discover_keys};
use gantry_remote::{HttpClient, HttpError, Url};
use gantry_types::AcIdentifier;

/// Finds and brings public keys: over HTTP, or from a table in tests.
pub trait KeySource {
    /// Where the keys for `prefix` are, as its discovery page or that of a parent says.
    ///
    /// # Errors
    ///
    /// No page names a key.
    fn discover_keys(
        &self,
        prefix: &AcIdentifier,
        allow_http: bool,
    ) -> Result<Vec<String>, DiscoveryError>;

    /// The bytes at `url`.
    ///
    /// # Errors
    ///
    /// No success, or more than `limit` bytes.
    fn read_key(&self, url: &Url, limit: u64) -> Result<Vec<u8>, HttpError>;
}

impl KeySource for HttpClient {
    fn discover_keys(
        &self,
        prefix: &AcIdentifier,
        allow_http: bool,
    ) -> Result<Vec<String>, DiscoveryError> {
        let options = DiscoveryOptions {
            allow_http,
            ..DiscoveryOptions::default()
        };
        discover_keys(self, prefix, options).map(|found| found.items)
    }

    fn read_key(&self, url: &Url, limit: u64) -> Result<Vec<u8>, HttpError> {
        self.get(url)?.error_for_status()?.read_to_end(limit)
    }
}
