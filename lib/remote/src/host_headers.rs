//! Headers that belong to one host, such as credentials.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// Sets of headers by host; a set is sent to its own host only, over https, or over http to a loopback
/// address.
///
/// A host is written as in URLs, `HOST` or `HOST:PORT`, and fits a URL that is written the same way:
/// headers for `example.com` are not sent to `example.com:8443`, as in rkt. The default
/// port of https is the same as none.
#[derive(Clone, Default)]
pub struct HostHeaders(BTreeMap<String, HeaderMap>);

/// A header that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header {name:?} for {host} has an invalid name or value")]
pub struct HostHeadersError {
    /// The host it is for.
    pub host: String,
    /// The header's name; the value stays secret.
    pub name: String,
}

impl HostHeaders {
    /// Adds a header for `host`, beside others of the same name.
    ///
    /// # Errors
    ///
    /// A name or value that HTTP does not allow.
    pub fn add(&mut self, host: &str, name: &str, value: &str) -> Result<(), HostHeadersError> {
        let fail = || HostHeadersError {
            host: host.to_owned(),
            name: name.to_owned(),
        };
        let header = HeaderName::try_from(name).map_err(|_| fail())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| fail())?;
        value.set_sensitive(true);
        let key = host.to_ascii_lowercase();
        let key = key.strip_suffix(":443").unwrap_or(&key).to_owned();
        self.0.entry(key).or_default().append(header, value);
        Ok(())
    }

    /// The headers that may be sent with a request for `url`.
    pub fn for_url(&self, url: &Url) -> Option<&HeaderMap> {
        let host = url.host_str()?;
        let confidential = url.scheme() == "https" || is_loopback(url);
        if !confidential {
            return None;
        }
        match url.port() {
            Some(port) => self.0.get(&format!("{host}:{port}")),
            None => self.0.get(host),
        }
    }
}

impl fmt::Debug for HostHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Whether the host of `url` is `localhost` or a loopback address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(host: &str, url: &str) -> bool {
        let mut headers = HostHeaders::default();
        headers.add(host, "Authorization", "Basic eDp5").unwrap();
        headers.for_url(&url.parse().unwrap()).is_some()
    }

    #[test]
    fn headers_go_to_their_own_host_and_port_only() {
        assert!(sent("example.com", "https://example.com/a"));
        assert!(sent("EXAMPLE.com:443", "https://example.com/a"));
        assert!(sent("example.com:8443", "https://example.com:8443/a"));
        assert!(!sent("example.com", "https://example.com:8443/a"));
        assert!(!sent("example.com:8443", "https://example.com/a"));
        assert!(!sent("example.com", "https://sub.example.com/a"));
        assert!(!sent("example.com", "https://example.com.evil.test/a"));
        assert!(!sent("example.com", "https://example.com@evil.test/a"));
    }

    #[test]
    fn plain_http_gets_none_except_on_loopback() {
        assert!(!sent("example.com", "http://example.com/a"));
        assert!(
            sent("127.0.0.1:80", "http://127.0.0.1/a") || sent("127.0.0.1", "http://127.0.0.1/a")
        );
        assert!(sent("[::1]:5000", "http://[::1]:5000/a"));
        assert!(sent("localhost:5000", "http://localhost:5000/a"));
    }

    #[test]
    fn values_are_not_printed() {
        let mut headers = HostHeaders::default();
        headers.add("a", "Authorization", "secret").unwrap();
        assert!(!format!("{headers:?}").contains("secret"));
        let error = headers.add("a", "Authorization", "sec\nret").unwrap_err();
        assert!(!error.to_string().contains("sec\n"));
    }
}
