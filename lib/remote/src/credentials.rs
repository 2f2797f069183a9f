//! What a host may know of us: credentials, each for one host only.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use crate::aws::AwsKey;
use crate::{base64, percent};

/// A way to tell a server who asks. Its secrets are never printed.
#[derive(Clone)]
pub struct Credential(Way);

#[derive(Clone)]
enum Way {
    /// This value in the `Authorization` header.
    Header(HeaderValue),
    /// A signature of every request.
    Aws(AwsKey),
}

/// Credentials by host; each is sent to its own host only, over https, or over http to a loopback
/// address.
///
/// A host is written as in URLs, `HOST` or `HOST:PORT`, and fits a URL that is written the same way:
/// a credential for `example.com` is not sent to `example.com:8443`, as in rkt. The default port of the
/// scheme is the same as none.
#[derive(Clone, Default)]
pub struct HostCredentials(BTreeMap<(String, Option<u16>), Credential>);

/// A credential that cannot be used. Secrets are not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The text is no host with or without a port, so no URL would ever fit it.
    #[error("{host:?} is not of the form HOST or HOST:PORT")]
    Host {
        /// The text.
        host: String,
    },
    /// A token or key ID has characters that no HTTP header may have.
    #[error("the {what} holds characters that HTTP does not allow in a header")]
    Characters {
        /// What it is.
        what: &'static str,
    },
}

impl Credential {
    /// User and password, as of RFC 7617.
    pub fn basic(user: &[u8], password: &[u8]) -> Self {
        let pair = [user, b":", password].concat();
        let value = format!("Basic {}", base64::encode(&pair));
        // Base 64 is always a fit value.
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
        Self(Way::Header(secret(value)))
    }

    /// A bearer token, as of RFC 6750.
    ///
    /// # Errors
    ///
    /// A token that cannot stand in a header.
    pub fn bearer(token: &str) -> Result<Self, CredentialError> {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let value = value.map_err(|_| CredentialError::Characters { what: "token" })?;
        Ok(Self(Way::Header(secret(value))))
    }

    /// A key of Amazon's S3 or of a service like it; every request is signed with it. Without a
    /// `region` it is guessed from the host.
    ///
    /// # Errors
    ///
    /// An ID or region that cannot stand in a header.
    pub fn aws(id: &str, secret: &str, region: Option<&str>) -> Result<Self, CredentialError> {
        for (what, text) in [("access key ID", Some(id)), ("region", region)] {
            if text.is_some_and(|text| HeaderValue::try_from(text).is_err()) {
                return Err(CredentialError::Characters { what });
            }
        }
        Ok(Self(Way::Aws(AwsKey::new(id, secret, region))))
    }

    /// The user information of `url`, if it has some and is a place where it may be sent.
    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        let given = !url.username().is_empty() || url.password().is_some();
        let user = percent::decode(url.username().as_bytes());
        let password = percent::decode(url.password().unwrap_or_default().as_bytes());
        (given && confidential(url)).then(|| Self::basic(&user, &password))
    }

    /// The headers for a request of `url` at the time `now`.
    pub(crate) fn headers(&self, url: &Url, now: SystemTime) -> HeaderMap {
        match &self.0 {
            Way::Header(value) => HeaderMap::from_iter([(AUTHORIZATION, value.clone())]),
            Way::Aws(key) => key.headers(url, now),
        }
    }
}

/// Marks a value, so that it is neither printed nor put in a table that others can guess from.
pub(crate) fn secret(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(***)")
    }
}

impl HostCredentials {
    /// Sets the credential of `host`.
    ///
    /// # Errors
    ///
    /// A text that is no host.
    pub fn set(&mut self, host: &str, credential: Credential) -> Result<(), CredentialError> {
        let key = parse_host(host).ok_or_else(|| CredentialError::Host {
            host: host.to_owned(),
        })?;
        self.0.insert(key, credential);
        Ok(())
    }

    /// The credential that may be sent with a request for `url`.
    pub fn for_url(&self, url: &Url) -> Option<&Credential> {
        let host = url.host_str().filter(|_| confidential(url))?.to_owned();
        match url.port() {
            port @ Some(_) => self.0.get(&(host, port)),
            None => self
                .0
                .get(&(host.clone(), None))
                .or_else(|| self.0.get(&(host, url.port_or_known_default()))),
        }
    }
}

impl fmt::Debug for HostCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `HOST` or `HOST:PORT`, with the host as URLs print it.
fn parse_host(text: &str) -> Option<(String, Option<u16>)> {
    let port = |digits: &str| {
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|port| all && *port != 0)
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) if !digits.ends_with(']') => (host, Some(port(digits)?)),
        _ => (text, None),
    };
    let url = Url::parse(&format!("https://{host}/")).ok()?;
    // A text that says more than a host would have turned into something else.
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let bare = bare && url.username().is_empty() && url.password().is_none();
    let whole = bare && url.port().is_none() && !host.contains(['/', '\\', '?', '#', '@']);
    let host = url.host_str().filter(|_| whole)?;
    Some((host.to_owned(), port))
}

/// Whether what is sent to `url` stays between us and its host.
pub(crate) fn confidential(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
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
        let mut credentials = HostCredentials::default();
        credentials
            .set(host, Credential::basic(b"x", b"y"))
            .unwrap();
        credentials.for_url(&url.parse().unwrap()).is_some()
    }

    fn value(credential: &Credential) -> HeaderValue {
        let url = "https://a.test/".parse().unwrap();
        credential.headers(&url, SystemTime::UNIX_EPOCH)[AUTHORIZATION].clone()
    }

    #[test]
    fn a_credential_goes_to_its_own_host_and_port_only() {
        for (host, url) in [
            ("example.com", "https://example.com/a"),
            ("EXAMPLE.com:443", "https://example.com/a"),
            ("example.com", "https://example.com:443/a"),
            ("example.com:8443", "https://example.com:8443/a"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert!(sent(host, url), "{host} {url}");
        }
        for (host, url) in [
            ("example.com", "https://example.com:8443/a"),
            ("example.com:8443", "https://example.com/a"),
            ("example.com", "https://sub.example.com/a"),
            ("example.com", "https://example.com.evil.test/a"),
            ("example.com", "https://example.com@evil.test/a"),
        ] {
            assert!(!sent(host, url), "{host} {url}");
        }
    }

    #[test]
    fn plain_http_gets_none_except_on_loopback() {
        assert!(!sent("example.com", "http://example.com/a"));
        for (host, url) in [
            ("127.0.0.1:80", "http://127.0.0.1/a"),
            ("127.0.0.1", "http://127.0.0.1/a"),
            ("[::1]:5000", "http://[::1]:5000/a"),
            ("[::1]", "http://[::1]/a"),
            ("localhost:443", "http://localhost:443/a"),
        ] {
            assert!(sent(host, url), "{host} {url}");
        }
    }

    #[test]
    fn what_no_url_would_fit_is_no_host() {
        for text in [
            "",
            "https://a.test",
            "a.test/",
            "a.test/x",
            "a.test:0",
            "a.test:+1",
            "a.test:65536",
            "a.test:",
            "u@a.test",
            "a b",
            "::1",
            "a.test?x",
        ] {
            let error = HostCredentials::default().set(text, Credential::basic(b"x", b"y"));
            assert!(matches!(error, Err(CredentialError::Host { .. })), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let mut credentials = HostCredentials::default();
        let aws = Credential::aws("id", "secret", None).unwrap();
        for credential in [
            aws,
            Credential::bearer("secret").unwrap(),
            Credential::basic(b"secret", b"secret"),
        ] {
            let shown = format!("{credential:?}");
            assert_eq!(shown, "Credential(***)");
            let headers =
                credential.headers(&"https://a.test/".parse().unwrap(), SystemTime::UNIX_EPOCH);
            assert!(headers[AUTHORIZATION].is_sensitive());
            credentials.set("a.test", credential).unwrap();
        }
        assert!(!format!("{credentials:?}").contains("secret"));
        let error = Credential::bearer("sec\nret").unwrap_err().to_string();
        assert!(!error.contains("sec\n"), "{error}");
        assert!(Credential::aws("i\rd", "x", None).is_err());
    }

    #[test]
    fn user_information_becomes_a_header() {
        for (url, expected) in [
            // The example of RFC 7617, 2.
            (
                "https://Aladdin:open%20sesame@a.test/",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            ("https://user@a.test/", "Basic dXNlcjo="),
            ("https://a:%C3%A9@a.test/", "Basic YTrDqQ=="),
        ] {
            let credential = Credential::of_url(&url.parse().unwrap()).unwrap();
            assert_eq!(value(&credential).to_str().unwrap(), expected);
        }
        assert!(Credential::of_url(&"https://a.test/".parse().unwrap()).is_none());
        assert!(Credential::of_url(&"http://u:p@a.test/".parse().unwrap()).is_none());
        let token = Credential::bearer("abc").unwrap();
        assert_eq!(value(&token).to_str().unwrap(), "Bearer abc");
    }
}
