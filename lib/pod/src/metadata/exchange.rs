//! One request to the service and its answer, without more of HTTP than that takes.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use gantry_types::show::harmless;

use super::server::PORT_HEADER;

/// How long the service may take for one step.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The port of the service, if it says.
    pub(super) port: Option<u16>,
    /// The first line of the body.
    pub(super) text: String,
}

impl Answer {
    /// Sends a request over a connection that is for nothing else, and reads the answer.
    pub(super) fn to(
        mut stream: UnixStream,
        method: &str,
        uri: &str,
        body: &[u8],
    ) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let length = body.len();
        let head = format!(
            "{method} {uri} HTTP/1.1\r\nHost: metadata-svc\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        // One that refuses may answer before it has read all.
        let written = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        let mut answer = Vec::new();
        let read = stream.take(MAX_ANSWER).read_to_end(&mut answer);
        if answer.is_empty() {
            written.and(read)?;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::parse(&answer).ok_or_else(|| {
            let text = "what answers there does not speak HTTP";
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Reads an answer as far as it matters; `None` if it is none.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let (version, rest) = lines.next()?.split_once(' ')?;
        let status = rest.split(' ').next()?;
        if !version.starts_with("HTTP/1.") || status.len() != 3 {
            return None;
        }
        let port = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(PORT_HEADER))
            .and_then(|(_, value)| value.trim().parse().ok());
        let text: String = body
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect();
        Some(Self {
            status: status.parse().ok()?,
            port,
            text: harmless(&text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_read_as_far_as_they_matter() {
        let answer = |status, port, text: &str| {
            let text = text.to_owned();
            Some(Answer { status, port, text })
        };
        for (bytes, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", answer(200, None, "")),
            (
                "HTTP/1.1 200 OK\r\nMetadata-Service-Port: 81\r\n\r\n",
                answer(200, Some(81), ""),
            ),
            (
                "HTTP/1.0 404\r\nmetadata-service-port: 65536\r\n\r\ngone\u{1b}[2J\nmore",
                answer(404, None, r"gone\u{1b}[2J"),
            ),
            ("HTTP/1.1 200 OK\r\n", None),
            ("HTTP/2 200 OK\r\n\r\n", None),
            ("HTTP/1.1 2000\r\n\r\n", None),
            ("HTTP/1.1 -20\r\n\r\n", None),
            ("SSH-2.0-x\r\n\r\n", None),
            ("", None),
        ] {
            assert_eq!(Answer::parse(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(answer) = Answer::parse(&bytes) {
                prop_assert!(answer.status < 1000 && !answer.text.contains('\n'));
            }
        }
    }
}
