//! The HTTP client: one GET, with redirects, credentials and retries.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::StatusCode;
use reqwest::blocking;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue,
};
use url::Url;

use crate::host_headers::is_loopback;
use crate::resolver::{Fixed, Resolver};
use crate::{
    ClientConfig, HttpError, RedactedUrl, RedirectError, RequestLine, TransportError, redirect,
};

/// The most header lines accepted in an answer.
const MAX_HEADERS: usize = 128;
/// The largest header block accepted over HTTP/2, in bytes.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// How much of an answer's text an error shows, in bytes.
const EXCERPT_BYTES: u64 = 200;

/// Asks for URLs, one at a time per call; connections are kept and shared between calls and threads.
pub struct HttpClient {
    config: ClientConfig,
    resolver: Resolver,
    tls: OnceLock<rustls::ClientConfig>,
    clients: Mutex<HashMap<Route, blocking::Client>>,
}

/// How a request gets to its server.
///
/// The HTTP library maps names to addresses for a whole client, so each place that a `--connect-to` rule
/// redirects has a client of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Route {
    /// By the proxies configured, or directly where they do not apply.
    Usual,
    /// Directly: the host is this machine.
    Loopback,
    /// To another address than the URL's.
    Elsewhere {
        host: String,
        port: u16,
        to_host: String,
        to_port: u16,
    },
}

/// The answer to a request: its head, and its body to be read.
pub struct Response {
    url: Url,
    request: RequestLine,
    status: StatusCode,
    headers: HeaderMap,
    body: blocking::Response,
}

impl HttpClient {
    /// A client that works by `config`; nothing is read or connected to before the first request.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            resolver: Resolver::default(),
            tls: OnceLock::new(),
            clients: Mutex::new(HashMap::new()),
        }
    }

    /// What the client works by.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Asks for `url` and returns whatever final answer comes; check it with
    /// [`Response::error_for_status`].
    ///
    /// User information in `url` and the host's [headers](crate::HostHeaders) are sent to that host
    /// only, and over https only (or to a loopback address); a redirect to another scheme, host or port
    /// ends that for good.
    ///
    /// # Errors
    ///
    /// No answer after the tries of the [retry policy](crate::RetryPolicy), or a redirect that must
    /// not be followed: more than ten, to something else than http and https, or from https to http
    /// without [`ClientConfig::allow_downgrade`].
    pub fn get(&self, url: &Url) -> Result<Response, HttpError> {
        self.get_with(url, &HeaderMap::new())
    }

    /// [`get`](Self::get) with further headers, which go to every host on the way: no credentials.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with(&self, url: &Url, headers: &HeaderMap) -> Result<Response, HttpError> {
        let mut credentials = self.credentials(url);
        let mut at = url.clone();
        let _ = at.set_username("");
        let _ = at.set_password(None);
        for _ in 0..=redirect::LIMIT {
            let answer = self.patiently(&at, headers, &credentials)?;
            if !redirect::is_redirect(answer.status) {
                return Ok(answer);
            }
            let allow_downgrade = self.config.allow_downgrade;
            let to = redirect::target(&at, &answer.headers, allow_downgrade).map_err(|source| {
                HttpError::Redirect {
                    request: answer.request,
                    source,
                }
            })?;
            if !redirect::same_origin(&at, &to) {
                credentials = HeaderMap::new();
            }
            tracing::debug!("redirected to {}", RedactedUrl::new(&to));
            at = to;
        }
        let limit = redirect::LIMIT;
        Err(HttpError::Redirect {
            request: RequestLine::get(url),
            source: RedirectError::TooMany { limit },
        })
    }

    /// The headers that only the host of `url` may see.
    fn credentials(&self, url: &Url) -> HeaderMap {
        if let Some(headers) = self.config.host_headers.for_url(url) {
            return headers.clone();
        }
        let mut headers = HeaderMap::new();
        let given = !url.username().is_empty() || url.password().is_some();
        if given && (url.scheme() == "https" || is_loopback(url)) {
            headers.insert(AUTHORIZATION, basic(url));
        }
        headers
    }

    /// One hop, repeated as the retry policy says.
    fn patiently(
        &self,
        url: &Url,
        headers: &HeaderMap,
        credentials: &HeaderMap,
    ) -> Result<Response, HttpError> {
        let policy = self.config.retry;
        let mut tried = 1;
        loop {
            let result = self.once(url, headers, credentials);
            let pause = match &result {
                Ok(answer) => policy.after_answer(tried, answer.status, &answer.headers),
                Err(HttpError::Transport { source, .. }) => policy.after_error(tried, source),
                Err(_) => None,
            };
            let Some(pause) = pause else { return result };
            tracing::debug!("{} to be repeated", RequestLine::get(url));
            std::thread::sleep(pause);
            tried += 1;
        }
    }

    fn once(
        &self,
        url: &Url,
        headers: &HeaderMap,
        credentials: &HeaderMap,
    ) -> Result<Response, HttpError> {
        let request = RequestLine::get(url);
        let unsupported = || HttpError::UnsupportedUrl {
            url: RedactedUrl::new(url),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unsupported());
        }
        let route = self.route(url).ok_or_else(unsupported)?;
        let mut sent_url = url.clone();
        let mut sent = headers.clone();
        sent.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        sent.extend(credentials.clone());
        if let Route::Elsewhere { host, port, .. } = &route {
            if url.domain().is_none() {
                return Err(HttpError::ConnectToAddress { request });
            }
            if url.port().is_some() {
                // The connector takes the port of the rule only if the URL does not state one.
                let _ = sent_url.set_port(None);
                let value = HeaderValue::try_from(format!("{host}:{port}"));
                sent.insert(HOST, value.map_err(|_| unsupported())?);
            }
        }
        let client = self.client(&route)?;
        tracing::debug!("{request}");
        let answer = client.get(sent_url).headers(sent).send();
        let mut body = answer.map_err(|error| HttpError::Transport {
            request: request.clone(),
            source: TransportError::of(&error),
        })?;
        Ok(Response {
            url: url.clone(),
            request,
            status: body.status(),
            headers: std::mem::take(body.headers_mut()),
            body,
        })
    }

    fn route(&self, url: &Url) -> Option<Route> {
        let host = url.host_str()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default()?;
        let mut rules = self.config.connect_to.iter();
        if let Some(rule) = rules.find(|rule| rule.matches(bare, port)) {
            let (to_host, to_port) = rule.target(bare, port);
            if (to_host.as_str(), to_port) != (bare, port) {
                return Some(Route::Elsewhere {
                    host: host.to_owned(),
                    port,
                    to_host,
                    to_port,
                });
            }
        }
        Some(if is_loopback(url) {
            Route::Loopback
        } else {
            Route::Usual
        })
    }

    fn client(&self, route: &Route) -> Result<blocking::Client, HttpError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(route) {
            return Ok(client.clone());
        }
        let client = self
            .build(route)
            .map_err(|source| HttpError::Setup { source })?;
        clients.insert(route.clone(), client.clone());
        Ok(client)
    }

    fn build(&self, route: &Route) -> Result<blocking::Client, reqwest::Error> {
        let config = &self.config;
        let mut builder = blocking::Client::builder()
            .user_agent(&config.user_agent)
            .connect_timeout(config.connect_timeout)
            .timeout(config.idle_timeout)
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // Proxies come from the configuration, never from this process's environment.
            .no_proxy();
        builder = if config.insecure_tls {
            builder
                .tls_certs_only([])
                .tls_danger_accept_invalid_certs(true)
        } else {
            builder.tls_backend_preconfigured(self.tls())
        };
        match route {
            Route::Usual => {
                builder = builder.dns_resolver(Arc::new(self.resolver.clone()));
                for proxy in config.proxy.rules()? {
                    builder = builder.proxy(proxy);
                }
            }
            Route::Loopback => builder = builder.dns_resolver(Arc::new(self.resolver.clone())),
            Route::Elsewhere {
                to_host, to_port, ..
            } => {
                // HTTP/2 takes the authority from the URL, which no longer states the port.
                builder = builder.http1_only().dns_resolver(Arc::new(Fixed {
                    host: to_host.clone(),
                    port: *to_port,
                    resolver: self.resolver.clone(),
                }));
            }
        }
        builder.build()
    }

    fn tls(&self) -> rustls::ClientConfig {
        let settings = || crate::tls::settings(&self.config.roots);
        self.tls.get_or_init(settings).clone()
    }
}

/// User information of a URL as an `Authorization` header.
fn basic(url: &Url) -> HeaderValue {
    let text = |encoded: &str| -> Vec<u8> { percent_decode(encoded.as_bytes()) };
    let mut pair = text(url.username());
    pair.push(b':');
    pair.extend(text(url.password().unwrap_or_default()));
    let value = format!("Basic {}", base64(&pair));
    let mut value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

impl Response {
    /// The URL that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The length of the body as announced, in bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    pub(crate) fn request(&self) -> &RequestLine {
        &self.request
    }

    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    ///
    /// Any other status, with the start of the answer's text.
    pub fn error_for_status(self) -> Result<Self, HttpError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(self.into_status_error())
        }
    }

    /// The answer as the error that its status stands for.
    pub fn into_status_error(mut self) -> HttpError {
        let mut start = Vec::new();
        // The text only helps to explain; an answer that breaks off is reported without it.
        let _ = self
            .body
            .by_ref()
            .take(EXCERPT_BYTES)
            .read_to_end(&mut start);
        HttpError::Status {
            request: self.request,
            status: self.status,
            body: one_line(&start),
        }
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// A body of more than `limit` bytes, or one that breaks off.
    pub fn read_to_end(mut self, limit: u64) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        let read = self
            .by_ref()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes);
        read.map_err(|error| HttpError::Transport {
            request: self.request.clone(),
            source: TransportError::of_read(&error),
        })?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            Ok(bytes)
        } else {
            let request = self.request;
            Err(HttpError::TooLarge { request, limit })
        }
    }
}

impl Read for Response {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buf);
        read.map_err(|error| io::Error::other(TransportError::of_read(&error)))
    }
}

/// The first line of `bytes` if it is readable text; pages of HTML explain nothing on a terminal.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.starts_with('<') || line.contains(char::is_control) || line.contains('\u{fffd}') {
        return String::new();
    }
    line.to_owned()
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Base 64 of RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| usize::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= group.len() {
                text.push(char::from(DIGITS[bits >> (18 - 6 * place) & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
