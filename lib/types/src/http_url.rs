//! Web addresses as annotations hold them.

use crate::diagnostic::usage_errors;

/// A text is not a web address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// The scheme is another, or missing.
    #[error("bad URL scheme, must be http/https")]
    Scheme,
    /// The text is not an address.
    #[error("bad URL: {0:?}")]
    Bad(String),
}
usage_errors!(HttpUrlError);

/// Checks that `text` is a URL for http or https.
///
/// Only what Go's parser refuses is refused: control characters, bad percent escapes, a bad scheme.
pub(crate) fn check(text: &str) -> Result<(), HttpUrlError> {
    let bad = || HttpUrlError::Bad(text.to_owned());
    if text.is_empty() || text.starts_with(':') || text.contains(|c: char| c.is_ascii_control()) {
        return Err(bad());
    }
    let (scheme, rest) = text.split_once(':').ok_or(HttpUrlError::Scheme)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(HttpUrlError::Scheme);
    }
    let before_query = rest.split('?').next().unwrap_or_default();
    for escape in before_query.split('%').skip(1) {
        if escape.len() < 2 || !escape.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
    }
    let host = before_query
        .strip_prefix("//")
        .map(|rest| rest.split('/').next().unwrap_or_default());
    if host.is_some_and(|host| host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '}', '|'])) {
        return Err(bad());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_pass() {
        // Source: appc spec, schema/types/url.go.
        for text in [
            "http://example.com",
            "https://example.com:8080/a/b?c=%d#e",
            "HTTPS://EXAMPLE.COM",
            "http://example.com/a b",
            "http://[::1]/",
            "http:",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in [
            "ftp://example.com",
            "example.com",
            "mailto:a@b",
            "file:///etc/passwd",
            "//example.com",
        ] {
            assert_eq!(check(text), Err(HttpUrlError::Scheme), "{text}");
        }
        for text in [
            "",
            ":foo",
            "http://a b/",
            "http://example.com/%zz",
            "http://example.com/%1",
            "http://a\n",
        ] {
            assert_eq!(
                check(text),
                Err(HttpUrlError::Bad(text.to_owned())),
                "{text:?}"
            );
        }
    }
}
