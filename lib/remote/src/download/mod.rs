//! Downloads into files that survive cut connections and killed processes.
//!
//! The caller keeps a partial file and the [`Validator`] that came with it (told by
//! [`Event::Started`] before the first byte is written). A repeated download asks for the missing part
//! with `Range` and `If-Range`; the server sends just that, or, when the resource has changed or the
//! server knows no ranges, everything anew. Source: RFC 9110, 13.1.5 and 14.

mod headers;
#[cfg(test)]
mod tests;
mod transfer;

use std::fs::File;
use std::io;
use std::time::Duration;

use gantry_types::{Diagnostic, Kind};
use url::Url;

pub(crate) use headers::ContentRange;

use crate::{HttpClient, HttpError, RedactedUrl, Validator};

/// What to download, and where to.
pub struct Download<'a> {
    /// Where the resource is.
    pub url: &'a Url,
    /// The partial file; its position and anything past [`have`](Self::have) do not matter.
    pub file: &'a File,
    /// How many bytes of the resource the file holds from an earlier try.
    pub have: u64,
    /// The marks of the version that those bytes are of.
    pub have_validator: Option<&'a Validator>,
    /// The marks of a complete copy that the caller has elsewhere: if they still hold, nothing is sent.
    pub unless: Option<&'a Validator>,
    /// The most bytes that the resource may have.
    pub limit: u64,
}

/// What happens during a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server has answered, and nothing of its answer is written yet: the time to note the
    /// validator beside the file. Comes again when the connection was cut and the rest is asked for.
    Started {
        /// The marks of the version being sent.
        validator: &'a Validator,
        /// The bytes already in the file that stay; the file has been cut to this length.
        kept: u64,
        /// The size of the whole resource, if the server told it.
        total: Option<u64>,
    },
    /// The file has grown.
    Advanced {
        /// The bytes in the file now.
        have: u64,
        /// The size of the whole resource, if the server told it.
        total: Option<u64>,
    },
}

/// How a download ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file holds the whole resource.
    Complete(Complete),
    /// The copy that the caller has elsewhere is still the current one.
    NotModified {
        /// How long the answer may be reused without asking again.
        fresh_for: Duration,
    },
}

/// A complete download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// The marks of the version that was sent.
    pub validator: Validator,
    /// The size of the resource in bytes.
    pub size: u64,
    /// Where the first bytes of the file are from.
    pub continuation: Continuation,
    /// How many bytes came over the network.
    pub transferred: u64,
    /// How long the resource may be reused without asking again: `max-age` of `Cache-Control`, and
    /// nothing for `no-cache` and `no-store` (as rkt 1.30 reads it, rkt/image/io.go).
    pub fresh_for: Duration,
}

/// What became of the bytes that the file held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// There were none.
    Fresh,
    /// They are the start of the resource, and only the rest was sent.
    Resumed,
    /// The server sent everything, because the resource has changed or it knows no ranges.
    Restarted,
}

/// A download that did not complete; the file keeps what has come.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server or the way to it failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server answered 202: it is still preparing the resource (rkt asks again later).
    #[error("{url} is not ready yet")]
    NotReady {
        /// The URL.
        url: RedactedUrl,
    },
    /// The file could not be written.
    #[error("cannot write the download of {url}")]
    Write {
        /// The URL.
        url: RedactedUrl,
        /// Why.
        source: io::Error,
    },
    /// The caller stopped it.
    #[error("download of {url} stopped")]
    Stopped {
        /// The URL.
        url: RedactedUrl,
        /// What the caller returned.
        source: io::Error,
    },
}

impl Diagnostic for DownloadError {
    fn kind(&self) -> Kind {
        match self {
            Self::Http(error) => error.kind(),
            _ => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::NotReady { .. } => Some("try again later".to_owned()),
            Self::Write { .. } | Self::Stopped { .. } => None,
        }
    }
}

impl HttpClient {
    /// Downloads a resource into a file, resuming as far as the server allows.
    ///
    /// A connection that is cut is taken up again where it ended, as often as it brings something
    /// new, and otherwise as often as the [retry policy](crate::RetryPolicy) says. `observe` is told
    /// what happens and stops the download by an error.
    ///
    /// # Errors
    ///
    /// Any answer but the resource, a resource over the limit, a file that cannot be written.
    pub fn download(
        &self,
        download: &Download<'_>,
        observe: &mut dyn FnMut(Event<'_>) -> io::Result<()>,
    ) -> Result<Outcome, DownloadError> {
        transfer::Transfer::new(self, download, observe).run()
    }
}
