//! How a pod and the metadata service find each other.
//!
//! Source: appc spec, ace.md, "App Container Metadata Service"; rkt 1.30, common.go.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::show::hex;

/// The TCP port that apps reach the service at, unless it was told another one.
pub const PORT: u16 = 18112;

/// Where pods are made known to the service.
pub const REGISTRATION_SOCKET: &str = "/run/rkt/metadata-svc.sock";

/// The variable by which apps learn where the service is.
pub const URL_VARIABLE: &str = "AC_METADATA_URL";

/// Longest token, in characters; those that we make have 32.
const MAX_TOKEN: usize = 128;

/// What an app proves with that it is an app of its pod. Whoever has it can sign as that pod, so it is not
/// shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MetadataToken(String);

/// A text is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataTokenError {
    /// There is no text.
    #[error("token missing")]
    Missing,
    /// More than 128 characters.
    #[error("the token is longer than {MAX_TOKEN} characters")]
    Length,
    /// A character that would need an escape in the path of a URL.
    #[error("the token has characters other than letters, digits, '-', '.', '_' and '~'")]
    Character,
}
usage_errors!(MetadataTokenError);

impl MetadataToken {
    /// Makes a token of 16 random bytes: 32 hexadecimal digits, as rkt's are.
    #[must_use]
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }

    /// The text, which is secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the pod that has this token reaches the service, whose host has this address.
    #[must_use]
    pub fn url(&self, host: IpAddr, port: u16) -> String {
        match host {
            IpAddr::V4(host) => format!("http://{host}:{port}/{}", self.0),
            IpAddr::V6(host) => format!("http://[{host}]:{port}/{}", self.0),
        }
    }
}

impl FromStr for MetadataToken {
    type Err = MetadataTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || b"-._~".contains(&c);
        match text {
            "" => Err(MetadataTokenError::Missing),
            long if long.len() > MAX_TOKEN => Err(MetadataTokenError::Length),
            text if !text.bytes().all(fits) => Err(MetadataTokenError::Character),
            text => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Debug for MetadataToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetadataToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_texts_that_a_url_can_hold_and_are_not_shown() {
        let token = MetadataToken::from_random_bytes([0xa5; 16]);
        assert_eq!(token.as_str(), "a5".repeat(16));
        assert_eq!(token.as_str().parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains("a5"));
        let longest = "x".repeat(MAX_TOKEN);
        for good in ["0", "Y4vFeVZz-._~", longest.as_str()] {
            assert_eq!(good.parse::<MetadataToken>().unwrap().as_str(), good);
        }
        for (bad, error) in [
            (String::new(), MetadataTokenError::Missing),
            (longest.clone() + "x", MetadataTokenError::Length),
            ("a/b".to_owned(), MetadataTokenError::Character),
            ("a%2f".to_owned(), MetadataTokenError::Character),
            ("a b".to_owned(), MetadataTokenError::Character),
            ("ä".to_owned(), MetadataTokenError::Character),
            ("a\n".to_owned(), MetadataTokenError::Character),
        ] {
            assert_eq!(bad.parse::<MetadataToken>(), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn urls_hold_addresses_of_both_families() {
        let token: MetadataToken = "t".parse().unwrap();
        let url = |host: &str| token.url(host.parse().unwrap(), PORT);
        assert_eq!(url("172.16.28.1"), "http://172.16.28.1:18112/t");
        assert_eq!(url("fd07::1"), "http://[fd07::1]:18112/t");
    }
}
