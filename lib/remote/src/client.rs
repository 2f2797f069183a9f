//! The HTTP client: one GET, with redirects, credentials and retries.

use std::time::Instant;

use reqwest::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue};
use url::Url;

use crate::credentials::Credential;
use crate::route::{Clients, Route};
use crate::{
    ClientConfig, HttpError, RedactedUrl, RedirectError, RequestLine, Response, TransportError,
    redirect,
};

/// Asks for URLs, one at a time per call; connections are kept and shared between calls and threads.
pub struct HttpClient {
    config: ClientConfig,
    clients: Clients,
}

/// What of a request stays the same on its way through redirects and retries.
struct Asking<'a> {
    headers: &'a HeaderMap,
    deadline: Option<Instant>,
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
        let deadline = Instant::now().checked_add(self.config.total_timeout);
        let asking = Asking { headers, deadline };
        let mut credential = self.credential(url);
        let mut at = url.clone();
        let _ = at.set_username("");
        let _ = at.set_password(None);
        for _ in 0..=redirect::LIMIT {
            let answer = self.patiently(&at, &asking, credential.as_ref())?;
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
                credential = None;
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

    /// What only the host of `url` may see: as configured for it, or else as written in the URL.
    fn credential(&self, url: &Url) -> Option<Credential> {
        let configured = self.config.credentials.for_url(url);
        configured.cloned().or_else(|| Credential::of_url(url))
    }

    /// One hop, repeated as the retry policy says.
    fn patiently(
        &self,
        url: &Url,
        asking: &Asking<'_>,
        credential: Option<&Credential>,
    ) -> Result<Response, HttpError> {
        let policy = self.config.retry;
        let mut tried = 1;
        loop {
            let result = self.once(url, asking, credential);
            let pause = match &result {
                Ok(answer) => policy.after_answer(tried, answer.status, &answer.headers),
                Err(HttpError::Transport { source, .. }) => policy.after_error(tried, source),
                Err(_) => None,
            };
            let Some(pause) = pause else { return result };
            let in_time = asking
                .deadline
                .is_none_or(|deadline| Instant::now() + pause < deadline);
            if !in_time {
                return result;
            }
            tracing::debug!("{} to be repeated", RequestLine::get(url));
            std::thread::sleep(pause);
            tried += 1;
        }
    }

    fn once(
        &self,
        url: &Url,
        asking: &Asking<'_>,
        credential: Option<&Credential>,
    ) -> Result<Response, HttpError> {
        let request = RequestLine::get(url);
        let unsupported = || HttpError::UnsupportedUrl {
            url: RedactedUrl::new(url),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unsupported());
        }
        let route = Route::of(&self.config, url).ok_or_else(unsupported)?;
        let mut sent_url = url.clone();
        let mut sent = asking.headers.clone();
        sent.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(credential) = credential {
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
        let client = self
            .clients
            .get(&self.config, &route)
            .map_err(|source| HttpError::Setup { source })?;
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
            deadline: asking.deadline,
            body,
        })
    }
}

#[cfg(test)]
mod tests;
