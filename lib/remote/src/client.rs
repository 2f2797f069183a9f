//! The HTTP client: one request, with redirects, credentials and retries.

use std::time::Instant;

use reqwest::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::credentials::{Credential, confidential};
use crate::host_tls::{self, Tls};
use crate::request::Body;
use crate::route::{Clients, Route};
use crate::{
    ClientConfig, HttpError, RedactedUrl, RedirectError, Request, RequestLine, Response,
    TransportError, redirect,
};

/// Asks for URLs, one at a time per call; connections are kept and shared between calls and threads.
pub struct HttpClient {
    config: ClientConfig,
    clients: Clients,
}

impl HttpClient {
    /// A client that works by `config`; nothing is read or connected to before the first request.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }

    /// What the client works by.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Asks for `url` and returns whatever final answer comes; check it with
    /// [`Response::error_for_status`].
    ///
    /// User information in `url` and the host's [credential](crate::HostCredentials) are sent to that
    /// host only, and over https only (or to a loopback address); a redirect to another scheme, host or
    /// port ends that for good.
    ///
    /// # Errors
    ///
    /// No answer after the tries of the [retry policy](crate::RetryPolicy) or within
    /// [`ClientConfig::total_timeout`], or a redirect that must not be followed: more than ten, to
    /// something else than http and https, or from https to http without
    /// [`ClientConfig::allow_downgrade`].
    pub fn get(&self, url: &Url) -> Result<Response, HttpError> {
        self.get_with(url, &HeaderMap::new())
    }

    /// [`get`](Self::get) with further headers, which go to every host on the way: no credentials.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with(&self, url: &Url, headers: &HeaderMap) -> Result<Response, HttpError> {
        let credential = self.credential(url);
        self.send(&Request {
            headers: headers.clone(),
            credential: credential.as_ref(),
            ..Request::new(Method::GET, url)
        })
    }

    /// Sends `request` and returns whatever final answer comes.
    ///
    /// Its credential goes where [`get`](Self::get) sends that of a host, and what is configured for the
    /// host is not looked at. A request with a body, or with another method than GET and HEAD, is not
    /// sent anywhere else, a redirect is its answer, and repeated only when it was turned away with 429.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and a body that cannot be read.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, HttpError> {
        let deadline = Instant::now().checked_add(self.config.total_timeout);
        let mut credential = request.credential.filter(|_| confidential(request.url));
        let mut at = request.url.clone();
        let _ = at.set_username("");
        let _ = at.set_password(None);
        let mut own = true;
        for _ in 0..=redirect::LIMIT {
            let hop = Hop {
                request,
                url: &at,
                credential,
                own,
                deadline,
            };
            let answer = self.patiently(&hop)?;
            if !redirect::is_redirect(answer.status) || !request.is_safe() {
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
                credential = None;
                own = false;
            }
            tracing::debug!("redirected to {}", RedactedUrl::new(&to));
            at = to;
        }
        let limit = redirect::LIMIT;
        Err(HttpError::Redirect {
            request: RequestLine::new(&request.method, request.url),
            source: RedirectError::TooMany { limit },
        })
    }

    /// What only the host of `url` may see: as configured for it, or else as written in the URL.
    fn credential(&self, url: &Url) -> Option<Credential> {
        let configured = self.config.credentials.for_url(url);
        configured.cloned().or_else(|| Credential::of_url(url))
    }

    /// One hop, repeated as the retry policy says.
    fn patiently(&self, hop: &Hop<'_>) -> Result<Response, HttpError> {
        let policy = self.config.retry;
        let safe = hop.request.is_safe();
        let mut tried = 1;
        loop {
            let result = self.once(hop);
            let pause = match &result {
                _ if tried >= hop.request.tries => None,
                // Of a request that is turned away for now nothing was done.
                Ok(answer) if safe || answer.status == StatusCode::TOO_MANY_REQUESTS => {
                    policy.after_answer(tried, answer.status, &answer.headers)
                }
                Err(HttpError::Transport { source, .. }) if safe => {
                    policy.after_error(tried, source)
                }
                _ => None,
            };
            let Some(pause) = pause else { return result };
            let in_time = hop
                .deadline
                .is_none_or(|deadline| Instant::now() + pause < deadline);
            if !in_time {
                return result;
            }
            tracing::debug!("{} to be repeated", hop.line());
            std::thread::sleep(pause);
            tried += 1;
        }
    }

    /// How the certificate of the server is looked at.
    fn tls(&self, hop: &Hop<'_>) -> Tls {
        if self.config.insecure_tls || (hop.own && hop.request.insecure_tls) {
            return Tls::Unverified;
        }
        match host_tls::directory(&self.config.certificates, hop.url) {
            Some(directory) => Tls::Directory(directory),
            None => Tls::Usual,
        }
    }

    fn once(&self, hop: &Hop<'_>) -> Result<Response, HttpError> {
        let (url, request) = (hop.url, hop.line());
        let unsupported = || HttpError::UnsupportedUrl {
            url: RedactedUrl::new(url),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unsupported());
        }
        let route = Route::of(&self.config, url).ok_or_else(unsupported)?;
        let mut sent_url = url.clone();
        let mut sent = hop.request.headers.clone();
        sent.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(credential) = hop.credential {
            sent.extend(credential.headers(url, (self.config.clock)()));
        }
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
        let client = self.clients.get(&self.config, route, self.tls(hop))?;
        tracing::debug!("{request}");
        let method = hop.request.method.clone();
        let mut sending = client.request(method, sent_url).headers(sent);
        let body = &hop.request.body;
        if let Some(body) = body.for_sending().map_err(|source| HttpError::Body {
            request: request.clone(),
            source,
        })? {
            sending = sending.body(body);
        }
        if *body != Body::Nothing {
            // Of other requests this would be the limit for the whole answer.
            sending = sending.timeout(body.patience(self.config.idle_timeout));
        }
        let answer = sending.send();
        let mut body = answer.map_err(|error| HttpError::Transport {
            request: request.clone(),
            source: TransportError::of(&error),
        })?;
        Ok(Response {
            url: url.clone(),
            request,
            status: body.status(),
            headers: std::mem::take(body.headers_mut()),
            deadline: hop.deadline,
            body,
        })
    }
}

/// A request on its way to one server.
struct Hop<'a> {
    request: &'a Request<'a>,
    url: &'a Url,
    credential: Option<&'a Credential>,
    /// Whether this is still the server that the request is for.
    own: bool,
    deadline: Option<Instant>,
}

impl Hop<'_> {
    fn line(&self) -> RequestLine {
        RequestLine::new(&self.request.method, self.url)
    }
}

#[cfg(test)]
mod tests;
