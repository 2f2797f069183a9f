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

/// Where a percent sign is looked at: what it may stand for differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// Checks that `text` is a URL for http or https, as Go's parser has it: RFC 3986 with what browsers type.
pub(crate) fn check(text: &str) -> Result<(), HttpUrlError> {
    match scheme(text) {
        Some(scheme)
            if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {}
        // Also of a bad address Go says first that it is bad, but only the verdict is looked at here.
        Some(_) => return Err(HttpUrlError::Scheme),
        None if text.starts_with(':') => return Err(HttpUrlError::Bad(text.to_owned())),
        None => return Err(HttpUrlError::Scheme),
    }
    if well_formed(text) {
        Ok(())
    } else {
        Err(HttpUrlError::Bad(text.to_owned()))
    }
}

/// What stands before the first colon, if that can be a scheme.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let later = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(later))
        .then_some(scheme)
}

/// Tells whether all that follows the scheme can be read.
fn well_formed(text: &str) -> bool {
    if text.contains(|c: char| c.is_ascii_control()) {
        return false;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (_, rest) = text.split_once(':').unwrap_or_default();
    let rest = rest.split('?').next().unwrap_or_default();
    if !decodes(fragment, Part::Other) {
        return false;
    }
    if !rest.starts_with('/') {
        return true; // `http:whatever` is taken as it is
    }
    match rest.strip_prefix("//") {
        None => decodes(rest, Part::Other),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            authority_reads(authority) && decodes(path, Part::Other)
        }
    }
}

fn authority_reads(authority: &str) -> bool {
    let user_character = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    match authority.rsplit_once('@') {
        None => host_reads(authority),
        Some((user, host)) => {
            host_reads(host) && user.chars().all(user_character) && decodes(user, Part::Other)
        }
    }
}

fn host_reads(host: &str) -> bool {
    if !host.starts_with('[') {
        let port = host.rfind(':').map_or("", |colon| &host[colon..]);
        return is_port(port) && decodes(host, Part::Host);
    }
    let Some(end) = host.rfind(']') else {
        return false;
    };
    let (address, port) = (&host[..end], &host[end + 1..]);
    let zone = address.find("%25").unwrap_or(end);
    is_port(port)
        && decodes(&address[..zone], Part::Host)
        && decodes(&address[zone..], Part::Zone)
        && decodes(&host[end..], Part::Host)
}

/// Nothing, or a colon and digits; none of them is a port as well.
fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':');
    text.is_empty() || digits.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Tells whether every percent sign begins an escape that may stand there, and every other byte may too.
fn decodes(text: &str, part: Part) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if part != Part::Other && !in_host(byte) {
                return false;
            }
            at += 1;
            continue;
        }
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
            return false;
        };
        let value = (high * 16 + low) as u8; // two hexadecimal digits are below 256
        let allowed = match part {
            Part::Other => true,
            // In a name escapes are for what is not ASCII. Source: RFC 3986, 3.2.2.
            Part::Host => value >= 0x80 || value == b'%',
            Part::Zone => value == b'%' || value == b' ' || (value < 0x80 && in_host(value)),
        };
        if !allowed {
            return false;
        }
        at += 3;
    }
    true
}

/// Whether a byte may stand in a host as it is. Go takes `<`, `>` and `"`, as older browsers did.
fn in_host(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_web_addresses_pass() {
        // Source: appc spec, schema/types/url.go; more in fixtures/appc/verdicts.json.
        for text in [
            "http://example.com",
            "https://example.com:8080/a/b?c=%d#e",
            "HTTPS://EXAMPLE.COM",
            "http://[::1]/",
            "http:",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["ftp://example.com", "example.com", "//example.com", ""] {
            assert_eq!(check(text), Err(HttpUrlError::Scheme), "{text}");
        }
        for text in [":foo", "http://a b/", "http://example.com/%1", "http://a\n"] {
            assert_eq!(
                check(text),
                Err(HttpUrlError::Bad(text.to_owned())),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(http:)?[a/:@%\\[\\]?#é0-9f ]{0,24}") {
            let _ = check(&text);
        }
    }
}
