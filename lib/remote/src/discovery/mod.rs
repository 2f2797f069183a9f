//! Meta discovery: the places of an image and of its public keys, found by its name (appc discovery.md).
//!
//! `https://PREFIX?ac-discovery=1` is asked for, with PREFIX the whole name first and then ever shorter
//! by one path component, until a page holds fitting `<meta>` tags. Endpoints and keys are two
//! independent walks, so keys may come from a parent's page.

mod page;
mod query;
mod template;
mod walk;

use std::fmt;

pub use page::{MAX_PAGE_BYTES, Tag, TagKind, parse_page};
pub use query::Query;
pub use walk::{
    Attempt, AttemptError, DiscoveryError, DiscoveryOptions, Found, Page, PageSource,
    discover_endpoints, discover_keys,
};

/// One place of an image and of its signature.
///
/// Both are texts, because a page may name URLs of any scheme, such as `hdfs`; the caller picks what it
/// can fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where the image is.
    pub aci: String,
    /// Where its signature is; the same as the image for a template without `{ext}`.
    pub asc: String,
}

/// Both results of discovery for one name.
#[derive(Debug)]
pub struct Discovery {
    /// The places of the image, in the order of the page.
    pub endpoints: Found<Endpoint>,
    /// The places of public keys, verbatim.
    pub keys: Found<String>,
}

/// Both walks for `query`.
///
/// # Errors
///
/// The first walk that finds nothing; the other one's result is then lost, as in the original tools.
pub fn discover(
    source: &dyn PageSource,
    query: &Query,
    options: DiscoveryOptions,
) -> Result<Discovery, DiscoveryError> {
    Ok(Discovery {
        endpoints: discover_endpoints(source, query, options)?,
        keys: discover_keys(source, &query.name, options)?,
    })
}

/// What a walk looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Places of an image.
    Endpoints,
    /// Places of public keys.
    Keys,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endpoints => "endpoints",
            Self::Keys => "public keys",
        })
    }
}
