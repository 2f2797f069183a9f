//! Walks over tables of pages.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::discovery::discover;

/// Pages by URL; everything else is 404.
#[derive(Default)]
struct Pages {
    pages: BTreeMap<String, Page>,
    asked: RefCell<Vec<String>>,
}

impl Pages {
    fn with(mut self, url: &str, status: u16, body: &str) -> Self {
        let body = body.as_bytes().to_owned();
        self.pages.insert(url.to_owned(), Page { status, body });
        self
    }
}

impl PageSource for Pages {
    fn page(&self, url: &Url) -> Result<Page, HttpError> {
        self.asked.borrow_mut().push(url.to_string());
        let missing = Page {
            status: 404,
            body: Vec::new(),
        };
        Ok(self.pages.get(url.as_str()).cloned().unwrap_or(missing))
    }
}

fn query(text: &str) -> Query {
    text.parse().unwrap()
}

fn endpoint_tag(prefix: &str, host: &str) -> String {
    let template = format!("https://{host}/{{name}}-{{version}}.{{ext}}");
    format!("<meta name=ac-discovery content='{prefix} {template}'>")
}

fn key_tag(prefix: &str, url: &str) -> String {
    format!("<meta name=ac-discovery-pubkeys content='{prefix} {url}'>")
}

const HTTPS: DiscoveryOptions = DiscoveryOptions {
    allow_http: false,
    port: None,
};
const APP_PAGE: &str = "https://example.com/my/app?ac-discovery=1";
const MY_PAGE: &str = "https://example.com/my?ac-discovery=1";
const TOP_PAGE: &str = "https://example.com/?ac-discovery=1";

#[test]
fn the_walk_goes_from_the_whole_name_to_the_host() {
    let pages = Pages::default();
    let error = discover_endpoints(&pages, &query("example.com/my/app"), HTTPS).unwrap_err();
    assert_eq!(*pages.asked.borrow(), [APP_PAGE, MY_PAGE, TOP_PAGE]);
    assert_eq!(error.to_string(), "discovery failed");
    assert_eq!(
        error.hint().unwrap(),
        "prefix: example.com/my/app error: expected a 200 OK got 404\n\
         prefix: example.com/my error: expected a 200 OK got 404\n\
         prefix: example.com error: expected a 200 OK got 404"
    );
}

#[test]
fn keys_may_come_from_a_parent_and_endpoints_from_the_child_and_reversed() {
    let endpoint = endpoint_tag("example.com", "x.test");
    let key = key_tag("example.com", "https://x.test/{name}.gpg");
    for (child, parent) in [(&endpoint, &key), (&key, &endpoint)] {
        let pages = Pages::default()
            .with(APP_PAGE, 200, child)
            .with(TOP_PAGE, 200, parent);
        let found = discover(&pages, &query("example.com/my/app:1.0"), HTTPS).unwrap();
        let url = "https://x.test/example.com/my/app-1.0.aci";
        assert_eq!(found.endpoints.items[0].aci, url);
        assert_eq!(found.endpoints.items[0].asc, format!("{url}.asc"));
        // Keys are no templates.
        assert_eq!(found.keys.items, ["https://x.test/{name}.gpg"]);
        let attempts = found.endpoints.attempts.len() + found.keys.attempts.len();
        assert_eq!(attempts, 2);
    }
}

#[test]
fn the_deepest_page_wins_and_all_its_tags_count() {
    let child = endpoint_tag("example.com", "a.test") + &endpoint_tag("example.com/my", "b.test");
    let pages = Pages::default().with(APP_PAGE, 200, &child).with(
        TOP_PAGE,
        200,
        &endpoint_tag("example.com", "c.test"),
    );
    let found = discover_endpoints(&pages, &query("example.com/my/app"), HTTPS).unwrap();
    let hosts: Vec<_> = found.items.iter().map(|item| &item.aci[..14]).collect();
    assert_eq!(hosts, ["https://a.test", "https://b.test"]);
    assert_eq!(found.prefix, "example.com/my/app");
    assert!(found.attempts.is_empty());
}

#[test]
fn a_tag_speaks_for_names_at_or_under_its_prefix_only() {
    for (prefix, fits) in [
        ("example.com", true),
        ("example.com/my", true),
        ("example.com/my/app", true),
        ("example.com/my/ap", false),
        ("example.com/my/application", false),
        ("example.com/my/app/x", false),
        ("example.co", false),
        ("example.com/", false),
        ("other.test", false),
        ("EXAMPLE.com", false),
        ("e", false),
    ] {
        let tags = endpoint_tag(prefix, "x.test") + &key_tag(prefix, "https://x.test/k");
        let pages = Pages::default().with(TOP_PAGE, 200, &tags);
        let found = discover(&pages, &query("example.com/my/app"), HTTPS);
        assert_eq!(found.is_ok(), fits, "{prefix}");
        if let Err(error) = found {
            let text = error.attempts.last().unwrap().to_string();
            assert!(
                text.ends_with(&format!("speaks for other names only: {prefix}")),
                "{text}"
            );
        }
    }
}

#[test]
fn pages_without_use_say_why() {
    for (page, reason) in [
        ("<html>", "the page has no ac-discovery tag"),
        (
            &*key_tag("example.com", "https://x.test/k"),
            "the page has no ac-discovery tag",
        ),
        (
            "<meta name=ac-discovery content='example.com https://x.test/{os}.{ext}'>",
            "no template of the page fits the labels given",
        ),
    ] {
        let pages = Pages::default().with(TOP_PAGE, 200, page);
        let error = discover_endpoints(&pages, &query("example.com"), HTTPS).unwrap_err();
        assert_eq!(error.attempts[0].error.to_string(), reason);
    }
}

#[test]
fn plain_http_is_asked_only_if_allowed_and_https_brings_nothing() {
    let tag = endpoint_tag("example.com", "x.test");
    let http = "http://example.com/?ac-discovery=1";
    let allowed = DiscoveryOptions {
        allow_http: true,
        ..HTTPS
    };
    for status in [404, 500] {
        let pages = Pages::default()
            .with(TOP_PAGE, status, "")
            .with(http, 200, &tag);
        let name = query("example.com");
        assert!(discover_endpoints(&pages, &name, HTTPS).is_err());
        assert!(discover_endpoints(&pages, &name, allowed).is_ok());
    }
    // A page without tags is an answer; the walk goes on from it.
    let pages = Pages::default()
        .with(TOP_PAGE, 200, "<html>")
        .with(http, 200, &tag);
    assert!(discover_endpoints(&pages, &query("example.com"), allowed).is_err());
}

#[test]
fn a_port_follows_the_host() {
    let options = DiscoveryOptions {
        allow_http: true,
        port: Some(8443),
    };
    let pages = Pages::default();
    let _ = discover_keys(&pages, &"example.com/app".parse().unwrap(), options);
    assert_eq!(
        *pages.asked.borrow(),
        [
            "https://example.com:8443/app?ac-discovery=1",
            "http://example.com:8443/app?ac-discovery=1",
            "https://example.com:8443/?ac-discovery=1",
            "http://example.com:8443/?ac-discovery=1",
        ]
    );
}

#[test]
fn a_name_that_would_lead_to_another_path_is_not_asked_for() {
    let pages = Pages::default();
    let _ = discover_endpoints(&pages, &query("example.com/../other/x"), HTTPS);
    assert_eq!(*pages.asked.borrow(), [TOP_PAGE]);
}

#[test]
fn an_answer_that_never_came_is_an_attempt_too() {
    struct Broken;
    impl PageSource for Broken {
        fn page(&self, url: &Url) -> Result<Page, HttpError> {
            Err(HttpError::Transport {
                request: crate::RequestLine::new(&reqwest::Method::GET, url),
                source: crate::TransportError::NameNotFound,
            })
        }
    }
    let error = discover_endpoints(&Broken, &query("example.com"), HTTPS).unwrap_err();
    assert_eq!(
        error.attempts[0].to_string(),
        "prefix: example.com error: GET https://example.com/?ac-discovery=1 failed: \
         host name not found"
    );
}

#[test]
fn a_host_that_is_an_address_in_disguise_is_not_asked_for() {
    for name in ["1.2/x", "0x7f.1", "127.1/x", "2130706433", "xn--a/x"] {
        let pages = Pages::default();
        let error = discover_endpoints(&pages, &query(name), HTTPS).unwrap_err();
        assert_eq!(*pages.asked.borrow(), [""; 0], "{name}");
        let text = error.attempts[0].to_string();
        assert!(
            text.ends_with("error: the name does not make a URL"),
            "{text}"
        );
    }
    // The ASCII form of an international name is a name as any other.
    let pages = Pages::default();
    let _ = discover_endpoints(&pages, &query("xn--bcher-kva.example"), HTTPS);
    assert_eq!(
        *pages.asked.borrow(),
        ["https://xn--bcher-kva.example/?ac-discovery=1"]
    );
}

/// Tags of the specification's own example, for any operating system and for one.
fn example_page(prefix: &str) -> String {
    let tag = |template: &str| {
        format!("<meta name='ac-discovery' content='{prefix} https://storage.test/{template}'>")
    };
    tag("{os}/{arch}/{name}-{version}.{ext}")
        + &tag("{name}-{version}.{ext}")
        + &key_tag(prefix, "https://example.com/pubkeys.gpg")
}

/// Source: appc spec, discovery/discovery_test.go; contract of discovery, the table of vectors.
#[test]
fn the_vectors_of_the_original_hold() {
    let of = |found: Result<Found<Endpoint>, DiscoveryError>| -> Vec<String> {
        let items = found.unwrap().items.into_iter();
        items.map(|item| item.aci).collect()
    };
    let top = Pages::default().with(TOP_PAGE, 200, &example_page("example.com"));
    let plain = |version: &str| format!("https://storage.test/example.com/my/app-{version}.aci");
    // Of a template whose labels are not given nothing comes.
    let version = query("example.com/my/app:1.0.0");
    assert_eq!(
        of(discover_endpoints(&top, &version, HTTPS)),
        [plain("1.0.0")]
    );
    // All labels, and labels that no template names.
    let all = query("example.com/my/app:1.0.0,os=linux,arch=amd64,x=y");
    assert_eq!(
        of(discover_endpoints(&top, &all, HTTPS)),
        [
            "https://storage.test/linux/amd64/example.com/my/app-1.0.0.aci".to_owned(),
            plain("1.0.0")
        ]
    );
    // No labels at all.
    let none = query("example.com/my/app");
    assert_eq!(
        of(discover_endpoints(&top, &none, HTTPS)),
        [plain("latest")]
    );
    // A label with what URLs give a meaning to is inserted as it is.
    let odd = query("example.com/my/app:a+b%20&c/?#[]");
    assert_eq!(
        of(discover_endpoints(&top, &odd, HTTPS)),
        [plain("a+b%20&c/?#[]")]
    );
    // Endpoints and keys at both pages: the deepest wins.
    let other = example_page("example.com").replace("storage.test", "deep.test");
    let both = top.with(APP_PAGE, 200, &other);
    let found = of(discover_endpoints(&both, &none, HTTPS));
    assert_eq!(found, ["https://deep.test/example.com/my/app-latest.aci"]);
}

/// A page over the network that is slow, endless or leads elsewhere.
mod over_http {
    use std::time::Duration;

    use gantry_testkit::web::{Hook, WebServer};

    use super::*;
    use crate::{ClientConfig, Credential, HttpClient, Roots};

    fn config(server: &WebServer) -> ClientConfig {
        let mut config = ClientConfig::new("test/1");
        let rules = ["example.com", "other.test"].map(|host| server.connect_to(host));
        let rules = rules.iter().flatten();
        config.connect_to = rules.map(|rule| rule.parse().unwrap()).collect();
        config.roots = Roots::Paths {
            file: Some(server.ca_file().to_owned()),
            dirs: Vec::new(),
        };
        config.retry.tries = 1;
        config
    }

    #[test]
    fn credentials_go_to_their_host_only() {
        let server = WebServer::start(&["example.com", "other.test"]);
        server.put_discovery("/", endpoint_tag("example.com", "x.test"));
        let away = "https://other.test/?ac-discovery=1".to_owned();
        server.hook("/app", Hook::Redirect(away));
        let mut config = config(&server);
        let us = Credential::basic(b"user", b"word");
        config.credentials.set("example.com", us).unwrap();
        let client = HttpClient::new(config);
        assert!(discover_endpoints(&client, &query("example.com/app"), HTTPS).is_ok());
        assert!(discover_endpoints(&client, &query("example.com"), HTTPS).is_ok());
        let log = server.take_log();
        let sent = log.iter().map(|request| {
            let host = request.header("host").unwrap_or_default();
            (host, request.header("authorization").is_some())
        });
        let sent: Vec<_> = sent.collect();
        let expected = [
            ("example.com", true),
            ("other.test", false),
            ("example.com", true),
        ];
        assert_eq!(sent, expected);
    }

    fn attempt(server: &WebServer, hook: Hook) -> String {
        server.hook("/", hook);
        let mut config = config(server);
        config.idle_timeout = Duration::from_millis(300);
        config.total_timeout = Duration::from_millis(1500);
        let found = discover_endpoints(&HttpClient::new(config), &query("example.com"), HTTPS);
        server.clear_hooks();
        match found {
            Ok(found) => found.items[0].aci.clone(),
            Err(error) => error.attempts[0].to_string(),
        }
    }

    #[test]
    fn a_page_that_does_not_come_as_it_should_is_an_attempt() {
        let server = WebServer::start(&["example.com"]);
        server.put_discovery("/", endpoint_tag("example.com", "x.test"));
        server.put_discovery("/other", endpoint_tag("example.com", "other.test"));
        let elsewhere = |url: &str| Hook::Redirect(url.to_owned());
        for (hook, text) in [
            (Hook::Silence, "time"),
            (Hook::StallAfter(10), "time"),
            (Hook::Trickle(1, Duration::from_millis(100)), "time"),
            (Hook::Endless, "larger than the limit of 1048576 bytes"),
            (
                Hook::EndlessChunks,
                "larger than the limit of 1048576 bytes",
            ),
            (
                Hook::CutAfter(10),
                "failed: connection closed before the answer was complete",
            ),
            (Hook::Refuse, "failed: "),
            (elsewhere("/"), "more than 10 redirects"),
            (elsewhere("file:///etc/passwd"), "redirect"),
            (
                elsewhere("http://example.com/other?ac-discovery=1"),
                "leaves https",
            ),
            (
                elsewhere("/other?ac-discovery=1"),
                "https://other.test/example.com-latest.aci",
            ),
            (Hook::Status(304), "expected a 200 OK got 304"),
            (Hook::Status(204), "expected a 200 OK got 204"),
        ] {
            let found = attempt(&server, hook.clone());
            assert!(found.contains(text), "{hook:?}: {found}");
        }
    }
}
