//! How a request gets to its server, and the HTTP library's client for each way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::blocking;
use url::Url;

use crate::credentials::is_loopback;
use crate::host_tls::Tls;
use crate::resolver::{Fixed, Resolver};
use crate::{ClientConfig, HttpError};

/// The most header lines accepted in an answer.
const MAX_HEADERS: usize = 128;
/// The largest header block accepted over HTTP/2, in bytes.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// How a request gets to its server.
///
/// The HTTP library maps names to addresses for a whole client, so each place that a `--connect-to` rule
/// redirects has a client of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// By the proxies configured, or directly where they do not apply.
    Usual,
    /// Directly: the host is this machine.
    Loopback,
    /// To another address than the URL's.
    Elsewhere {
        /// The URL's own host.
        host: String,
        /// The URL's own port.
        port: u16,
        /// The host to connect to.
        to_host: String,
        /// The port to connect to.
        to_port: u16,
    },
}

impl Route {
    /// The way to the server of `url` by the rules of `config`, or none for a URL without a host.
    pub(crate) fn of(config: &ClientConfig, url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default()?;
        let mut rules = config.connect_to.iter();
        if let Some(rule) = rules.find(|rule| rule.matches(bare, port)) {
            let (to_host, to_port) = rule.target(bare, port);
            if (to_host.as_str(), to_port) != (bare, port) {
                return Some(Self::Elsewhere {
                    host: host.to_owned(),
                    port,
                    to_host,
                    to_port,
                });
            }
        }
        Some(if is_loopback(url) {
            Self::Loopback
        } else {
            Self::Usual
        })
    }
}

/// The clients made so far; connections are kept and shared between calls and threads.
#[derive(Default)]
pub(crate) struct Clients {
    resolver: Resolver,
    tls: OnceLock<rustls::ClientConfig>,
    made: Mutex<HashMap<(Route, Tls), blocking::Client>>,
}

impl Clients {
    /// The client for `route` and `tls`, made by `config` at its first use.
    pub(crate) fn get(
        &self,
        config: &ClientConfig,
        route: Route,
        tls: Tls,
    ) -> Result<blocking::Client, HttpError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (route, tls);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(config, &key.0, &key.1)?;
        made.insert(key, client.clone());
        Ok(client)
    }

    fn build(
        &self,
        config: &ClientConfig,
        route: &Route,
        tls: &Tls,
    ) -> Result<blocking::Client, HttpError> {
        let failed = |source| HttpError::Setup { source };
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
        builder = match tls {
            Tls::Unverified => builder
                .tls_certs_only([])
                .tls_danger_accept_invalid_certs(true),
            Tls::Usual => {
                let settings = || crate::tls::settings(&config.roots);
                builder.tls_backend_preconfigured(self.tls.get_or_init(settings).clone())
            }
            Tls::Directory(directory) => {
                let settings = crate::tls::settings_with(&config.roots, directory);
                let settings = settings.map_err(|source| HttpError::Certificates { source })?;
                builder.tls_backend_preconfigured(settings)
            }
        };
        match route {
            Route::Usual => {
                builder = builder.dns_resolver(Arc::new(self.resolver.clone()));
                for proxy in config.proxy.rules().map_err(failed)? {
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
        builder.build().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_first_then_loopback_then_the_usual_way() {
        let mut config = ClientConfig::new("test/1");
        config.connect_to = vec![
            "a.test:443:127.0.0.1:8443".parse().unwrap(),
            "same.test:::".parse().unwrap(),
        ];
        let route = |url: &str| Route::of(&config, &url.parse().unwrap());
        let elsewhere = Route::Elsewhere {
            host: "a.test".to_owned(),
            port: 443,
            to_host: "127.0.0.1".to_owned(),
            to_port: 8443,
        };
        assert_eq!(route("https://a.test/x"), Some(elsewhere));
        for (url, expected) in [
            ("http://a.test/x", Route::Usual),
            ("https://same.test/", Route::Usual),
            ("https://localhost:1/", Route::Loopback),
            ("http://[::1]:1/", Route::Loopback),
            ("http://127.3.0.1/", Route::Loopback),
        ] {
            assert_eq!(route(url), Some(expected), "{url}");
        }
        assert_eq!(route("data:,x"), None);
    }
}
