//! A download under way.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use reqwest::header::{
    CONTENT_RANGE, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};

use super::headers::{ContentRange, fresh_for};
use super::{Complete, Continuation, Download, DownloadError, Event, Outcome};
use crate::pace::Pacer;
use crate::{HttpClient, HttpError, RedactedUrl, Response, TransportError, Validator};

/// The size of one read and write.
const CHUNK: usize = 128 * 1024;
/// What a connection has to bring, in bytes, for its end not to count against the server. Without a
/// least number one that ends after every byte would keep us busy for ever.
const PROGRESS: u64 = 16 * 1024;

/// A download under way.
pub(super) struct Transfer<'a> {
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

impl<'a> Transfer<'a> {
    pub fn new(
        client: &'a HttpClient,
        download: &'a Download<'a>,
        observe: &'a mut dyn FnMut(Event<'_>) -> io::Result<()>,
    ) -> Self {
        let length = download.file.metadata().map(|metadata| metadata.len());
        Self {
            client,
            download,
            observe,
            // A file shorter than told holds less, whatever was noted beside it.
            have: download.have.min(length.unwrap_or(0)),
            validator: download.have_validator.cloned().unwrap_or_default(),
            restarted: false,
            transferred: 0,
        }
    }

    pub fn run(mut self) -> Result<Outcome, DownloadError> {
        let mut fruitless = 0;
        let mut furthest = self.have;
        loop {
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
            // A server that cuts every time and cannot resume brings the same bytes again and again.
            fruitless = match self.have >= furthest.saturating_add(PROGRESS) {
                true => 1,
                false => fruitless + 1,
            };
            furthest = furthest.max(self.have);
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
        let mut pacer = Pacer::new(self.client.config().pace, Instant::now());
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
            if !pacer.keeps_up(length as u64, Instant::now()) && total != Some(have) {
                return Ok(Some(cut(TransportError::TooSlow)));
            }
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
            let url = RedactedUrl::new(self.download.url);
            return DownloadError::NotReady { url };
        }
        answer.into_status_error().into()
    }

    fn write_error(&self, source: io::Error) -> DownloadError {
        let url = RedactedUrl::new(self.download.url);
        DownloadError::Write { url, source }
    }

    fn stopped(&self, source: io::Error) -> DownloadError {
        let url = RedactedUrl::new(self.download.url);
        DownloadError::Stopped { url, source }
    }
}
