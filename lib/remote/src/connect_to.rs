//! `--connect-to`: another address for a host and port, as curl's option of that name.

use std::fmt;
use std::str::FromStr;

/// One rule `HOST1:PORT1:HOST2:PORT2`: requests for HOST1:PORT1 connect to HOST2:PORT2 instead.
///
/// An empty HOST1 or PORT1 stands for any, an empty HOST2 or PORT2 for the request's own. The URL, the
/// `Host` header and the name that the server's certificate must carry stay those of the request. IPv6
/// addresses stand in brackets. A connection that a rule redirects goes through no proxy.
///
/// Source: curl(1), `--connect-to`.
///
/// ```
/// use gantry_remote::ConnectTo;
///
/// let rule: ConnectTo = "example.test:443:127.0.0.1:8443".parse().unwrap();
/// assert!(rule.matches("example.test", 443));
/// assert!(!rule.matches("example.test", 80));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectTo {
    from_host: Option<String>,
    from_port: Option<u16>,
    to_host: Option<String>,
    to_port: Option<u16>,
}

/// A text that is no [`ConnectTo`] rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not of the form HOST1:PORT1:HOST2:PORT2: {reason}")]
pub struct ConnectToError {
    text: String,
    reason: &'static str,
}

impl ConnectTo {
    /// Reads several rules separated by blanks or commas, as `GANTRY_CONNECT_TO` holds them.
    ///
    /// # Errors
    ///
    /// The first text that is no rule.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ConnectToError> {
        text.split([' ', '\t', '\n', ','])
            .filter(|rule| !rule.is_empty())
            .map(str::parse)
            .collect()
    }

    /// Whether a request for `host` and `port` follows this rule; `host` without brackets.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host_fits = self
            .from_host
            .as_ref()
            .is_none_or(|from| from.eq_ignore_ascii_case(host));
        host_fits && self.from_port.is_none_or(|from| from == port)
    }

    /// The host (without brackets) and port to connect to for a request for `host` and `port`.
    pub(crate) fn target(&self, host: &str, port: u16) -> (String, u16) {
        (
            self.to_host.clone().unwrap_or_else(|| host.to_owned()),
            self.to_port.unwrap_or(port),
        )
    }
}

impl FromStr for ConnectTo {
    type Err = ConnectToError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ConnectToError {
            text: text.to_owned(),
            reason,
        };
        let (from_host, rest) = host(text).map_err(fail)?;
        let (from_port, rest) = rest
            .split_once(':')
            .ok_or_else(|| fail("four parts are needed"))?;
        let (to_host, to_port) = host(rest).map_err(fail)?;
        Ok(Self {
            from_host,
            from_port: port(from_port).map_err(fail)?,
            to_host,
            to_port: port(to_port).map_err(fail)?,
        })
    }
}

/// Splits a host and its colon off the front of `text`; no host for an empty one.
fn host(text: &str) -> Result<(Option<String>, &str), &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
        let address: std::net::Ipv6Addr = address
            .parse()
            .map_err(|_| "brackets hold an IPv6 address")?;
        let rest = rest.strip_prefix(':').ok_or("four parts are needed")?;
        return Ok((Some(address.to_string()), rest));
    }
    let (host, rest) = text.split_once(':').ok_or("four parts are needed")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if !host.bytes().all(allowed) {
        return Err("a host name holds a foreign character");
    }
    Ok(((!host.is_empty()).then(|| host.to_ascii_lowercase()), rest))
}

fn port(text: &str) -> Result<Option<u16>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` would take a plus sign as well.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a port is a number from 1 to 65535, and IPv6 addresses stand in brackets");
    }
    match text.parse() {
        Ok(0) | Err(_) => Err("a port is a number from 1 to 65535"),
        Ok(port) => Ok(Some(port)),
    }
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Option<String>| match host {
            Some(host) if host.contains(':') => format!("[{host}]"),
            Some(host) => host.clone(),
            None => String::new(),
        };
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let (from_host, to_host) = (host(&self.from_host), host(&self.to_host));
        let (from_port, to_port) = (port(self.from_port), port(self.to_port));
        write!(f, "{from_host}:{from_port}:{to_host}:{to_port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_read_and_print_alike() {
        for text in [
            "example.test:443:127.0.0.1:8443",
            "::127.0.0.1:8443",
            ":::",
            "example.test::localhost:",
            "example.test:443::8443",
            "[::1]:443:[fe80::1]:8443",
            "example.test:443:[::1]:8443",
        ] {
            let rule: ConnectTo = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", "four parts are needed"),
            ("example.test", "four parts are needed"),
            ("example.test:443", "four parts are needed"),
            ("example.test:443:127.0.0.1", "four parts are needed"),
            ("[::1:443:a:1", "a bracket is not closed"),
            ("[a]:443:a:1", "brackets hold an IPv6 address"),
            ("[::1]443:a:1", "four parts are needed"),
            ("a b:443:a:1", "a host name holds a foreign character"),
            ("a/:443:a:1", "a host name holds a foreign character"),
            ("a:0:a:1", "a port is a number from 1 to 65535"),
            ("a:65536:a:1", "a port is a number from 1 to 65535"),
        ] {
            let error = text.parse::<ConnectTo>().unwrap_err();
            assert_eq!(error.reason, reason, "{text}");
        }
        assert!("a:+1:a:1".parse::<ConnectTo>().is_err());
        assert!("a:1:::1:1".parse::<ConnectTo>().is_err());
    }

    #[test]
    fn empty_parts_stand_for_any_and_for_the_same() {
        let any: ConnectTo = "::127.0.0.1:8443".parse().unwrap();
        assert!(any.matches("example.test", 1));
        let port_only: ConnectTo = "example.test:443::8443".parse().unwrap();
        assert!(port_only.matches("EXAMPLE.test", 443));
        assert!(!port_only.matches("sub.example.test", 443));
        assert_eq!(
            port_only.target("example.test", 443),
            ("example.test".to_owned(), 8443)
        );
        let host_only: ConnectTo = "example.test::[::1]:".parse().unwrap();
        assert_eq!(host_only.target("example.test", 99), ("::1".to_owned(), 99));
    }

    #[test]
    fn a_list_is_separated_by_blanks_and_commas() {
        let rules = ConnectTo::parse_list(" a:1:b:2, c:3:d:4\n e:5:f:6,").unwrap();
        assert_eq!(rules.len(), 3);
        assert!(ConnectTo::parse_list("a:1:b:2 nonsense").is_err());
        assert!(ConnectTo::parse_list("").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_survives_a_round_trip(text in "[a-z0-9:.\\[\\]-]{0,40}") {
            if let Ok(rule) = text.parse::<ConnectTo>() {
                prop_assert_eq!(rule.to_string().parse::<ConnectTo>(), Ok(rule));
            }
        }
    }
}
