//! What an HTTP client is made of, as values.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::{ConnectTo, ConnectToError, HostCredentials, Pace, RetryPolicy};

/// How a client connects, what it trusts and how long it waits.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The `User-Agent` header, such as `rkt/1.30.0`.
    pub user_agent: String,
    /// Rules of `--connect-to`; the first that matches holds.
    pub connect_to: Vec<ConnectTo>,
    /// Takes any server certificate.
    pub insecure_tls: bool,
    /// Follows redirects from https to http.
    pub allow_downgrade: bool,
    /// The certificate authorities to trust.
    pub roots: Roots,
    /// Directories `certs.d`, each with a directory for every host that has certificates of its own.
    pub certificates: Vec<PathBuf>,
    /// The proxies to go through.
    pub proxy: ProxyConfig,
    /// Who we are, for certain hosts only.
    pub credentials: HostCredentials,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the head of an answer, and for each further piece of it.
    pub idle_timeout: Duration,
    /// The longest time for the head of an answer with all redirects and repetitions on the way, and for
    /// the whole of an answer that is read at once. Downloads into files have [`pace`](Self::pace).
    pub total_timeout: Duration,
    /// How slow a download into a file may be.
    pub pace: Pace,
    /// The most bytes that a download into a file may have.
    pub max_download: u64,
    /// How often and after which pause a failed request is repeated.
    pub retry: RetryPolicy,
    /// What time it is, for signed requests.
    pub clock: fn() -> SystemTime,
}

/// Where the certificate authorities come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Roots {
    /// The places where distributions keep them.
    #[default]
    System,
    /// These files only, in PEM form.
    Paths {
        /// A bundle.
        file: Option<PathBuf>,
        /// Directories, each file of which is read.
        dirs: Vec<PathBuf>,
    },
}

/// Proxies, each a URL (`http`, `https`, `socks5`, `socks5h`; without a scheme `http`).
///
/// Hosts at a loopback address, and `localhost`, are never asked for through a proxy, as in Go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// For http URLs.
    pub http: Option<String>,
    /// For https URLs.
    pub https: Option<String>,
    /// For URLs that the two above leave over.
    pub all: Option<String>,
    /// Hosts, domains, addresses and networks to be reached directly, separated by commas; `*` for all.
    pub no_proxy: Option<String>,
}

impl ProxyConfig {
    /// The rules for the HTTP library, the first that fits a URL holds.
    pub(crate) fn rules(&self) -> Result<Vec<reqwest::Proxy>, reqwest::Error> {
        let exceptions = self
            .no_proxy
            .as_deref()
            .and_then(reqwest::NoProxy::from_string);
        let mut rules = Vec::new();
        if let Some(proxy) = &self.http {
            rules.push(reqwest::Proxy::http(proxy)?);
        }
        if let Some(proxy) = &self.https {
            rules.push(reqwest::Proxy::https(proxy)?);
        }
        if let Some(proxy) = &self.all {
            rules.push(reqwest::Proxy::all(proxy)?);
        }
        let rules = rules.into_iter();
        Ok(rules
            .map(|rule| rule.no_proxy(exceptions.clone()))
            .collect())
    }
}

/// An environment variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// `GANTRY_CONNECT_TO` holds something else than rules.
    #[error("the environment variable GANTRY_CONNECT_TO is not valid")]
    ConnectTo {
        /// The first text that is no rule.
        source: ConnectToError,
    },
    /// A variable that names a proxy holds something else. Its value may hold a password, so it is not
    /// shown.
    #[error("the environment variable {variable} is not the URL of a proxy")]
    Proxy {
        /// The variable.
        variable: String,
    },
}

impl gantry_types::Diagnostic for EnvironmentError {
    fn kind(&self) -> gantry_types::Kind {
        gantry_types::Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ConnectTo { .. } => None,
            Self::Proxy { .. } => Some("such as http://proxy.example.com:3128".to_owned()),
        }
    }
}

impl ClientConfig {
    /// The defaults: 20 s to connect (appc discovery's own figure), 60 s between pieces, five minutes for
    /// what is no download, three tries.
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            connect_to: Vec::new(),
            insecure_tls: false,
            allow_downgrade: false,
            roots: Roots::System,
            certificates: Vec::new(),
            proxy: ProxyConfig::default(),
            credentials: HostCredentials::default(),
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(5 * 60),
            pace: Pace::default(),
            max_download: 256 << 30,
            retry: RetryPolicy::default(),
            clock: SystemTime::now,
        }
    }

    /// Adds what the environment says, looked up with `variable`:
    ///
    /// - `GANTRY_CONNECT_TO`: rules as of `--connect-to`, separated by blanks or commas; they come after
    ///   those already present,
    /// - `SSL_CERT_FILE`, `SSL_CERT_DIR` (several separated by colons): the authorities to trust in
    ///   place of the system's, as OpenSSL and Go read them,
    /// - `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy` and the same in capitals. `HTTP_PROXY` is
    ///   passed over when `REQUEST_METHOD` is set: in a CGI program a client of the web server could
    ///   have set it.
    ///
    /// # Errors
    ///
    /// A `GANTRY_CONNECT_TO` that holds no rules, or a proxy that is no URL.
    pub fn with_environment(
        mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, EnvironmentError> {
        let text = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            (!value.is_empty()).then_some(value)
        };
        if let Some(rules) = text("GANTRY_CONNECT_TO") {
            let rules = ConnectTo::parse_list(&rules)
                .map_err(|source| EnvironmentError::ConnectTo { source })?;
            self.connect_to.extend(rules);
        }
        let file = variable("SSL_CERT_FILE").filter(|value| !value.is_empty());
        let dirs = variable("SSL_CERT_DIR").filter(|value| !value.is_empty());
        if file.is_some() || dirs.is_some() {
            self.roots = Roots::Paths {
                file: file.map(PathBuf::from),
                dirs: dirs
                    .map(|dirs| std::env::split_paths(&dirs).collect::<Vec<_>>())
                    .unwrap_or_default(),
            };
        }
        let proxy = |names: &[&str]| {
            let mut set = names.iter().filter_map(|name| Some((*name, text(name)?)));
            let Some((name, url)) = set.next() else {
                return Ok(None);
            };
            match reqwest::Proxy::all(&url) {
                Ok(_) => Ok(Some(url)),
                Err(_) => Err(EnvironmentError::Proxy {
                    variable: name.to_owned(),
                }),
            }
        };
        let http: &[&str] = match variable("REQUEST_METHOD") {
            Some(_) => &["http_proxy"],
            None => &["http_proxy", "HTTP_PROXY"],
        };
        self.proxy = ProxyConfig {
            http: proxy(http)?,
            https: proxy(&["https_proxy", "HTTPS_PROXY"])?,
            all: proxy(&["all_proxy", "ALL_PROXY"])?,
            no_proxy: text("no_proxy").or_else(|| text("NO_PROXY")),
        };
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<ClientConfig, EnvironmentError> {
        ClientConfig::new("test/1").with_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.into())
        })
    }

    #[test]
    fn an_empty_environment_changes_nothing() {
        let config = config(&[("http_proxy", ""), ("SSL_CERT_FILE", "")]).unwrap();
        assert_eq!(config.roots, Roots::System);
        assert_eq!(config.proxy, ProxyConfig::default());
        assert!(config.connect_to.is_empty());
    }

    #[test]
    fn lower_case_comes_first_and_capitals_fill_in() {
        let config = config(&[
            ("http_proxy", "http://low:1"),
            ("HTTP_PROXY", "http://cap:1"),
            ("HTTPS_PROXY", "http://cap:2"),
            ("NO_PROXY", "a,b"),
        ])
        .unwrap();
        assert_eq!(config.proxy.http.as_deref(), Some("http://low:1"));
        assert_eq!(config.proxy.https.as_deref(), Some("http://cap:2"));
        assert_eq!(config.proxy.no_proxy.as_deref(), Some("a,b"));
    }

    #[test]
    fn a_cgi_program_ignores_http_proxy_in_capitals() {
        let config = config(&[("HTTP_PROXY", "http://cap:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(config.unwrap().proxy.http, None);
    }

    #[test]
    fn authorities_and_rules_are_taken_over() {
        let config = config(&[
            ("SSL_CERT_DIR", "/a:/b"),
            ("GANTRY_CONNECT_TO", "a:1:b:2,c:3:d:4"),
        ])
        .unwrap();
        assert_eq!(config.connect_to.len(), 2);
        let dirs = vec![PathBuf::from("/a"), PathBuf::from("/b")];
        assert_eq!(config.roots, Roots::Paths { file: None, dirs });
    }

    #[test]
    fn a_proxy_that_is_no_url_is_an_error_that_names_the_variable_only() {
        for variable in ["http_proxy", "HTTPS_PROXY", "all_proxy"] {
            let error = config(&[(variable, "http://user:secret@:::")]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the environment variable {variable} is not the URL of a proxy")
            );
        }
        for good in ["proxy:3128", "http://u:p@proxy", "socks5h://127.0.0.1:1"] {
            assert!(config(&[("https_proxy", good)]).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_wrong_rule_is_an_error() {
        assert!(config(&[("GANTRY_CONNECT_TO", "a:1")]).is_err());
    }
}
