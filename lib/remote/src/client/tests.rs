//! Requests to a server that misbehaves.

use std::time::Duration;

use gantry_testkit::web::{Hook, WebServer};

use super::*;
use crate::{HostCredentials, ProxyConfig, RetryPolicy, Roots};

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
    let mut credentials = HostCredentials::default();
    for (host, token) in [("a.test", "t"), ("b.test", "b")] {
        let credential = Credential::bearer(token).unwrap();
        credentials.set(host, credential).unwrap();
    }
    config.credentials = credentials;
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
        longest_pause: Duration::ZERO,
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
