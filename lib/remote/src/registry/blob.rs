//! Blobs, as streams that outlive connections and servers.

use std::io::{self, Read};
use std::time::Instant;

use gantry_types::oci::Digest;

use super::Registry;
use super::conf::Endpoint;
use super::error::RegistryError;
use super::session::Ask;
use crate::download::ContentRange;
use crate::header::{CONTENT_RANGE, HeaderValue, RANGE};
use crate::pace::Pacer;
use crate::{HttpError, Response, TransportError};

/// What a connection has to bring, in bytes, for its end not to count against the server.
const PROGRESS: u64 = 16 * 1024;
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
            [_, rest @ ..] if !rest.is_empty() => {
                self.endpoints = rest;
                true
            }
            _ => false,
        }
    }

    fn what(&self) -> String {
        format!("blob {}", self.digest)
    }

    /// Asks the first endpoint for what is missing.
    fn ask(&mut self) -> Result<Open, RegistryError> {
        let Some(endpoint) = self.endpoints.first() else {
            return Err(RegistryError::Missing {
                what: self.what(),
                registry: "any registry".to_owned(),
                message: String::new(),
            });
        };
        let url = self
            .registry
            .url(endpoint, &format!("blobs/{}", self.digest))?;
        let mut ask = Ask::get(&url);
        if self.at > 0
            && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.at))
        {
            ask.headers.insert(RANGE, range);
        }
        let answer = self.registry.ask(endpoint, &ask)?;
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
            _ => return Err(self.registry.refused(endpoint, answer, &self.what())),
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
        tracing::warn!(
            "{error}; going on with {}",
            self.endpoints[0].reference.registry()
        );
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
