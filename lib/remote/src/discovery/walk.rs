//! The walk from the whole name up to its host.

use std::fmt;

use gantry_types::{AcIdentifier, Diagnostic, Kind};
use url::Url;

use super::page::{MAX_PAGE_BYTES, Tag, TagKind, parse_page};
use super::{Endpoint, Query, Wanted, template};
use crate::{HttpClient, HttpError};

/// Brings discovery pages: over HTTP, or from a table in tests.
pub trait PageSource {
    /// The answer for `url`, whatever its status.
    ///
    /// # Errors
    ///
    /// No usable answer at all.
    fn page(&self, url: &Url) -> Result<Page, HttpError>;
}

/// An answer for a discovery page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The page; its content does not matter when the status is not 200.
    pub body: Vec<u8>,
}

impl PageSource for HttpClient {
    fn page(&self, url: &Url) -> Result<Page, HttpError> {
        let answer = self.get(url)?;
        let status = answer.status().as_u16();
        let body = match status {
            200 => answer.read_to_end(MAX_PAGE_BYTES)?,
            _ => Vec::new(),
        };
        Ok(Page { status, body })
    }
}

/// How pages are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiscoveryOptions {
    /// Asks over plain http where https brings no page.
    pub allow_http: bool,
    /// The port of the discovery server, in place of the scheme's own.
    pub port: Option<u16>,
}

/// What a walk found.
#[derive(Debug)]
pub struct Found<T> {
    /// At least one, in the order of the page.
    pub items: Vec<T>,
    /// The prefix whose page they are from.
    pub prefix: String,
    /// The longer prefixes that were tried before.
    pub attempts: Vec<Attempt>,
}

/// A prefix that brought nothing, and why.
#[derive(Debug)]
pub struct Attempt {
    /// The prefix.
    pub prefix: String,
    /// Why its page was of no use.
    pub error: AttemptError,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prefix: {} error: {}", self.prefix, self.error)?;
        match &self.error {
            AttemptError::Http(HttpError::Transport { source, .. }) => write!(f, ": {source}"),
            AttemptError::Http(HttpError::Redirect { source, .. }) => write!(f, ": {source}"),
            _ => Ok(()),
        }
    }
}

/// Why the page of a prefix was of no use.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// No page came.
    #[error(transparent)]
    Http(HttpError),
    /// Something else than a page came.
    #[error("expected a 200 OK got {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The prefix makes no URL.
    #[error("the name does not make a URL")]
    NoUrl,
    /// The page holds no tags of the kind wanted.
    #[error("the page has no {wanted} tag")]
    NoTags {
        /// What was looked for.
        wanted: &'static str,
    },
    /// The page holds tags for other names only.
    #[error("the page speaks for other names only: {}", foreign.join(" "))]
    ForeignTags {
        /// The prefixes of its tags.
        foreign: Vec<String>,
    },
    /// Every fitting template has a variable that the name's labels do not give.
    #[error("no template of the page fits the labels given")]
    NoTemplate,
}

impl AttemptError {
    /// Whether no page came at all, as opposed to one that says nothing of use.
    ///
    /// The original tools tell of the former only.
    pub fn is_no_page(&self) -> bool {
        matches!(self, Self::Http(_) | Self::Status { .. } | Self::NoUrl)
    }
}

/// Nothing was found for a name.
#[derive(Debug, thiserror::Error)]
#[error("discovery failed")]
pub struct DiscoveryError {
    /// The name.
    pub name: AcIdentifier,
    /// What was looked for.
    pub wanted: Wanted,
    /// Every prefix tried, the longest first.
    pub attempts: Vec<Attempt>,
}

impl Diagnostic for DiscoveryError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        let lines = self.attempts.iter().map(ToString::to_string);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Looks for places of an image.
///
/// # Errors
///
/// No page on the way has a fitting endpoint.
pub fn discover_endpoints(
    source: &dyn PageSource,
    query: &Query,
    options: DiscoveryOptions,
) -> Result<Found<Endpoint>, DiscoveryError> {
    walk(source, &query.name, Wanted::Endpoints, options, |tags| {
        let rendered = tags
            .iter()
            .filter_map(|tag| template::render(&tag.uri, query));
        rendered.collect()
    })
}

/// Looks for places of public keys for `name`.
///
/// # Errors
///
/// No page on the way names a key.
pub fn discover_keys(
    source: &dyn PageSource,
    name: &AcIdentifier,
    options: DiscoveryOptions,
) -> Result<Found<String>, DiscoveryError> {
    walk(source, name, Wanted::Keys, options, |tags| {
        tags.iter().map(|tag| tag.uri.clone()).collect()
    })
}

fn walk<T>(
    source: &dyn PageSource,
    name: &AcIdentifier,
    wanted: Wanted,
    options: DiscoveryOptions,
    items: impl Fn(&[Tag]) -> Vec<T>,
) -> Result<Found<T>, DiscoveryError> {
    let mut attempts = Vec::new();
    let mut prefix = name.as_str();
    loop {
        let tags = page(source, prefix, options).and_then(|page| fitting(&page, name, wanted));
        let found = tags.and_then(|tags| match items(&tags) {
            items if items.is_empty() => Err(AttemptError::NoTemplate),
            items => Ok(items),
        });
        match found {
            Ok(items) => {
                return Ok(Found {
                    items,
                    prefix: prefix.to_owned(),
                    attempts,
                });
            }
            Err(error) => attempts.push(Attempt {
                prefix: prefix.to_owned(),
                error,
            }),
        }
        match prefix.rsplit_once('/') {
            Some((parent, _)) => prefix = parent,
            None => {
                return Err(DiscoveryError {
                    name: name.clone(),
                    wanted,
                    attempts,
                });
            }
        }
    }
}

/// The page of `prefix`: over https, and over http if that brings nothing and is allowed.
fn page(
    source: &dyn PageSource,
    prefix: &str,
    options: DiscoveryOptions,
) -> Result<Vec<u8>, AttemptError> {
    let ask = |scheme| {
        let url = page_url(scheme, prefix, options.port).ok_or(AttemptError::NoUrl)?;
        let page = source.page(&url).map_err(AttemptError::Http)?;
        match page.status {
            200 => Ok(page.body),
            status => Err(AttemptError::Status { status }),
        }
    };
    match ask("https") {
        Err(AttemptError::Http(_) | AttemptError::Status { .. }) if options.allow_http => {
            ask("http")
        }
        result => result,
    }
}

/// `SCHEME://PREFIX?ac-discovery=1`, with `port` after the host.
fn page_url(scheme: &str, prefix: &str, port: Option<u16>) -> Option<Url> {
    let (host, path) = match prefix.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (prefix, String::new()),
    };
    // Names may hold runs of separators; `..` would make the URL another name's.
    if path
        .split('/')
        .skip(1)
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return None;
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let url = format!("{scheme}://{host}{port}{path}?ac-discovery=1");
    let url = Url::parse(&url).ok()?;
    // Names such as `1.2` or `0x7f.1` are other spellings of an address, which is no owner of names.
    (url.host_str() == Some(host)).then_some(url)
}

/// The tags of `page` of the kind wanted that speak for `name`.
///
/// The page is one of `name`'s own prefixes by the way it was found; a tag counts if its prefix covers
/// the name by whole path components. Upstream compares bytes, so that a tag for `example.co` speaks
/// for `example.com/app`; that is not kept: man/deviations.md.
fn fitting(page: &[u8], name: &AcIdentifier, wanted: Wanted) -> Result<Vec<Tag>, AttemptError> {
    let (kind, label) = match wanted {
        Wanted::Endpoints => (TagKind::Endpoint, "ac-discovery"),
        Wanted::Keys => (TagKind::Keys, "ac-discovery-pubkeys"),
    };
    let mut tags = parse_page(page);
    tags.retain(|tag| tag.kind == kind);
    if tags.is_empty() {
        return Err(AttemptError::NoTags { wanted: label });
    }
    let covers = |tag: &Tag| {
        let prefix = tag.prefix.parse::<AcIdentifier>();
        prefix.is_ok_and(|prefix| prefix.covers(name))
    };
    let (fit, foreign): (Vec<_>, Vec<_>) = tags.into_iter().partition(covers);
    if fit.is_empty() {
        let mut foreign: Vec<_> = foreign.into_iter().map(|tag| tag.prefix).collect();
        foreign.dedup();
        foreign.truncate(5);
        return Err(AttemptError::ForeignTags { foreign });
    }
    Ok(fit)
}

#[cfg(test)]
mod tests;
