//! Blobs, as streams that outlive connections and servers.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Instant;

use gantry_types::oci::Digest;
use url::Url;

use super::Registry;
use super::conf::Endpoint;
use super::error::RegistryError;
use super::session::Ask;
use crate::download::ContentRange;
use crate::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use crate::pace::Pacer;
use crate::{HttpError, Method, Request, Response, TransportError};

/// What a connection has to bring, in bytes, for its end not to count against the server.
const PROGRESS: u64 = 16 * 1024;
/// Most places besides the registries that a blob is looked for at.
const MAX_URLS: usize = 8;
/// How much is read at once of what is only to be skipped, in bytes.
const SKIP: usize = 64 * 1024;

/// Reads one blob.
///
/// A connection that ends too early is taken up again where it ended, as often as it brings something and
/// otherwise as often as the client's [retry policy](crate::RetryPolicy) says; then the next endpoint is
/// asked for the rest. That the rest fits what came before is for the digest to tell, which the reader of
/// this stream has to compare: it passes all bytes to somebody anyway, who hashes them once.
///
/// The stream has exactly the size that was asked for, or ends with an error, whose inner error is a
/// [`RegistryError`].
pub struct BlobReader<'a> {
    registry: &'a Registry,
    endpoints: &'a [Endpoint],
    /// Where else it is, for layers that registries are not to hold.
    elsewhere: VecDeque<Url>,
    digest: Digest,
    size: u64,
    at: u64,
    open: Option<Open>,
    /// How often in a row a connection has brought next to nothing.
    fruitless: u32,
    /// Where the last connection began to bring something.
    furthest: u64,
    transferred: u64,
}

/// An answer under way.
struct Open {
    answer: Response,
    pacer: Pacer,
}

impl Registry {
    /// A stream of the blob `digest`, which is `size` bytes long, from byte `from` on, out of the first of
    /// `endpoints` that has it.
    ///
    /// Nothing is asked for before the first read.
    pub fn blob<'a>(
        &'a self,
        endpoints: &'a [Endpoint],
        digest: &Digest,
        size: u64,
        from: u64,
    ) -> BlobReader<'a> {
        BlobReader {
            registry: self,
            endpoints,
            elsewhere: VecDeque::new(),
            digest: digest.clone(),
            size,
            at: from.min(size),
            open: None,
            fruitless: 0,
            furthest: from.min(size),
            transferred: 0,
        }
    }
}

impl BlobReader<'_> {
    /// Goes on with `urls` where no endpoint has the blob: those of its descriptor, of which only https ones are asked,
    /// as anybody would ask. Source: OCI image-spec 1.1, descriptor.md, `urls`.
    #[must_use]
    pub fn or_at(mut self, urls: &[String]) -> Self {
        let urls = urls.iter().filter_map(|url| Url::parse(url).ok());
        let urls = urls.filter(|url| url.scheme() == "https");
        self.elsewhere = urls.take(MAX_URLS).collect();
        self
    }

    /// How many bytes of bodies came over the network so far.
    pub fn transferred(&self) -> u64 {
        self.transferred
    }

    /// Leaves the endpoint that is being asked, as one whose bytes are wrong, and begins anew at byte 0 with
    /// the next one. False if there is none.
    pub fn restart_elsewhere(&mut self) -> bool {
        self.open = None;
        self.at = 0;
        self.furthest = 0;
        self.next_endpoint()
    }

    fn next_endpoint(&mut self) -> bool {
        self.fruitless = 0;
        match self.endpoints {
            [_, rest @ ..] => {
                self.endpoints = rest;
                !rest.is_empty() || !self.elsewhere.is_empty()
            }
            [] => {
                self.elsewhere.pop_front();
                !self.elsewhere.is_empty()
            }
        }
    }

    fn what(&self) -> String {
        format!("blob {}", self.digest)
    }

    /// The answer of the place that is to be asked now.
    fn answer(&self) -> Result<Response, RegistryError> {
        let mut headers = HeaderMap::new();
        if self.at > 0
            && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.at))
        {
            headers.insert(RANGE, range);
        }
        let Some(endpoint) = self.endpoints.first() else {
            return match self.elsewhere.front() {
                Some(url) => Ok(self.registry.http.send(&Request {
                    headers,
                    ..Request::new(Method::GET, url)
                })?),
                None => Err(RegistryError::Missing {
                    what: self.what(),
                    registry: "any place".to_owned(),
                    message: String::new(),
                }),
            };
        };
        let path = format!("blobs/{}", self.digest);
        let url = self.registry.url(endpoint, &path)?;
        let ask = Ask {
            headers,
            ..Ask::get(&url)
        };
        self.registry.ask(endpoint, &ask)
    }

    /// Asks for what is missing.
    fn ask(&mut self) -> Result<Open, RegistryError> {
        let answer = self.answer()?;
        let wrong = |reason: String| RegistryError::Answer {
            request: answer.request().clone(),
            reason,
        };
        let length = answer.content_length();
        let skip = match answer.status().as_u16() {
            200 => {
                if let Some(length) = length.filter(|length| *length != self.size) {
                    let size = self.size;
                    return Err(wrong(format!(
                        "the blob is {length} bytes long, but the manifest says {size}"
                    )));
                }
                self.at
            }
            206 if self.at > 0 => {
                let range = answer.headers().get(CONTENT_RANGE);
                let range = range.and_then(|value| ContentRange::parse(value.to_str().ok()?));
                let fits = range.is_some_and(|range| {
                    range.first == Some(self.at) && range.total == Some(self.size)
                });
                if !fits {
                    return Err(wrong(
                        "the answer is another part than was asked for".to_owned(),
                    ));
                }
                0
            }
            _ => {
                return Err(match self.endpoints.first() {
                    Some(endpoint) => self.registry.refused(endpoint, answer, &self.what()),
                    None => answer.into_status_error().into(),
                });
            }
        };
        let pacer = Pacer::new(self.registry.http.config().pace, Instant::now());
        let mut open = Open { answer, pacer };
        // A registry that knows no ranges sends what is there already once more.
        let mut left = skip;
        let mut piece = vec![0; SKIP.min(usize::try_from(skip).unwrap_or(SKIP))];
        while left > 0 {
            let most = piece.len().min(usize::try_from(left).unwrap_or(SKIP));
            let read = open.read(&mut piece[..most])?;
            self.transferred += read as u64;
            left -= read as u64;
        }
        Ok(open)
    }

    /// Deals with a connection that failed; gives the error back if nothing is left to try.
    fn failed(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        self.open = None;
        self.fruitless = match self.at >= self.furthest.saturating_add(PROGRESS) {
            true => 1,
            false => self.fruitless + 1,
        };
        self.furthest = self.furthest.max(self.at);
        let pause = match &error {
            RegistryError::Http(HttpError::Transport { source, .. }) => {
                let retry = self.registry.http.config().retry;
                retry.after_error(self.fruitless, source)
            }
            _ => None,
        };
        if let Some(pause) = pause {
            tracing::debug!("{error}; to be resumed at {}", self.at);
            std::thread::sleep(pause);
            return Ok(());
        }
        if !self.next_endpoint() {
            return Err(error);
        }
        tracing::warn!("{error}; going on at the next place");
        Ok(())
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let open = self.ask()?;
                self.open.insert(open)
            }
        };
        let left = self.size - self.at;
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = open.read(&mut buffer[..most])?;
        self.at += read as u64;
        self.transferred += read as u64;
        Ok(read)
    }
}

impl Open {
    /// Reads at least one byte.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        let source = match self.answer.read(buffer) {
            Ok(0) => TransportError::Cut,
            Ok(read) if self.pacer.keeps_up(read as u64, Instant::now()) => return Ok(read),
            Ok(_) => TransportError::TooSlow,
            Err(error) => TransportError::of_read(&error),
        };
        let request = self.answer.request().clone();
        Err(HttpError::Transport { request, source }.into())
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at == self.size {
            return Ok(0);
        }
        loop {
            match self.step(buffer) {
                Ok(read) => return Ok(read),
                Err(error) => self.failed(error).map_err(io::Error::other)?,
            }
        }
    }
}
