//! What the service knows, and the two ways to ask it.
//!
//! Errors are 400 for what is malformed, 401 for a token of no pod, 403 for a signature that is none, 404 for
//! an app, an annotation or an address that is not there, 405 for a method that cannot be.

use super::form::unescape;
use super::incoming::Incoming;
use super::key::SigningKey;
use super::registry::Registry;
use super::request::{MetadataReply, MetadataRequest};

/// Which of the two a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The socket for root: pods are registered.
    Registration,
    /// The port for apps: they ask about their pod.
    Public,
}

impl Surface {
    /// The largest body that a request may have, in bytes.
    ///
    /// Manifests of pods as large as those that are read elsewhere, and texts to be signed as large as anybody
    /// signs who does not sign a digest.
    #[must_use]
    pub fn max_body(self) -> usize {
        match self {
            Self::Registration => 16 * 1024 * 1024,
            Self::Public => 1024 * 1024,
        }
    }
}

/// What the service knows, and what it signs with.
#[derive(Debug)]
pub struct MetadataState {
    pub(super) key: SigningKey,
    pub(super) registry: Registry,
}

impl MetadataState {
    /// No pods yet.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        let registry = Registry::default();
        Self { key, registry }
    }

    /// How many pods are known.
    #[must_use]
    pub fn pods(&self) -> usize {
        self.registry.len()
    }

    /// What is answered to bytes that come over a connection; `None` while they are not a whole request.
    pub fn answer_bytes(&mut self, surface: Surface, bytes: &[u8]) -> Option<MetadataReply> {
        let mut incoming = Incoming::new(surface);
        match incoming.push(bytes) {
            Ok(true) => Some(self.answer_to(surface, &incoming)),
            Ok(false) => None,
            Err(refused) => Some(refused),
        }
    }

    /// Answers a request that is complete.
    pub(super) fn answer_to(&mut self, surface: Surface, incoming: &Incoming) -> MetadataReply {
        let Some(head) = incoming.head() else {
            return malformed("not a request");
        };
        let (path, query) = head.path_and_query();
        let request = MetadataRequest {
            method: &head.method,
            path,
            query,
            content_type: head.content_type.as_deref(),
            body: incoming.body(),
        };
        self.answer(surface, &request)
    }

    /// Answers a request.
    pub fn answer(&mut self, surface: Surface, request: &MetadataRequest<'_>) -> MetadataReply {
        let result = match surface {
            Surface::Registration => self.registration(request),
            Surface::Public => self.public(request),
        };
        result.unwrap_or_else(|refused| refused)
    }
}

/// What is answered; as an error what ends the work at a request early.
pub(super) type Answer = Result<MetadataReply, MetadataReply>;

pub(super) fn malformed(text: impl std::fmt::Display) -> MetadataReply {
    MetadataReply::error(400, text)
}

pub(super) fn no_such_address() -> MetadataReply {
    MetadataReply::error(404, "404 page not found")
}

pub(super) fn no_such_app() -> MetadataReply {
    MetadataReply::error(404, "app not found")
}

/// The path without escapes.
pub(super) fn path(request: &MetadataRequest<'_>) -> Result<String, MetadataReply> {
    let path = unescape(request.path.as_bytes(), false);
    path.and_then(|path| String::from_utf8(path).ok())
        .ok_or_else(|| malformed("malformed path"))
}
