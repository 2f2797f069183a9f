//! Where an image and its keys are, by the image's name.

use std::cell::RefCell;
use std::collections::HashMap;

use gantry_remote::discovery::{self, DiscoveryError, Found, Page, PageSource, Query};
use gantry_remote::{HttpError, Url};
use gantry_types::{Diagnostic, ImageNameError, Kind, os_arch};

pub use gantry_remote::discovery::{Attempt, DiscoveryOptions, Endpoint};

/// What discovery found for one name.
#[derive(Debug)]
pub struct Discovered {
    /// The places of the image.
    pub endpoints: FoundEndpoints,
    /// The places of public keys; an image may be published without any.
    pub keys: Result<FoundKeys, DiscoverError>,
}

/// Places of an image, and the prefixes tried before.
pub type FoundEndpoints = Found<Endpoint>;
/// Places of public keys, and the prefixes tried before.
pub type FoundKeys = Found<String>;

/// Discovery for a name failed.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The name is no image name.
    #[error("{name}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        source: ImageNameError,
    },
    /// No page names the image.
    #[error("error fetching endpoints for {name}")]
    Endpoints {
        /// The name as given.
        name: String,
        /// What was tried.
        source: DiscoveryError,
    },
    /// No page names a key.
    #[error("error fetching public keys for {name}")]
    Keys {
        /// The name as given.
        name: String,
        /// What was tried.
        source: DiscoveryError,
    },
}

impl DiscoverError {
    /// The prefixes that were tried in vain.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Name { .. } => &[],
            Self::Endpoints { source, .. } | Self::Keys { source, .. } => &source.attempts,
        }
    }
}

impl Diagnostic for DiscoverError {
    fn kind(&self) -> Kind {
        match self {
            Self::Name { .. } => Kind::Usage,
            Self::Endpoints { .. } | Self::Keys { .. } => Kind::Environment,
        }
    }
}

/// Discovers the image `NAME[:VERSION][,LABEL=VALUE]...` and its keys.
///
/// Without labels `os` and `arch` those of this machine are taken, in the words of Go (`amd64`, `arm64`,
/// `386`) and not of appc, as the original does: publishers' URLs are made for it. Each page is asked
/// for once, although endpoints and keys are found independently.
///
/// # Errors
///
/// A name that is none, or one without endpoints.
pub fn discover(
    source: &dyn PageSource,
    name: &str,
    options: DiscoveryOptions,
) -> Result<Discovered, DiscoverError> {
    let mut query: Query = name.parse().map_err(|source| DiscoverError::Name {
        name: name.to_owned(),
        source,
    })?;
    let (os, arch) = host();
    query.set_default("os", &os);
    query.set_default("arch", &arch);
    let pages = Remembering {
        source,
        pages: RefCell::new(HashMap::new()),
    };
    let endpoints = discovery::discover_endpoints(&pages, &query, options);
    let endpoints = endpoints.map_err(|source| DiscoverError::Endpoints {
        name: name.to_owned(),
        source,
    })?;
    let keys = discovery::discover_keys(&pages, &query.name, options);
    let keys = keys.map_err(|source| DiscoverError::Keys {
        name: name.to_owned(),
        source,
    });
    Ok(Discovered { endpoints, keys })
}

/// This machine's system and architecture in Go's words.
fn host() -> (String, String) {
    let labels = os_arch::host_labels();
    let value = |label| labels.get(label).unwrap_or_default().to_owned();
    let (os, arch) = (value("os"), value("arch"));
    match os_arch::to_go(&os, &arch) {
        Ok((go_arch, _)) => (os, go_arch.to_owned()),
        Err(_) => (os, arch),
    }
}

/// Asks for each page once.
struct Remembering<'a> {
    source: &'a dyn PageSource,
    pages: RefCell<HashMap<Url, Page>>,
}

impl PageSource for Remembering<'_> {
    fn page(&self, url: &Url) -> Result<Page, HttpError> {
        if let Some(page) = self.pages.borrow().get(url) {
            return Ok(page.clone());
        }
        let page = self.source.page(url)?;
        self.pages.borrow_mut().insert(url.clone(), page.clone());
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One page at the host; counts how often it is asked for.
    struct Top(RefCell<u32>, &'static str);

    impl PageSource for Top {
        fn page(&self, url: &Url) -> Result<Page, HttpError> {
            *self.0.borrow_mut() += 1;
            let status = if url.path() == "/" { 200 } else { 404 };
            let body = self.1.as_bytes().to_owned();
            Ok(Page { status, body })
        }
    }

    const ENDPOINT: &str =
        "<meta name=ac-discovery content='a.test https://a.test/{os}/{arch}/{version}.{ext}'>";

    #[test]
    fn the_host_and_the_latest_version_are_the_defaults() {
        let source = Top(RefCell::new(0), ENDPOINT);
        let found = |name| {
            let found = discover(&source, name, DiscoveryOptions::default()).unwrap();
            found.endpoints.items[0].aci.clone()
        };
        let arch = host().1;
        assert_eq!(
            found("a.test/x"),
            format!("https://a.test/linux/{arch}/latest.aci")
        );
        assert_eq!(
            found("a.test/x:1,arch=arm64"),
            "https://a.test/linux/arm64/1.aci"
        );
    }

    #[test]
    fn each_page_is_asked_for_once() {
        let source = Top(RefCell::new(0), ENDPOINT);
        let found = discover(&source, "a.test/x/y", DiscoveryOptions::default()).unwrap();
        assert_eq!(*source.0.borrow(), 3);
        let error = found.keys.unwrap_err();
        assert_eq!(
            error.to_string(),
            "error fetching public keys for a.test/x/y"
        );
        assert_eq!(error.attempts().len(), 3);
    }

    #[test]
    fn a_name_that_is_none_is_told() {
        let source = Top(RefCell::new(0), "");
        let error = discover(&source, "A b", DiscoveryOptions::default()).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (Kind::Usage, "A b".to_owned())
        );
        assert_eq!(*source.0.borrow(), 0);
    }
}
