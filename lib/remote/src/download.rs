//! Downloads into files that survive cut connections and killed processes.
//!
//! The caller keeps a partial file and the [`Validator`] that came with it (told by
//! [`Event::Started`] before the first byte is written). A repeated download asks for the missing part
//! with `Range` and `If-Range`; the server sends just that, or, when the resource has changed or the
//! server knows no ranges, everything anew. Source: RFC 9110, 13.1.5 and 14.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use gantry_types::{Diagnostic, Kind};
use reqwest::header::{
    CACHE_CONTROL, CONTENT_RANGE, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, RANGE,
};
use url::Url;

use crate::{HttpClient, HttpError, Response, TransportError, Validator};

/// The size of one read and write.
const CHUNK: usize = 128 * 1024;

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
    /// nothing for `no-cache` and `no-store` (rkt-cli 4.2).
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
        url: crate::RedactedUrl,
    },
    /// The file could not be written.
    #[error("cannot write the download of {url}")]
    Write {
        /// The URL.
        url: crate::RedactedUrl,
        /// Why.
        source: io::Error,
    },
    /// The caller stopped it.
    #[error("download of {url} stopped")]
    Stopped {
        /// The URL.
        url: crate::RedactedUrl,
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
        let length = download.file.metadata().map(|metadata| metadata.len());
        Transfer {
            client: self,
            download,
            observe,
            // A file shorter than told holds less, whatever was noted beside it.
            have: download.have.min(length.unwrap_or(0)),
            validator: download.have_validator.cloned().unwrap_or_default(),
            restarted: false,
            transferred: 0,
        }
        .run()
    }
}

/// A download under way.
struct Transfer<'a> {
    client: &'a HttpClient,
    download: &'a Download<'a>,
    observe: &'a mut dyn FnMut(Event<'_>) -> io::Result<()>,
    have: u64,
    validator: Validator,
    restarted: bool,
    transferred: u64,
}

/// What the head of an answer says about its body.
enum Head {
    /// The body is the resource from its start.
    Whole { total: Option<u64> },
    /// The body is what is missing.
    Rest { total: Option<u64> },
    /// Nothing is missing.
    Nothing,
    /// The answer fits neither the request nor the file: ask for everything.
    Unusable,
    /// The answer is none to a request for the resource.
    Refused,
}

impl Transfer<'_> {
    fn run(mut self) -> Result<Outcome, DownloadError> {
        let mut fruitless = 0;
        loop {
            let before = self.transferred;
            let answer = self.client.get_with(self.download.url, &self.headers())?;
            let fresh_for = fresh_for(answer.headers());
            if answer.status().as_u16() == 304 && self.download.unless.is_some() {
                return Ok(Outcome::NotModified { fresh_for });
            }
            let interrupted = match self.head(&answer)? {
                Head::Refused => return Err(self.refused(answer)),
                Head::Unusable => {
                    self.restart();
                    continue;
                }
                Head::Nothing => {
                    self.begin(&answer, Some(self.have))?;
                    None
                }
                Head::Rest { total } => {
                    self.begin(&answer, total)?;
                    self.body(answer, total)?
                }
                Head::Whole { total } => {
                    self.restart();
                    self.begin(&answer, total)?;
                    self.body(answer, total)?
                }
            };
            let Some(error) = interrupted else {
                return Ok(Outcome::Complete(self.complete(fresh_for)));
            };
            fruitless = if self.transferred > before {
                1
            } else {
                fruitless + 1
            };
            let HttpError::Transport { source, .. } = &error else {
                return Err(error.into());
            };
            let Some(pause) = self.client.config().retry.after_error(fruitless, source) else {
                return Err(error.into());
            };
            tracing::debug!("{error}: {source}; to be resumed at {}", self.have);
            std::thread::sleep(pause);
        }
    }

    /// Forgets what the file holds.
    fn restart(&mut self) {
        self.restarted |= self.have > 0;
        self.have = 0;
        self.validator = Validator::default();
    }

    /// The headers that ask for what is missing, or for everything when nothing vouches for the part
    /// that is there.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::try_from(text).ok();
        if self.have > 0
            && let Some(mark) = self.validator.for_range().and_then(value)
            && let Some(range) = value(&format!("bytes={}-", self.have))
        {
            headers.insert(RANGE, range);
            headers.insert(IF_RANGE, mark);
        } else if let Some(unless) = self.download.unless {
            let mark = |text: &Option<String>| text.as_deref().and_then(value);
            if let Some(etag) = mark(&unless.etag) {
                headers.insert(IF_NONE_MATCH, etag);
            } else if let Some(date) = mark(&unless.last_modified) {
                headers.insert(IF_MODIFIED_SINCE, date);
            }
        }
        headers
    }

    fn head(&self, answer: &Response) -> Result<Head, DownloadError> {
        let status = answer.status().as_u16();
        let asked_for_rest = self.headers().contains_key(RANGE);
        let range = answer.headers().get(CONTENT_RANGE);
        let range = range.and_then(|value| ContentRange::parse(value.to_str().ok()?));
        let head = match (status, range) {
            (200, _) => Head::Whole {
                total: answer.content_length(),
            },
            (206 | 416, _) if !asked_for_rest => Head::Refused,
            (206, Some(range)) if range.first == Some(self.have) => {
                if self.validator.contradicts(&Validator::of(answer.headers())) {
                    Head::Unusable
                } else {
                    Head::Rest { total: range.total }
                }
            }
            // Nothing lies past the end of the file: with an equal length nothing is missing.
            (416, Some(range)) if range.total == Some(self.have) => Head::Nothing,
            (206 | 416, _) => Head::Unusable,
            _ => Head::Refused,
        };
        let limit = self.download.limit;
        match head {
            Head::Whole { total: Some(total) } | Head::Rest { total: Some(total) }
                if total > limit =>
            {
                let request = answer.request().clone();
                Err(HttpError::TooLarge { request, limit }.into())
            }
            head => Ok(head),
        }
    }

    /// Makes the file ready for the body of `answer` and tells the observer.
    fn begin(&mut self, answer: &Response, total: Option<u64>) -> Result<(), DownloadError> {
        if self.have == 0 {
            self.validator = Validator::of(answer.headers());
        }
        let mut file = self.download.file;
        let ready = file
            .set_len(self.have)
            .and_then(|()| file.seek(SeekFrom::Start(self.have)));
        ready.map_err(|source| self.write_error(source))?;
        let event = Event::Started {
            validator: &self.validator,
            kept: self.have,
            total,
        };
        (self.observe)(event).map_err(|source| self.stopped(source))
    }

    /// Writes the body of `answer`; the error that cut it short, if one did.
    fn body(
        &mut self,
        mut answer: Response,
        total: Option<u64>,
    ) -> Result<Option<HttpError>, DownloadError> {
        let request = answer.request().clone();
        let cut = |source| HttpError::Transport {
            request: request.clone(),
            source,
        };
        let mut file = self.download.file;
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = match answer.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => return Ok(Some(cut(TransportError::of_read(&error)))),
            };
            let grown = self.have.saturating_add(length as u64);
            let limit = self.download.limit.min(total.unwrap_or(u64::MAX));
            if grown > limit {
                return Err(HttpError::TooLarge { request, limit }.into());
            }
            file.write_all(&chunk[..length])
                .map_err(|source| self.write_error(source))?;
            self.have = grown;
            self.transferred += length as u64;
            let have = self.have;
            (self.observe)(Event::Advanced { have, total })
                .map_err(|source| self.stopped(source))?;
        }
        let short = total.is_some_and(|total| self.have < total);
        Ok(short.then(|| cut(TransportError::Cut)))
    }

    fn complete(self, fresh_for: Duration) -> Complete {
        let continuation = match (self.download.have, self.restarted) {
            (0, _) => Continuation::Fresh,
            (_, true) => Continuation::Restarted,
            (_, false) => Continuation::Resumed,
        };
        Complete {
            validator: self.validator,
            size: self.have,
            continuation,
            transferred: self.transferred,
            fresh_for,
        }
    }

    fn refused(&self, answer: Response) -> DownloadError {
        if answer.status().as_u16() == 202 {
            let url = crate::RedactedUrl::new(self.download.url);
            return DownloadError::NotReady { url };
        }
        answer.into_status_error().into()
    }

    fn write_error(&self, source: io::Error) -> DownloadError {
        let url = crate::RedactedUrl::new(self.download.url);
        DownloadError::Write { url, source }
    }

    fn stopped(&self, source: io::Error) -> DownloadError {
        let url = crate::RedactedUrl::new(self.download.url);
        DownloadError::Stopped { url, source }
    }
}

/// A `Content-Range` header: `bytes 0-9/10`, `bytes 0-9/*` or `bytes */10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ContentRange {
    first: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let total = match total {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        if range == "*" {
            return Some(Self { first: None, total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        // The part asked for is the rest, so it has to end where the resource does.
        let to_the_end = total.is_none_or(|total| last.checked_add(1) == Some(total));
        (first <= last && to_the_end).then_some(Self {
            first: Some(first),
            total: total.or_else(|| last.checked_add(1)),
        })
    }
}

/// How long an answer may be reused, by its `Cache-Control`.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let mut seconds = 0;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if matches!(directive.as_str(), "no-cache" | "no-store") {
                return Duration::ZERO;
            }
            if let Some(age) = directive.strip_prefix("max-age=") {
                seconds = age.trim_matches('"').parse().unwrap_or(0);
            }
        }
    }
    Duration::from_secs(seconds)
}
