//! A request as it comes in, piece by piece: its head, then its body.
//!
//! Each connection carries one request, so nothing that follows it can be taken for another one.
//! Source: RFC 9112.

use httparse::{EMPTY_HEADER, Status, parse_chunk_size};

use super::request::MetadataReply;
use super::state::Surface;

/// Largest head of a request, in bytes, and the most headers.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Longest line about a chunk, or of a trailer, in bytes.
const MAX_LINE: usize = 1024;

/// The head of a request, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    /// What was asked for, with its query.
    pub(super) target: String,
    pub(super) content_type: Option<String>,
    /// Whether the client waits for a word before it sends the body.
    pub(super) waits: bool,
}

impl Head {
    /// The path and the query of what was asked for.
    pub(super) fn path_and_query(&self) -> (&str, &str) {
        // From a client that takes us for a proxy it comes with the name of the host.
        let path = match self.target.split_once("://") {
            Some((_, rest)) if !self.target.starts_with('/') => {
                rest.find('/').map_or("/", |slash| &rest[slash..])
            }
            _ => self.target.as_str(),
        };
        path.split_once('?').unwrap_or((path, ""))
    }
}

/// A request of which some has come.
#[derive(Debug)]
pub(super) struct Incoming {
    limit: usize,
    /// What has come and was not looked at.
    raw: Vec<u8>,
    head: Option<Head>,
    rest: Rest,
    body: Vec<u8>,
}

/// What is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Head,
    /// So many bytes of the body.
    Body(usize),
    /// The line before a chunk.
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(usize),
    /// The end of the line behind a chunk.
    ChunkEnd,
    /// Lines behind the last chunk, up to an empty one.
    Trailer,
    Nothing,
}

impl Incoming {
    pub(super) fn new(surface: Surface) -> Self {
        Self {
            limit: surface.max_body(),
            raw: Vec::new(),
            head: None,
            rest: Rest::Head,
            body: Vec::new(),
        }
    }

    /// The head, once it has come.
    pub(super) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The body, as much of it as has come.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Takes what came; true once the request is complete.
    ///
    /// # Errors
    ///
    /// What to answer to a request that is none, or too large.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<bool, MetadataReply> {
        self.raw.extend_from_slice(bytes);
        let mut taken = 0;
        while self.rest != Rest::Nothing {
            let step = self.step(taken)?;
            match step {
                Some(length) => taken += length,
                None => break,
            }
        }
        self.raw.drain(..taken);
        Ok(self.rest == Rest::Nothing)
    }

    /// Looks at what follows the first `taken` bytes; how many of them are done with, `None` to wait for more.
    fn step(&mut self, taken: usize) -> Result<Option<usize>, MetadataReply> {
        let rest = &self.raw[taken..];
        match self.rest {
            Rest::Head => {
                let Some((head, body, length)) = head(rest)? else {
                    return Ok(None);
                };
                self.rest = match body {
                    Some(length) if length > self.limit => return Err(self.too_large()),
                    Some(0) => Rest::Nothing,
                    Some(length) => Rest::Body(length),
                    None => Rest::ChunkSize,
                };
                self.head = Some(head);
                Ok(Some(length))
            }
            Rest::Body(left) | Rest::Chunk(left) => {
                let length = left.min(rest.len());
                self.body.extend_from_slice(&rest[..length]);
                self.rest = match (self.rest, left - length) {
                    (Rest::Body(_), 0) => Rest::Nothing,
                    (Rest::Body(_), left) => Rest::Body(left),
                    (_, 0) => Rest::ChunkEnd,
                    (_, left) => Rest::Chunk(left),
                };
                Ok((length > 0 || left == 0).then_some(length))
            }
            Rest::ChunkSize => match parse_chunk_size(rest) {
                Ok(Status::Complete((length, 0))) => {
                    self.rest = Rest::Trailer;
                    Ok(Some(length))
                }
                Ok(Status::Complete((length, size))) => {
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    if size > self.limit - self.body.len() {
                        return Err(self.too_large());
                    }
                    self.rest = Rest::Chunk(size);
                    Ok(Some(length))
                }
                Ok(Status::Partial) => wait_for_line(rest),
                Err(_) => Err(bad("the body has a bad chunk")),
            },
            Rest::ChunkEnd => match rest {
                [b'\r', b'\n', ..] => {
                    self.rest = Rest::ChunkSize;
                    Ok(Some(2))
                }
                [] | [b'\r'] => Ok(None),
                _ => Err(bad("the body has a bad chunk")),
            },
            Rest::Trailer => match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    if matches!(&rest[..end], [] | [b'\r']) {
                        self.rest = Rest::Nothing;
                    }
                    Ok(Some(end + 1))
                }
                None => wait_for_line(rest),
            },
            Rest::Nothing => Ok(None),
        }
    }

    fn too_large(&self) -> MetadataReply {
        let limit = self.limit;
        MetadataReply::error(413, format_args!("the body is larger than {limit} bytes"))
    }
}

fn bad(text: &str) -> MetadataReply {
    MetadataReply::error(400, text)
}

fn wait_for_line(rest: &[u8]) -> Result<Option<usize>, MetadataReply> {
    match rest.len() > MAX_LINE {
        true => Err(bad("a line of the body is too long")),
        false => Ok(None),
    }
}

/// A head, the length of the body (`None` for one in chunks), and its own length; `None` to wait for more.
fn head(bytes: &[u8]) -> Result<Option<(Head, Option<usize>, usize)>, MetadataReply> {
    let too_large = || MetadataReply::error(431, "the head of the request is too large");
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(error) => return Err(bad(&format!("not a request: {error}"))),
    };
    if length > MAX_HEAD {
        return Err(too_large());
    }
    let mut head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        ..Head::default()
    };
    let (mut of_body, mut in_chunks) = (None, false);
    for header in request.headers {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        match header.name.to_ascii_lowercase().as_str() {
            "content-type" => head.content_type = Some(value.to_owned()),
            "expect" if value.eq_ignore_ascii_case("100-continue") => head.waits = true,
            "expect" => return Err(MetadataReply::error(417, "that cannot be expected")),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") && !in_chunks => {
                in_chunks = true;
            }
            "transfer-encoding" => {
                return Err(MetadataReply::error(
                    501,
                    "only chunked transfers are known",
                ));
            }
            "content-length" => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                if !digits || of_body.is_some() {
                    return Err(bad("the length of the body is none"));
                }
                // One that fits no number is too large as well.
                of_body = Some(value.parse().unwrap_or(usize::MAX));
            }
            _ => {}
        }
    }
    match (of_body, in_chunks) {
        // Whoever passed it on may have believed the other one.
        (Some(_), true) => Err(bad("the body has a length and is in chunks")),
        (None, true) => Ok(Some((head, None, length))),
        (of_body, false) => Ok(Some((head, Some(of_body.unwrap_or(0)), length))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Status 0 for a request that is not complete, 200 for one that is.
    fn push(pieces: &[&[u8]]) -> (u16, Incoming) {
        let mut incoming = Incoming::new(Surface::Public);
        let mut complete = false;
        for piece in pieces {
            complete = match incoming.push(piece) {
                Ok(complete) => complete,
                Err(reply) => return (reply.status, incoming),
            };
        }
        (if complete { 200 } else { 0 }, incoming)
    }

    #[test]
    fn requests_are_read_in_any_pieces_and_wrong_ones_refused() {
        let post = "POST /a HTTP/1.1\r\n";
        let chunked = format!("{post}Transfer-Encoding: Chunked\r\n\r\n");
        let many: String = (0..=MAX_HEADERS).map(|n| format!("X{n}: y\r\n")).collect();
        let long = "x".repeat(MAX_HEAD);
        for (text, status, body) in [
            (format!("{post}\r\n"), 200, ""),
            ("GET / HTTP/1.0\n\n".to_owned(), 200, ""),
            (format!("{post}Content-Length: 3\r\n\r\nabc"), 200, "abc"),
            (format!("{post}Content-Length: 3\r\n\r\nabcdef"), 200, "abc"),
            (format!("{post}Content-Length: 3\r\n\r\nab"), 0, "ab"),
            (
                format!("{chunked}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
                200,
                "abcde",
            ),
            (format!("{chunked}0\r\nTrailer: x\r\n\r\n"), 200, ""),
            (format!("{chunked}3\r\nabc\r\n"), 0, "abc"),
            (format!("{chunked}3\r\nabcd\r\n"), 400, "abc"),
            (format!("{chunked}x\r\n"), 400, ""),
            (format!("{chunked}ffffffffffffffff\r\n"), 413, ""),
            (format!("{chunked}1;{}", "x".repeat(MAX_LINE)), 400, ""),
            (
                format!("{chunked}0\r\n{}", "x".repeat(MAX_LINE + 1)),
                400,
                "",
            ),
            (format!("{post}Content-Length: 1048577\r\n\r\n"), 413, ""),
            (
                format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"),
                413,
                "",
            ),
            (format!("{post}Content-Length: -1\r\n\r\n"), 400, ""),
            (format!("{post}Content-Length: +1\r\n\r\n"), 400, ""),
            (format!("{post}Content-Length:\r\n\r\n"), 400, ""),
            (
                format!("{post}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
                400,
                "",
            ),
            (
                format!("{post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                400,
                "",
            ),
            (
                format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n"),
                501,
                "",
            ),
            (format!("{post}Expect: the unexpected\r\n\r\n"), 417, ""),
            (format!("{post}{many}\r\n"), 431, ""),
            (format!("{post}X: {long}\r\n\r\n"), 431, ""),
            (format!("{post}X: {long}"), 431, ""),
            ("nonsense\r\n\r\n".to_owned(), 400, ""),
            ("GET / HTTP/3.0\r\n\r\n".to_owned(), 400, ""),
            ("\0".to_owned(), 400, ""),
            (String::new(), 0, ""),
        ] {
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            for pieces in [vec![text.as_bytes()], bytes] {
                let (found, incoming) = push(&pieces);
                assert_eq!(found, status, "{text:.200}");
                assert_eq!(incoming.body(), body.as_bytes(), "{text:.200}");
            }
        }
    }

    #[test]
    fn what_matters_of_a_head_is_kept() {
        let text =
            "PUT http://x:1/a/b?c=d HTTP/1.1\r\ncontent-TYPE:  t \r\nExpect: 100-Continue\r\n\r\n";
        let (_, incoming) = push(&[text.as_bytes()]);
        let head = incoming.head().unwrap();
        assert_eq!(head.method, "PUT");
        assert_eq!(head.content_type.as_deref(), Some("t"));
        assert!(head.waits);
        for (target, path, query) in [
            ("http://x:1/a/b?c=d", "/a/b", "c=d"),
            ("http://x", "/", ""),
            ("/a://b?", "/a://b", ""),
            ("*", "*", ""),
            ("/?a?b", "/", "a?b"),
        ] {
            let target = target.to_owned();
            let head = Head {
                target,
                ..Head::default()
            };
            assert_eq!(head.path_and_query(), (path, query));
        }
    }

    proptest! {
        #[test]
        fn in_pieces_it_is_the_same_request(
            text in "(GET|POST) /[a-z]{0,5} HTTP/1\\.1\r\n(Content-Length: [0-9]\r\n|Transfer-Encoding: chunked\r\n)?\r\n([0-9a-f]\r\n)?[ -~\r\n]{0,30}",
            at in 0_usize..80,
        ) {
            let bytes = text.as_bytes();
            let (whole, all) = push(&[bytes]);
            let (pieces, parts) = push(&[&bytes[..at.min(bytes.len())], &bytes[at.min(bytes.len())..]]);
            prop_assert_eq!(whole, pieces);
            prop_assert_eq!(all.head(), parts.head());
            prop_assert_eq!(all.body(), parts.body());
        }

        #[test]
        fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (_, incoming) = push(&[&bytes]);
            prop_assert!(incoming.body().len() <= bytes.len());
        }
    }
}
