//! Bringing images to a registry.

use std::fs::File;

use gantry_types::oci::{Algorithm, Digest};
use url::Url;

use super::conf::Endpoint;
use super::error::RegistryError;
use super::manifest::digest_of;
use super::session::Ask;
use super::{Access, Registry};
use crate::header::{
    CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE,
};
use crate::redirect::same_origin;
use crate::{Body, FilePart, HttpError, Method, Response};

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A blob to be brought to a registry.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Its digest.
    pub digest: &'a Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its bytes, from the first on.
    pub file: &'a File,
    /// Another repository at the same registry that may have it.
    pub from: Option<&'a str>,
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there.
    Present,
    /// The registry took it from the other repository.
    Mounted,
    /// It was sent.
    Sent,
}

impl Registry {
    /// Brings a blob to the repository of `endpoint`, unless it is there.
    ///
    /// A connection that is cut is taken up again where the registry says that it ended, as often as the
    /// client's [retry policy](crate::RetryPolicy) says.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub fn push_blob(
        &self,
        endpoint: &Endpoint,
        upload: &Upload<'_>,
    ) -> Result<Uploaded, RegistryError> {
        let what = format!("blob {}", upload.digest);
        let url = self.url(endpoint, &format!("blobs/{}", upload.digest))?;
        let there = self.ask(endpoint, &asking(Method::HEAD, &url, Body::Nothing))?;
        match there.status().as_u16() {
            200 => return Ok(Uploaded::Present),
            404 => {}
            _ => return Err(self.refused(endpoint, there, &what)),
        }
        let mut url = self.url(endpoint, "blobs/uploads/")?;
        if let Some(from) = upload.from {
            let mount = upload.digest.to_string();
            url.query_pairs_mut()
                .extend_pairs([("mount", mount.as_str()), ("from", from)]);
        }
        let begun = self.ask(endpoint, &asking(Method::POST, &url, Body::Bytes(b"")))?;
        let mut place = match begun.status().as_u16() {
            201 => return Ok(Uploaded::Mounted),
            202 => location(&begun, &url)?,
            _ => return Err(self.refused(endpoint, begun, &what)),
        };
        place = self.send_all(endpoint, upload, place, &what)?;
        place
            .query_pairs_mut()
            .append_pair("digest", &upload.digest.to_string());
        let done = self.ask(endpoint, &asking(Method::PUT, &place, Body::Bytes(b"")))?;
        match done.status().as_u16() {
            201 => Ok(Uploaded::Sent),
            _ => Err(self.refused(endpoint, done, &what)),
        }
    }

    /// Sends the bytes of a blob to `place`, and gives the place to say that this is all.
    fn send_all(
        &self,
        endpoint: &Endpoint,
        upload: &Upload<'_>,
        mut place: Url,
        what: &str,
    ) -> Result<Url, RegistryError> {
        let mut sent = 0;
        let mut tried = 0;
        loop {
            let part = FilePart {
                file: upload.file,
                first: sent,
                length: upload.size - sent,
            };
            let mut ask = asking(Method::PATCH, &place, Body::File(part));
            ask.headers.insert(CONTENT_TYPE, OCTETS);
            if sent > 0
                && let Ok(range) = HeaderValue::try_from(format!("{sent}-{}", upload.size - 1))
            {
                ask.headers.insert(CONTENT_RANGE, range);
            }
            let error = match self.ask(endpoint, &ask) {
                Ok(answer) if answer.status().as_u16() == 202 => return location(&answer, &place),
                Ok(answer) => return Err(self.refused(endpoint, answer, what)),
                Err(error) => error,
            };
            tried += 1;
            let pause = match &error {
                RegistryError::Http(HttpError::Transport { source, .. }) => {
                    self.http.config().retry.after_error(tried, source)
                }
                _ => None,
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            std::thread::sleep(pause);
            let state = self.ask(endpoint, &asking(Method::GET, &place, Body::Nothing))?;
            if state.status().as_u16() != 204 {
                return Err(error);
            }
            sent = received(&state).min(upload.size);
            place = location(&state, &place)?;
            tracing::debug!("{error}; to be resumed at {sent}");
        }
    }

    /// Brings a manifest or an index to where `endpoint` says, which names a tag or the digest of these
    /// bytes, and gives its digest.
    ///
    /// # Errors
    ///
    /// [`RegistryError`]; [`Digest`](RegistryError::Digest) also if the registry says another digest.
    pub fn push_manifest(
        &self,
        endpoint: &Endpoint,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        let version = endpoint.reference.version();
        let what = format!("manifest {version}");
        let url = self.url(endpoint, &format!("manifests/{version}"))?;
        let mut ask = asking(Method::PUT, &url, Body::Bytes(bytes));
        if let Ok(value) = HeaderValue::try_from(media_type) {
            ask.headers.insert(CONTENT_TYPE, value);
        }
        let answer = self.ask(endpoint, &ask)?;
        if answer.status().as_u16() != 201 {
            return Err(self.refused(endpoint, answer, &what));
        }
        let said = answer
            .headers()
            .get(HeaderName::from_static("docker-content-digest"));
        let said = said.and_then(|value| value.to_str().ok()?.parse::<Digest>().ok());
        let own = |algorithm| digest_of(algorithm, bytes);
        if let Some(found) = said.filter(|said| *said != own(said.algorithm())) {
            return Err(RegistryError::Digest {
                what,
                expected: own(found.algorithm()),
                found,
            });
        }
        Ok(own(Algorithm::Sha256))
    }
}

fn asking<'a>(method: Method, url: &'a Url, body: Body<'a>) -> Ask<'a> {
    Ask {
        method,
        url,
        headers: HeaderMap::new(),
        body,
        access: Access::Push,
    }
}

/// Where an upload goes on. To another host it does not: nobody there may know who we are.
fn location(answer: &Response, asked: &Url) -> Result<Url, RegistryError> {
    let value = answer.headers().get(LOCATION);
    let place = value.and_then(|value| asked.join(value.to_str().ok()?).ok());
    let wrong = |reason: &str| RegistryError::Answer {
        request: answer.request().clone(),
        reason: reason.to_owned(),
    };
    match place {
        None => Err(wrong("the answer does not say where the upload goes on")),
        Some(place) if !same_origin(&place, asked) => {
            Err(wrong("the upload goes on at another host"))
        }
        Some(place) => Ok(place),
    }
}

/// How many bytes a registry has of an upload: `Range: 0-LAST`.
fn received(answer: &Response) -> u64 {
    let range = answer
        .headers()
        .get(RANGE)
        .and_then(|value| value.to_str().ok());
    let last = range.and_then(|range| {
        range
            .trim()
            .strip_prefix("bytes=")
            .unwrap_or(range.trim())
            .strip_prefix("0-")
    });
    // Nothing at all is told as 0-0 too.
    match last.and_then(|last| last.parse::<u64>().ok()) {
        None | Some(0) => 0,
        Some(last) => last.saturating_add(1),
    }
}
