//! Why a request failed.

use std::fmt;
use std::time::Duration;

use gantry_types::{Diagnostic, Kind};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::{RedactedUrl, TransportError};

/// The method and URL of a request, as errors show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    method: Method,
    url: RedactedUrl,
}

impl RequestLine {
    pub(crate) fn new(method: &Method, url: &Url) -> Self {
        Self {
            method: method.clone(),
            url: RedactedUrl::new(url),
        }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// A request that brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No complete answer came.
    #[error("{request} failed")]
    Transport {
        /// What was asked for.
        request: RequestLine,
        /// What went wrong.
        source: TransportError,
    },
    /// The server answered with a status that is no success.
    #[error("{request}: server answered {status}{}", excerpt(body))]
    Status {
        /// What was asked for, after redirects.
        request: RequestLine,
        /// The status.
        status: StatusCode,
        /// The start of the answer's text, or empty.
        body: String,
        /// After which time the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// A redirect was not followed.
    #[error("{request}: redirect not followed")]
    Redirect {
        /// The request that was redirected.
        request: RequestLine,
        /// Why.
        source: RedirectError,
    },
    /// The answer is larger than the caller's limit.
    #[error("{request}: answer is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        request: RequestLine,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer is in an encoding that was not asked for.
    #[error("{request}: answer is encoded as {encoding:?}, which was not asked for")]
    Encoded {
        /// What was asked for.
        request: RequestLine,
        /// The `Content-Encoding`.
        encoding: String,
    },
    /// The URL cannot be asked for over HTTP.
    #[error("cannot fetch {url}: only http and https URLs with a host can be fetched")]
    UnsupportedUrl {
        /// The URL.
        url: RedactedUrl,
    },
    /// `--connect-to` names an address literal, which is never looked up and so cannot be replaced.
    #[error("cannot redirect the connection of {request}: its host is an address, not a name")]
    ConnectToAddress {
        /// What was asked for.
        request: RequestLine,
    },
    /// What is to be sent could not be read.
    #[error("{request}: cannot read what is to be sent")]
    Body {
        /// What was to be done.
        request: RequestLine,
        /// Why.
        source: std::io::Error,
    },
    /// The certificates that are kept for a host cannot be used.
    #[error("cannot use the certificates kept for this host")]
    Certificates {
        /// Why.
        source: crate::CertificatesError,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up HTTP")]
    Setup {
        /// Why.
        source: reqwest::Error,
    },
}

fn excerpt(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(" ({body})")
    }
}

impl HttpError {
    /// The status of the server's answer, if one came.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }
}

impl Diagnostic for HttpError {
    fn kind(&self) -> Kind {
        match self {
            Self::Transport {
                source: TransportError::Certificate(_),
                ..
            } => Kind::Refused,
            Self::UnsupportedUrl { .. } | Self::ConnectToAddress { .. } => Kind::Usage,
            _ => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Transport { source, .. } => match source {
                TransportError::Certificate(_) => {
                    "if the server uses a private certificate authority, name its file in SSL_CERT_FILE"
                }
                TransportError::NameNotFound => {
                    "check the name, or give the address with --connect-to HOST:PORT:ADDRESS:PORT"
                }
                TransportError::Tls(_) => {
                    "the server may speak only versions of TLS before 1.2, or no TLS at all at this port"
                }
                TransportError::TooSlow => {
                    "what has come is kept: fetch it again to go on from there"
                }
                _ => return None,
            },
            Self::Status {
                retry_after: Some(time),
                ..
            } => return Some(format!("the server asks to wait for {} s", time.as_secs())),
            Self::Status { status, .. }
                if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) =>
            {
                "the server wants credentials for this host"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why a redirect was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// More redirects than allowed.
    #[error("more than {limit} redirects")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The answer names no target, or no URL.
    #[error("the answer names no valid target")]
    NoTarget,
    /// The target is neither http nor https.
    #[error("{to} is neither http nor https")]
    Scheme {
        /// The target.
        to: RedactedUrl,
    },
    /// The target leaves https for http.
    #[error("{to} leaves https")]
    Downgrade {
        /// The target.
        to: RedactedUrl,
    },
}
