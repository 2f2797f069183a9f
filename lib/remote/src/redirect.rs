//! Where a redirect leads, and whether it may be followed.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

use crate::{RedactedUrl, RedirectError};

/// The most redirects followed for one request, as in Go and rkt.
pub(crate) const LIMIT: usize = 10;

/// Whether `status` asks to repeat a GET elsewhere.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The target of a redirect from `url`.
///
/// User information in the target is removed: a server must not make us authenticate somewhere.
pub(crate) fn target(
    url: &Url,
    headers: &HeaderMap,
    allow_downgrade: bool,
) -> Result<Url, RedirectError> {
    let location = headers
        .get(LOCATION)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
        .ok_or(RedirectError::NoTarget)?;
    let mut to = url.join(location).map_err(|_| RedirectError::NoTarget)?;
    let _ = to.set_username("");
    let _ = to.set_password(None);
    let shown = || RedactedUrl::new(&to);
    match (url.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => Ok(to),
        (_, "http") if allow_downgrade => Ok(to),
        (_, "http") => Err(RedirectError::Downgrade { to: shown() }),
        _ => Err(RedirectError::Scheme { to: shown() }),
    }
}

/// Whether two URLs are of one scheme, host and port, so that what one may know the other may.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(from: &str, to: &str, allow_downgrade: bool) -> Result<String, RedirectError> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, to.parse().unwrap());
        target(&from.parse().unwrap(), &headers, allow_downgrade).map(String::from)
    }

    #[test]
    fn targets_are_resolved_and_stripped_of_user_information() {
        for (from, to, expected) in [
            ("https://a.test/x/y", "z", "https://a.test/x/z"),
            ("https://a.test/x", "/z?q=1", "https://a.test/z?q=1"),
            ("https://a.test/x", "//b.test/z", "https://b.test/z"),
            ("http://a.test/x", "https://b.test/", "https://b.test/"),
            ("http://a.test/x", "http://b.test/", "http://b.test/"),
            ("https://a.test/x", "https://u:p@b.test/", "https://b.test/"),
        ] {
            assert_eq!(lead(from, to, false).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn leaving_https_and_foreign_schemes_are_refused() {
        let down = lead("https://a.test/", "http://a.test/", false);
        assert!(matches!(down, Err(RedirectError::Downgrade { .. })));
        assert!(lead("https://a.test/", "http://a.test/", true).is_ok());
        for to in ["file:///etc/passwd", "ftp://a.test/", "data:text/plain,x"] {
            let refused = lead("https://a.test/", to, true);
            assert!(matches!(refused, Err(RedirectError::Scheme { .. })), "{to}");
        }
        assert_eq!(
            lead("https://a.test/", "https://", false),
            Err(RedirectError::NoTarget)
        );
    }

    #[test]
    fn origins_differ_by_scheme_host_or_port() {
        let same = |a: &str, b: &str| same_origin(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(same("https://a.test/x", "https://a.test:443/y"));
        assert!(!same("https://a.test/x", "http://a.test/x"));
        assert!(!same("https://a.test/x", "https://a.test:8443/x"));
        assert!(!same("https://a.test/x", "https://b.a.test/x"));
    }
}
