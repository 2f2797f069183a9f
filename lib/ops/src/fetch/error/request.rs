//! Why a request or download fails.

use std::io;

use gantry_remote::download::DownloadError;
use gantry_remote::{HttpError, StatusCode};
use gantry_store::StoreError;
use gantry_types::{Diagnostic, Kind};

use crate::room::is_full;

/// A request over HTTP failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server said no. The first words are those that scripts look for.
    #[error("bad HTTP status code: {} for {url}", status.as_u16())]
    Status {
        /// What was asked for.
        url: String,
        /// The answer.
        status: StatusCode,
        /// The next thing to try, as the answer tells it.
        hint: Option<String>,
    },
    /// No usable answer.
    #[error(transparent)]
    Http(HttpError),
    /// The download could not be completed.
    #[error(transparent)]
    Download(DownloadError),
}

impl RequestError {
    pub(crate) fn http(url: &str, error: HttpError) -> Self {
        let hint = match error.status() {
            Some(401 | 403) => Some(
                "the server wants credentials for this host: a file in auth.d of a configuration \
                 directory may name them"
                    .to_owned(),
            ),
            _ => error.hint(),
        };
        match error {
            HttpError::Status { status, .. } => Self::Status {
                url: url.to_owned(),
                status,
                hint,
            },
            error => Self::Http(error),
        }
    }

    pub(in crate::fetch) fn download(url: &str, error: DownloadError) -> Self {
        match error {
            DownloadError::Http(error) => Self::http(url, error),
            error => Self::Download(error),
        }
    }
}

impl Diagnostic for RequestError {
    fn kind(&self) -> Kind {
        match self {
            Self::Status { .. } => Kind::Environment,
            Self::Http(error) => error.kind(),
            Self::Download(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { hint, .. } => hint.clone(),
            Self::Http(error) => error.hint(),
            Self::Download(DownloadError::Write { source, .. }) if is_full(source) => make_room(),
            Self::Download(DownloadError::Stopped { source, .. }) => match store_error(source) {
                Some(error) => error.hint(),
                None => is_full(source).then(make_room).flatten(),
            },
            Self::Download(error) => error.hint(),
        }
    }
}

pub(super) fn make_room() -> Option<String> {
    Some("make room on the file system of --dir; `rkt image gc` and `rkt gc` need none".to_owned())
}

/// What the store said when it was told of the progress of a download.
fn store_error(error: &io::Error) -> Option<&StoreError> {
    error.get_ref()?.downcast_ref()
}
