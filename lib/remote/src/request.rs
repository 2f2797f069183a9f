//! A request that is more than a question for a URL.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking;
use reqwest::header::HeaderMap;
use url::Url;

use crate::Credential;

/// The slowest that a body may go out, in bytes a second, before the wait for the answer ends.
const SLOWEST: u64 = 4 * 1024;

/// A request for [`HttpClient::send`](crate::HttpClient::send).
pub struct Request<'a> {
    /// What to do with the resource.
    pub method: Method,
    /// Where it is; user information in it is not sent.
    pub url: &'a Url,
    /// Further headers, which go to every host on the way: no credentials.
    pub headers: HeaderMap,
    /// Who we are, for the host of the URL only.
    pub credential: Option<&'a Credential>,
    /// What to send.
    pub body: Body<'a>,
    /// Takes any certificate of the host of the URL; of others that it redirects to it does not.
    pub insecure_tls: bool,
    /// How often to try at most, whatever the client's [retry policy](crate::RetryPolicy) says.
    pub tries: u32,
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// None at all.
    Nothing,
    /// These bytes.
    Bytes(&'a [u8]),
    /// A part of a file, whose position does not matter.
    File(FilePart<'a>),
}

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub struct FilePart<'a> {
    /// The file.
    pub file: &'a File,
    /// Where the part begins, in bytes.
    pub first: u64,
    /// How long it is, in bytes.
    pub length: u64,
}

impl PartialEq for FilePart<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.file, other.file)
            && (self.first, self.length) == (other.first, other.length)
    }
}

impl Eq for FilePart<'_> {}

impl<'a> Request<'a> {
    /// A request without body and credential.
    pub fn new(method: Method, url: &'a Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            credential: None,
            body: Body::Nothing,
            insecure_tls: false,
            tries: u32::MAX,
        }
    }

    /// Whether doing it twice is no different from doing it once, and it can be repeated elsewhere.
    pub(crate) fn is_safe(&self) -> bool {
        self.body == Body::Nothing && matches!(self.method, Method::GET | Method::HEAD)
    }
}

impl Body<'_> {
    fn length(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(part) => part.length,
        }
    }

    /// How long to wait for the answer: `idle` and what the body may take.
    pub(crate) fn patience(&self, idle: Duration) -> Duration {
        idle.saturating_add(Duration::from_secs(self.length() / SLOWEST))
    }

    /// The body for the HTTP library.
    pub(crate) fn for_sending(&self) -> io::Result<Option<blocking::Body>> {
        Ok(match self {
            Self::Nothing => None,
            Self::Bytes(bytes) => Some(bytes.to_vec().into()),
            Self::File(part) => {
                let reader = PartReader {
                    file: part.file.try_clone()?,
                    at: part.first,
                    left: part.length,
                };
                Some(blocking::Body::sized(reader, part.length))
            }
        })
    }
}

/// Reads a part of a file. The position is set before each read, for others may have the file too.
struct PartReader {
    file: File,
    at: u64,
    left: u64,
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = (&self.file).take(self.left).read(buffer)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
