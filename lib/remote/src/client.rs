//! The HTTP client: one GET, with redirects, credentials and retries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::blocking;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use url::Url;

use crate::host_headers::is_loopback;
use crate::resolver::{Fixed, Resolver};
use crate::{
    ClientConfig, HttpError, RedactedUrl, RedirectError, RequestLine, Response, TransportError,
    basic_auth, redirect,
};

/// The most header lines accepted in an answer.
const MAX_HEADERS: usize = 128;
/// The largest header block accepted over HTTP/2, in bytes.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

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
            headers.insert(AUTHORIZATION, basic_auth::header(url));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gantry_testkit::web::{Hook, WebServer};

    use super::*;
    use crate::{HostHeaders, ProxyConfig, RetryPolicy, Roots};

    /// Settings for `server`, reached as `a.test` and `b.test` at the usual ports.
    fn config(server: &WebServer) -> ClientConfig {
        let rules = ["a.test", "b.test"].map(|host| server.connect_to(host));
        let mut config = ClientConfig::new("test/1");
        config.connect_to = ClientConfig::parse_rules(&rules.concat());
        config.roots = Roots::Paths {
            file: Some(server.ca_file().to_owned()),
            dirs: Vec::new(),
        };
        config.retry.pause = Duration::from_millis(1);
        config.idle_timeout = Duration::from_secs(5);
        config
    }

    impl ClientConfig {
        fn parse_rules(rules: &[String]) -> Vec<crate::ConnectTo> {
            rules.iter().map(|rule| rule.parse().unwrap()).collect()
        }
    }

    fn start() -> WebServer {
        WebServer::start(&["a.test", "b.test"])
    }

    fn text(client: &HttpClient, url: &str) -> Result<String, HttpError> {
        let answer = client.get(&url.parse().unwrap())?.error_for_status()?;
        Ok(String::from_utf8(answer.read_to_end(1000)?).unwrap())
    }

    #[test]
    fn rules_lead_elsewhere_and_the_certificate_is_checked_for_the_name_asked_for() {
        let server = start();
        server.put("/x", "hello");
        let client = HttpClient::new(config(&server));
        assert_eq!(text(&client, "https://a.test/x").unwrap(), "hello");
        assert_eq!(text(&client, "http://b.test/x").unwrap(), "hello");
        let log = server.take_log();
        assert_eq!((log[0].header("host"), log[0].tls), (Some("a.test"), true));
        assert_eq!((log[1].header("host"), log[1].tls), (Some("b.test"), false));
        assert_eq!(log[0].header("user-agent"), Some("test/1"));
        assert_eq!(log[0].header("accept-encoding"), Some("identity"));

        let mut other = config(&server);
        let port = server.https_port();
        other.connect_to = vec![format!("c.test::localhost:{port}").parse().unwrap()];
        let error = text(&HttpClient::new(other), "https://c.test/x").unwrap_err();
        let HttpError::Transport { source, .. } = &error else {
            panic!("{error}")
        };
        assert!(matches!(source, TransportError::Certificate(_)), "{source}");
    }

    #[test]
    fn a_rule_holds_for_a_url_with_a_port_of_its_own() {
        let server = start();
        server.put("/x", "hello");
        let mut config = config(&server);
        let (https, http) = (server.https_port(), server.http_port());
        config.connect_to = ClientConfig::parse_rules(&[
            format!("a.test:8443:127.0.0.1:{https}"),
            format!("a.test:8080:localhost:{http}"),
        ]);
        let client = HttpClient::new(config);
        assert_eq!(text(&client, "https://a.test:8443/x").unwrap(), "hello");
        assert_eq!(text(&client, "http://a.test:8080/x").unwrap(), "hello");
        let log = server.take_log();
        assert_eq!(log[0].header("host"), Some("a.test:8443"));
        assert_eq!(log[1].header("host"), Some("a.test:8080"));
    }

    #[test]
    fn an_address_cannot_be_redirected() {
        let server = start();
        let mut config = config(&server);
        config.connect_to = vec!["::127.0.0.1:1".parse().unwrap()];
        let error = text(&HttpClient::new(config), "https://127.0.0.1/x").unwrap_err();
        assert!(
            matches!(error, HttpError::ConnectToAddress { .. }),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_authority_is_refused_unless_tls_is_waived() {
        let server = start();
        server.put("/x", "hello");
        let mut config = config(&server);
        config.roots = Roots::Paths {
            file: None,
            dirs: Vec::new(),
        };
        let error = text(&HttpClient::new(config.clone()), "https://a.test/x").unwrap_err();
        use gantry_types::Diagnostic as _;
        assert_eq!(error.kind(), gantry_types::Kind::Refused);
        assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));
        config.insecure_tls = true;
        let client = HttpClient::new(config);
        assert_eq!(text(&client, "https://a.test/x").unwrap(), "hello");
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let server = start();
        server.put("/x", "hello");
        server.hook("/same", Hook::Redirect("/x".to_owned()));
        server.hook("/other", Hook::Redirect("https://b.test/back".to_owned()));
        server.hook("/back", Hook::Redirect("https://a.test/x".to_owned()));
        server.hook("/evil", Hook::Redirect("https://u:p@b.test/x".to_owned()));
        let mut config = config(&server);
        let mut headers = HostHeaders::default();
        headers.add("a.test", "Authorization", "Bearer t").unwrap();
        headers.add("b.test", "Authorization", "Bearer b").unwrap();
        config.host_headers = headers;
        let client = HttpClient::new(config);
        let sent = |url: &str| -> Vec<Option<String>> {
            assert_eq!(text(&client, url).unwrap(), "hello");
            let log = server.take_log();
            let sent = log.iter().map(|request| request.header("authorization"));
            sent.map(|value| value.map(str::to_owned)).collect()
        };
        let token = Some("Bearer t".to_owned());
        assert_eq!(sent("https://a.test/same"), [token.clone(), token.clone()]);
        // Neither what belongs to the second host nor, back again, to the first.
        assert_eq!(sent("https://a.test/other"), [token.clone(), None, None]);
        assert_eq!(sent("https://a.test/evil"), [token, None]);
        assert_eq!(sent("http://a.test/x"), [None]);
        assert_eq!(sent("http://u:p@a.test/x"), [None]);
    }

    #[test]
    fn user_information_is_sent_to_its_host_and_never_shown() {
        let server = start();
        server.put("/x", "hello");
        server.hook("/gone", Hook::Status(404));
        let client = HttpClient::new(config(&server));
        text(&client, "https://user:pass@b.test/x").unwrap();
        let log = server.take_log();
        assert_eq!(log[0].header("authorization"), Some("Basic dXNlcjpwYXNz"));
        let error = text(&client, "https://user:pass@b.test/gone?sig=abc").unwrap_err();
        assert_eq!(
            error.to_string(),
            "GET https://b.test/gone?sig=***: server answered 404 Not Found (404)"
        );
    }

    #[test]
    fn redirects_end_and_stay_secure() {
        let server = start();
        server.put("/x", "hello");
        server.hook("/loop", Hook::Redirect("/loop".to_owned()));
        server.hook("/down", Hook::Redirect("http://a.test/x".to_owned()));
        server.hook("/file", Hook::Redirect("file:///etc/passwd".to_owned()));
        let mut config = config(&server);
        let client = HttpClient::new(config.clone());
        let refused = |path: &str| match text(&client, &format!("https://a.test{path}")) {
            Err(HttpError::Redirect { source, .. }) => source,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused("/loop"), RedirectError::TooMany { limit: 10 });
        assert_eq!(server.take_log().len(), 11);
        assert!(matches!(refused("/down"), RedirectError::Downgrade { .. }));
        assert!(matches!(refused("/file"), RedirectError::Scheme { .. }));
        config.allow_downgrade = true;
        let client = HttpClient::new(config);
        assert_eq!(text(&client, "https://a.test/down").unwrap(), "hello");
    }

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_not() {
        let server = start();
        server.put("/x", "hello");
        let client = HttpClient::new(config(&server));
        server.hook_times("/x", Hook::Status(503), 1);
        server.hook_times("/x", Hook::Refuse, 1);
        assert_eq!(text(&client, "https://a.test/x").unwrap(), "hello");
        server.clear_hooks();
        server.take_log();
        for (status, tries) in [(503, 3), (404, 1), (500, 1)] {
            server.hook("/y", Hook::Status(status));
            let error = text(&client, "https://a.test/y").unwrap_err();
            assert_eq!(error.status(), Some(status));
            assert_eq!(server.take_log().len(), tries, "{status}");
            server.clear_hooks();
        }
    }

    #[test]
    fn silence_nothing_and_too_much_are_told_apart() {
        let server = start();
        server.put("/x", "hello");
        server.hook("/x", Hook::StallAfter(2));
        server.put("/big", vec![b'x'; 2000]);
        server.hook("/endless", Hook::Endless);
        server.hook("/nonsense", Hook::Raw(b"nonsense\r\n\r\n".to_vec()));
        let mut config = config(&server);
        config.idle_timeout = Duration::from_millis(200);
        config.retry = RetryPolicy {
            tries: 1,
            pause: Duration::ZERO,
        };
        let client = HttpClient::new(config);
        let error = |url: &str| text(&client, url).unwrap_err();
        let transport = |url: &str| match error(url) {
            HttpError::Transport { source, .. } => source,
            other => panic!("{other}"),
        };
        assert_eq!(transport("http://a.test/x"), TransportError::TimedOut);
        for url in ["http://a.test/big", "http://a.test/endless"] {
            let error = error(url);
            assert!(
                matches!(error, HttpError::TooLarge { limit: 1000, .. }),
                "{error}"
            );
        }
        transport("http://a.test/nonsense");
        assert_eq!(transport("http://127.0.0.1:1/"), TransportError::Refused);
        assert!(matches!(
            error("ftp://a.test/"),
            HttpError::UnsupportedUrl { .. }
        ));
    }

    #[test]
    fn proxies_serve_the_hosts_they_are_for() {
        let server = start();
        server.put("/x", "at the proxy");
        let mut config = config(&server);
        config.connect_to.clear();
        config.proxy = ProxyConfig {
            http: Some(server.url("")),
            no_proxy: Some("b.test".to_owned()),
            ..ProxyConfig::default()
        };
        config.retry.tries = 1;
        server.put("http://c.test/x", "through the proxy");
        let client = HttpClient::new(config);
        assert_eq!(
            text(&client, "http://c.test/x").unwrap(),
            "through the proxy"
        );
        // Loopback is never asked for through a proxy.
        assert_eq!(text(&client, &server.url("/x")).unwrap(), "at the proxy");
        let log = server.take_log();
        assert_eq!(log[0].target, "http://c.test/x");
        assert_eq!(log[1].target, "/x");
    }
}
