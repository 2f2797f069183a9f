//! What stands in for the network here: nothing.

use gantry_ops::trust::{DiscoveryError, HttpError, KeySource, RedactedUrl, Url, Wanted};
use gantry_types::AcIdentifier;

/// Finds no keys anywhere. Locations are checked before it is asked, so nobody sees its errors.
pub(crate) struct Offline;

impl KeySource for Offline {
    fn discover_keys(
        &self,
        prefix: &AcIdentifier,
        _allow_http: bool,
    ) -> Result<Vec<String>, DiscoveryError> {
        Err(DiscoveryError {
            name: prefix.clone(),
            wanted: Wanted::Keys,
            attempts: Vec::new(),
        })
    }

    fn read_key(&self, url: &Url, _limit: u64) -> Result<Vec<u8>, HttpError> {
        Err(HttpError::UnsupportedUrl {
            url: RedactedUrl::new(url),
        })
    }
}
