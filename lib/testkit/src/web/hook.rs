//! The ways in which the server misbehaves.

use std::time::Duration;

/// A way in which the server treats requests for one path unlike a good server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// Answers with this status, and its number as text.
    Status(u16),
    /// Answers 401 with this `WWW-Authenticate` unless the `Authorization` is this.
    Wants(String, String),
    /// Sends the head and this many bytes of the body, then closes the connection.
    CutAfter(u64),
    /// Sends the head and this many bytes of the body, then resets the connection.
    ResetAfter(u64),
    /// Sends the head and this many bytes of the body, then nothing more, and keeps the connection.
    StallAfter(u64),
    /// Sends the body in pieces of so many bytes, with this pause after each.
    Trickle(usize, Duration),
    /// Closes the connection without any answer.
    Refuse,
    /// Keeps the connection without any answer.
    Silence,
    /// Waits before answering.
    Delay(Duration),
    /// Answers 302 with this `Location`.
    Redirect(String),
    /// Ignores `Range` and does not offer it.
    NoRanges,
    /// Sends neither `ETag` nor `Last-Modified`.
    NoValidators,
    /// Sends this `ETag` in place of its own, and no `Last-Modified`.
    Etag(String),
    /// Makes the `ETag` a weak one.
    WeakEtag,
    /// Announces this length of the body, whatever it is.
    Length(u64),
    /// Answers a request for a part with this `Content-Range` and the part asked for.
    ContentRange(String),
    /// Serves another body from the next request on.
    Then(Vec<u8>),
    /// Adds a header line to the answer.
    Header(String, String),
    /// Sends a body without length that never ends.
    Endless,
    /// Sends a body in chunks that never end.
    EndlessChunks,
    /// Sends the body in chunks without the last one, and closes the connection.
    ChunksWithoutEnd,
    /// Sends these bytes as they are, in place of an answer.
    Raw(Vec<u8>),
}

/// A way in which a secure connection fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is for another host.
    WrongHost,
    /// The certificate has expired.
    Expired,
    /// The certificate is signed by itself.
    SelfSigned,
    /// The server refuses every version of TLS that the client knows.
    OldProtocol,
    /// The server speaks plain http.
    Plain,
    /// The server closes the connection in the middle of the handshake.
    Cut,
}
