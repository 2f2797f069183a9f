//! What a client asks.

use std::io::{self, BufRead, Read};

/// The longest head of a request, in bytes.
const MAX_HEAD: u64 = 64 * 1024;

/// The longest body read, in bytes.
const MAX_BODY: u64 = 1024 * 1024;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The body, if its length was announced.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(super) fn read(stream: &mut impl BufRead, tls: bool) -> io::Result<Self> {
        let mut head = stream.by_ref().take(MAX_HEAD);
        let mut line = || {
            let mut line = String::new();
            head.read_line(&mut line)?;
            Ok::<_, io::Error>(line.trim_end().to_owned())
        };
        let start = line()?;
        let mut words = start.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut headers = Vec::new();
        loop {
            let line = line()?;
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
                None => break,
            }
        }
        let mut request = Self {
            method,
            target,
            tls,
            body: Vec::new(),
            headers,
        };
        let length = request.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        stream
            .take(length.min(MAX_BODY))
            .read_to_end(&mut request.body)?;
        Ok(request)
    }

    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether a discovery page is asked for.
    pub fn asks_for_discovery(&self) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair == "ac-discovery=1")
    }
}
