//! What went wrong on the way to a server.

use std::error::Error as _;
use std::io;

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
    /// The connection could not be made secure.
    #[error("secure connection failed: {0}")]
    Tls(String),
    /// What came is no HTTP, or breaks its rules or our limits.
    #[error("the server's answer is not valid HTTP: {0}")]
    Protocol(String),
    /// Next to nothing came for too long: see [`Pace`](crate::Pace).
    #[error("the server sends too slowly")]
    TooSlow,
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
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                if error.is_parse() {
                    return Self::Protocol(error.to_string());
                }
                if error.is_incomplete_message() {
                    return Self::Cut;
                }
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
        } else if error.is_body() || error.is_decode() {
            // A body that is shorter than announced.
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
            other => Self::Tls(other.to_string()),
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
