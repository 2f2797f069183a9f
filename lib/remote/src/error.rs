//! Why a request failed.

use std::error::Error as _;
use std::fmt;
use std::io;

use gantry_types::{Diagnostic, Kind};
use reqwest::StatusCode;
use url::Url;

use crate::RedactedUrl;

/// The method and URL of a request, as errors show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    method: &'static str,
    url: RedactedUrl,
}

impl RequestLine {
    pub(crate) fn get(url: &Url) -> Self {
        Self {
            method: "GET",
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
                _ => return None,
            },
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

/// What went wrong between this machine and the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing listens at the address.
    #[error("connection refused")]
    Refused,
    /// The host's name has no address.
    #[error("host name not found")]
    NameNotFound,
    /// The name server did not answer usefully.
    #[error("host name look-up failed: {0}")]
    LookUp(String),
    /// Nothing came for the time allowed.
    #[error("timed out")]
    TimedOut,
    /// The server's certificate is not valid for the host or not signed by a known authority.
    #[error("server certificate refused: {0}")]
    Certificate(String),
    /// The connection ended before the answer was complete.
    #[error("connection closed before the answer was complete")]
    Cut,
    /// Anything else, as the layers below put it.
    #[error("{0}")]
    Other(String),
}

impl TransportError {
    /// Names the innermost cause of `error`.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut innermost = error.to_string();
        let mut dns = false;
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Self::of_tls(tls);
            }
            if let Some(error) = cause.downcast_ref::<io::Error>()
                && let Some(known) = Self::of_io(error)
            {
                return known;
            }
            if let Some(error) = cause.downcast_ref::<crate::resolver::LookUpError>() {
                return error.into();
            }
            innermost = cause.to_string();
            dns |= innermost.contains("dns error");
            next = cause.source();
        }
        if error.is_timeout() {
            Self::TimedOut
        } else if dns {
            Self::LookUp(innermost)
        } else if error.is_body() || error.is_decode() || innermost.contains("connection closed") {
            // hyper tells a body that is shorter than announced only by its text.
            Self::Cut
        } else {
            Self::Other(innermost)
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(reason) => Self::Certificate(match reason {
                rustls::CertificateError::UnknownIssuer => {
                    "signed by no authority known here".to_owned()
                }
                other => other.to_string(),
            }),
            other => Self::Other(other.to_string()),
        }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        // Other errors travel inside io errors, whose `source` skips the error that they hold.
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return Some(Self::of_tls(tls));
            }
            if let Some(error) = inner.downcast_ref::<io::Error>() {
                return Self::of_io(error);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Some(Self::Cut),
            _ => None,
        }
    }

    /// The error inside what [`std::io::Read`] of a response returned.
    pub(crate) fn of_read(error: &io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<Self>()) {
            return error.clone();
        }
        match inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
            Some(error) => Self::of(error),
            None => Self::of_io(error).unwrap_or_else(|| Self::Other(error.to_string())),
        }
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
