//! The answer to a request.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use reqwest::{StatusCode, blocking};
use url::Url;

use crate::retry::retry_after;
use crate::{HttpError, RequestLine, TransportError};

/// How much is read at once, in bytes.
const PIECE: usize = 16 * 1024;
/// How much of an answer's text an error shows, in bytes.
const EXCERPT_BYTES: usize = 200;

/// How long the start of an answer that is an error is waited for.
const EXCERPT_TIME: Duration = Duration::from_secs(5);

/// The answer to a request: its head, and its body to be read.
pub struct Response {
    pub(crate) url: Url,
    pub(crate) request: RequestLine,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// When the whole answer has to be there, if it is read at once.
    pub(crate) deadline: Option<Instant>,
    pub(crate) body: blocking::Response,
}

impl Response {
    /// The URL that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The length of the body as announced, in bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    pub(crate) fn request(&self) -> &RequestLine {
        &self.request
    }

    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    ///
    /// Any other status, with the start of the answer's text.
    pub fn error_for_status(self) -> Result<Self, HttpError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(self.into_status_error())
        }
    }

    /// The beginning of the body, at most `limit` bytes of what comes within [`EXCERPT_TIME`].
    ///
    /// It only helps to explain: what breaks off or takes too long is cut, and nobody can hold up an error by it.
    pub(crate) fn excerpt(&mut self, limit: usize) -> Vec<u8> {
        let soon = Instant::now() + EXCERPT_TIME;
        let end = self.deadline.map_or(soon, |deadline| deadline.min(soon));
        let mut text = vec![0; limit];
        let mut length = 0;
        while length < limit && Instant::now() < end {
            match self.body.read(&mut text[length..]) {
                Ok(read @ 1..) => length += read,
                _ => break,
            }
        }
        text.truncate(length);
        text
    }

    /// The answer as the error that its status stands for.
    pub fn into_status_error(mut self) -> HttpError {
        let start = self.excerpt(EXCERPT_BYTES);
        HttpError::Status {
            request: self.request,
            status: self.status,
            body: one_line(&start),
            retry_after: retry_after(&self.headers),
        }
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// A body of more than `limit` bytes, one that breaks off, one that takes longer than
    /// [`ClientConfig::total_timeout`](crate::ClientConfig::total_timeout), and one in an encoding that
    /// was not asked for: what it would grow to is the server's choice.
    pub fn read_to_end(mut self, limit: u64) -> Result<Vec<u8>, HttpError> {
        if let Some(encoding) = self.encoding() {
            let request = self.request;
            return Err(HttpError::Encoded { request, encoding });
        }
        let failed = |request: &RequestLine, source| HttpError::Transport {
            request: request.clone(),
            source,
        };
        let mut bytes = Vec::new();
        let mut piece = [0; PIECE];
        loop {
            let length = match self.body.read(&mut piece) {
                Ok(0) => return Ok(bytes),
                Ok(length) => length,
                Err(error) => return Err(failed(&self.request, TransportError::of_read(&error))),
            };
            bytes.extend_from_slice(&piece[..length]);
            if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
                let request = self.request;
                return Err(HttpError::TooLarge { request, limit });
            }
            if self
                .deadline
                .is_some_and(|deadline| Instant::now() > deadline)
            {
                return Err(failed(&self.request, TransportError::TimedOut));
            }
        }
    }

    /// The encoding of the body other than none.
    fn encoding(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_ENCODING)?;
        let text = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        let none = text.is_empty() || text.eq_ignore_ascii_case("identity");
        (!none).then_some(text)
    }
}

impl Read for Response {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buf);
        read.map_err(|error| io::Error::other(TransportError::of_read(&error)))
    }
}

/// The first line of `bytes` if it is readable text; pages of HTML explain nothing on a terminal.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.starts_with('<') || line.contains(char::is_control) || line.contains('\u{fffd}') {
        return String::new();
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_readable_line_explains_a_status() {
        assert_eq!(one_line(b"no such image\nmore"), "no such image");
        for text in [&b""[..], b"<html>", b"\x1b[2J", b"\xff\xfe", b"\n\nx"] {
            assert_eq!(one_line(text), "");
        }
    }
}
