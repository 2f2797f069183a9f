//! Where an image is: the place that its name leads to, and how places are remembered and shown.

use std::collections::BTreeMap;

use gantry_remote::discovery::{DiscoveryOptions, Query, discover_endpoints};
use gantry_remote::{HttpClient, RedactedUrl, Url};
use gantry_store::{Source, sha512_of};
use gantry_types::{ImageName, os_arch};

use super::signature::SignaturePlace;
use super::{FetchError, InsecureOptions};

/// The first place of the image that can be asked over HTTP, and that of its signature.
pub(super) fn endpoint(
    http: &HttpClient,
    discovery: DiscoveryOptions,
    insecure: &InsecureOptions,
    name: &ImageName,
) -> Result<(Url, SignaturePlace), FetchError> {
    // Templates name os and arch; a dependency may leave them to us.
    let host = os_arch::host_labels();
    let labels = host.iter().chain(name.labels.iter());
    let labels: BTreeMap<String, String> = labels
        .map(|label| (label.name.to_string(), label.value.clone()))
        .collect();
    let query = Query {
        name: name.name.clone(),
        labels,
    };
    let allow_http = insecure.http() || discovery.allow_http;
    let options = DiscoveryOptions {
        allow_http,
        ..discovery
    };
    let found =
        discover_endpoints(http, &query, options).map_err(|source| FetchError::Discovery {
            name: name.name.clone(),
            source,
        })?;
    let http = |text: &str| {
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
    };
    found
        .items
        .iter()
        .find_map(|place| Some((http(&place.aci)?, SignaturePlace::Url(http(&place.asc)?))))
        .ok_or_else(|| FetchError::NoEndpoint {
            name: name.name.clone(),
            places: found.items.iter().map(|place| place.aci.clone()).collect(),
        })
}

/// A URL for messages and records: without credentials.
pub(super) fn shown(url: &Url) -> String {
    RedactedUrl::new(url).to_string()
}

/// The place that the store remembers.
///
/// Secrets stay out of it, but two URLs that differ in nothing else are two places: a digest of the
/// whole tells them apart.
pub(super) fn source_of(url: &Url) -> Source {
    let mut text = shown(url);
    if text != url.as_str() {
        let digest = sha512_of(url.as_str().as_bytes());
        text.push('#');
        text.push_str(&digest.hex()[..32]);
    }
    Source::Url(text)
}
