//! A request and its answer, apart from the connection that they come over.

/// A request as the service looks at it.
#[derive(Clone, Copy, Debug)]
pub struct MetadataRequest<'a> {
    /// `GET` and so on.
    pub method: &'a str,
    /// The path, still with its escapes.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: &'a str,
    /// The header of this name, if it has one.
    pub content_type: Option<&'a str>,
    /// At most what the surface allows, see [`Surface::max_body`](super::Surface::max_body).
    pub body: &'a [u8],
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataReply {
    /// The HTTP status.
    pub status: u16,
    /// The header of this name.
    pub content_type: &'static str,
    /// What may be asked for instead, of a method that cannot.
    pub allow: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

/// Media type of manifests and lists. Source: appc spec, ace.md.
pub(super) const JSON: &str = "application/json";
/// Media type of single values. Source: as above.
pub(super) const ASCII: &str = "text/plain; charset=us-ascii";
/// Media type of texts for people.
const PROSE: &str = "text/plain; charset=utf-8";

impl MetadataReply {
    pub(super) fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type,
            allow: None,
            body: body.into(),
        }
    }

    pub(super) fn error(status: u16, text: impl std::fmt::Display) -> Self {
        Self {
            status,
            content_type: PROSE,
            allow: None,
            body: format!("{text}\n").into_bytes(),
        }
    }

    /// What the status means, for people.
    pub(super) fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            413 => "Content Too Large",
            417 => "Expectation Failed",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            _ => "",
        }
    }

    pub(super) fn wrong_method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::error(405, format_args!("only {allow} is possible here"))
        }
    }
}
