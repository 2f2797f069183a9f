//! `actool discover`: what it prints, and how it ends, against a real server over https.

use gantry_testkit::web::{Hook, WebServer};
use gantry_testkit::{Outcome, TestEnv};

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

const PAGE: &str = r#"<!DOCTYPE html><html><head><title>Images</title>
<meta name="ac-discovery" content="example.test https://example.test/{os}/{arch}/{name}-{version}.{ext}">
<meta name="ac-discovery" content="example.test hdfs://store.example.test/{name}-{version}.{ext}?a=1&b=2">
<meta name="ac-discovery-pubkeys" content="example.test https://example.test/one.gpg">
<meta name="ac-discovery-pubkeys" content="example.test https://example.test/two.gpg">
</head></html>"#;

/// A server for example.test whose top page is [`PAGE`], and an environment that leads there.
fn setup() -> (TestEnv, WebServer) {
    let server = WebServer::start(&["example.test"]);
    server.put_discovery("/", PAGE);
    let mut env = TestEnv::new();
    env.set_var("SSL_CERT_FILE", server.ca_file());
    env.set_var(
        "GANTRY_CONNECT_TO",
        server.connect_to("example.test").join(" "),
    );
    (env, server)
}

fn discover(env: &TestEnv, arguments: &[&str]) -> Outcome {
    env.run(ACTOOL, ["discover"].iter().chain(arguments))
}

const WALK: &str = "\
discover endpoints walk: prefix: example.test/hello error: expected a 200 OK got 404
discover public keys walk: prefix: example.test/hello error: expected a 200 OK got 404
";

#[test]
fn endpoints_and_keys_are_printed_as_the_original_does() {
    let (env, server) = setup();
    server.put_discovery("/hello", PAGE);
    let outcome = discover(&env, &["example.test/hello:1.0.0,os=linux,arch=arm64"]).expect(0);
    assert_eq!(
        outcome.stdout,
        "ACI: https://example.test/linux/arm64/example.test/hello-1.0.0.aci, \
         ASC: https://example.test/linux/arm64/example.test/hello-1.0.0.aci.asc\n\
         ACI: hdfs://store.example.test/example.test/hello-1.0.0.aci?a=1&b=2, \
         ASC: hdfs://store.example.test/example.test/hello-1.0.0.aci.asc?a=1&b=2\n\
         PublicKeys: https://example.test/one.gpg,https://example.test/two.gpg\n"
    );
    assert_eq!(outcome.stderr, "");
    let log = server.take_log();
    assert!(log.iter().all(|request| request.tls), "{log:?}");
}

#[test]
fn prefixes_tried_in_vain_come_first_on_stdout() {
    let (env, _server) = setup();
    let outcome = discover(&env, &["example.test/hello"]).expect(0);
    assert!(outcome.stdout.starts_with(WALK), "{outcome}");
    assert!(
        outcome.stdout.contains("hello-latest.aci, ASC: "),
        "{outcome}"
    );
}

#[test]
fn json_is_indented_by_four_and_escaped_as_go_does() {
    let (env, server) = setup();
    server.put_discovery("/hello", PAGE);
    for flag in ["-json", "--json", "--json=true", "-json=1"] {
        let outcome = discover(&env, &[flag, "example.test/hello:1,arch=amd64"]).expect(0);
        assert_eq!(
            outcome.stdout,
            r#"{
    "ACIEndpoints": [
        {
            "ACI": "https://example.test/linux/amd64/example.test/hello-1.aci",
            "ASC": "https://example.test/linux/amd64/example.test/hello-1.aci.asc"
        },
        {
            "ACI": "hdfs://store.example.test/example.test/hello-1.aci?a=1\u0026b=2",
            "ASC": "hdfs://store.example.test/example.test/hello-1.aci.asc?a=1\u0026b=2"
        }
    ],
    "PublicKeys": [
        "https://example.test/one.gpg",
        "https://example.test/two.gpg"
    ]
}
"#
        );
    }
}

#[test]
fn one_name_that_fails_does_not_hide_the_others() {
    let (env, _server) = setup();
    let names = [
        "Wrong",
        "example.test/a:1",
        "example.testing",
        "example.test/b:1",
    ];
    let rule = "--connect-to=example.testing:443:127.0.0.1:1";
    let outcome = discover(&env, &[&[rule], &names[..]].concat()).expect(1);
    let printed = outcome.stdout.matches("ACI: https://").count();
    assert_eq!(printed, 2, "{outcome}");
    let outcome = outcome
        .says("Wrong: ACIdentifier must contain only lower case")
        .says(
            "discover endpoints walk: prefix: example.testing error: GET https://example.testing/",
        )
        .says("connection refused");
    assert!(
        outcome
            .says("error fetching endpoints for example.testing: discovery failed")
            .stdout
            .contains("example.test/b-1.aci")
    );
}

#[test]
fn a_page_for_other_names_speaks_for_none_of_ours() {
    let (env, server) = setup();
    let foreign = PAGE.replace("content=\"example.test ", "content=\"example.tes ");
    server.put_discovery("/", foreign);
    let outcome = discover(&env, &["example.test/hello"]).expect(1);
    assert_eq!(outcome.stdout, "");
    outcome
        .says("error: the page speaks for other names only: example.tes\n")
        .says("error fetching endpoints for example.test/hello: discovery failed");
}

#[test]
fn an_image_without_keys_fails_and_prints_nothing() {
    let (env, server) = setup();
    server.put_discovery("/", PAGE.replace("ac-discovery-pubkeys", "other"));
    let outcome = discover(&env, &["example.test"]).expect(1);
    assert_eq!(outcome.stdout, "");
    outcome
        .says("prefix: example.test error: the page has no ac-discovery-pubkeys tag")
        .says("error fetching public keys for example.test: discovery failed");
}

#[test]
fn a_page_that_says_nothing_of_use_is_no_failed_prefix() {
    let (env, server) = setup();
    // Endpoints here, keys at the host; in between a page for other names.
    server.put_discovery("/a/b", PAGE.replace("ac-discovery-pubkeys", "other"));
    server.put_discovery("/a", PAGE.replace("example.test ", "other.test "));
    let outcome = discover(&env, &["example.test/a/b/c:1"]).expect(0);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "discover endpoints walk: prefix: example.test/a/b/c error: expected a 200 OK got 404",
            "discover public keys walk: prefix: example.test/a/b/c error: expected a 200 OK got 404",
        ]
    );
    assert!(lines[2].starts_with("ACI: "), "{outcome}");
    assert!(lines[4].starts_with("PublicKeys: "), "{outcome}");
    // The original has printed the one walk before the other fails.
    server.put_discovery("/", "");
    let outcome = discover(&env, &["example.test/a/b/c:1"]).expect(1);
    assert_eq!(outcome.stdout.lines().collect::<Vec<_>>(), lines[..1]);
}

#[test]
fn a_proxy_of_the_environment_is_asked() {
    let (mut env, server) = setup();
    env.set_var("http_proxy", server.url(""));
    env.set_var("no_proxy", "direct.test");
    server.put_discovery(
        "http://proxied.test/",
        PAGE.replace("example.test ", "proxied.test "),
    );
    // No such host: over https nothing comes, over http the proxy knows it.
    let rule = "--connect-to=proxied.test:443:127.0.0.1:1";
    let outcome = discover(&env, &["--insecure", rule, "proxied.test:1"]).expect(0);
    assert!(
        outcome.stdout.contains("/proxied.test-1.aci, ASC"),
        "{outcome}"
    );
    let log = server.take_log();
    assert_eq!(log[0].target, "http://proxied.test/?ac-discovery=1");
}

#[test]
fn insecure_waives_the_certificate_and_allows_plain_http() {
    let (mut env, server) = setup();
    env.set_var("SSL_CERT_FILE", env.write("empty.pem", ""));
    discover(&env, &["example.test"])
        .expect(1)
        .says("server certificate refused");
    discover(&env, &["--insecure", "example.test"]).expect(0);
    server.take_log();
    let https = format!("example.test:443:127.0.0.1:{}", 1);
    let http = server.connect_to("example.test")[1].clone();
    env.set_var("GANTRY_CONNECT_TO", format!("{https},{http}"));
    discover(&env, &["example.test"]).expect(1);
    discover(&env, &["-insecure", "example.test"]).expect(0);
    assert!(server.take_log().iter().all(|request| !request.tls));
}

#[test]
fn a_port_is_for_discovery_only() {
    let (env, server) = setup();
    let port = server.https_port().to_string();
    let rule = format!("example.test:{port}:127.0.0.1:{port}");
    let arguments = ["--connect-to", &rule, "--port", &port, "example.test:1"];
    let outcome = discover(&env, &arguments).expect(0);
    assert!(
        outcome.stdout.contains("https://example.test/linux/"),
        "{outcome}"
    );
    let host = format!("example.test:{port}");
    assert_eq!(server.take_log()[0].header("host"), Some(host.as_str()));
}

#[test]
fn a_hostile_server_ends_in_an_error() {
    let (env, server) = setup();
    for (hook, text) in [
        (
            Hook::Endless,
            "answer is larger than the limit of 1048576 bytes",
        ),
        (
            Hook::Redirect("/?ac-discovery=1".to_owned()),
            "more than 10 redirects",
        ),
        (
            Hook::Redirect("http://example.test/x".to_owned()),
            "leaves https",
        ),
        (Hook::Redirect("file:///etc/passwd".to_owned()), "redirect"),
        (
            Hook::CutAfter(20),
            "connection closed before the answer was complete",
        ),
        (Hook::Status(403), "expected a 200 OK got 403"),
    ] {
        server.hook("/", hook);
        discover(&env, &["example.test"]).expect(1).says(text);
        server.clear_hooks();
    }
}

#[test]
fn a_wrong_command_line_ends_with_two_and_no_name_with_one() {
    let (mut env, _server) = setup();
    for (arguments, text) in [
        (&["-x"][..], "flag provided but not defined: -x"),
        (&["-h"], "flag: help requested"),
        (&["--port"], "flag needs an argument: -port"),
        (
            &["--port=x", "a"],
            "invalid value \"x\" for flag -port: parse error",
        ),
        (
            &["--json=maybe", "a"],
            "invalid boolean value \"maybe\" for -json: parse error",
        ),
        (&["--connect-to=a:b", "a"], "HOST1:PORT1:HOST2:PORT2"),
    ] {
        discover(&env, arguments).expect(2).says(text);
    }
    discover(&env, &[])
        .expect(1)
        .says("discover: at least one name required");
    env.set_var("GANTRY_CONNECT_TO", "nonsense");
    discover(&env, &["example.test"])
        .expect(1)
        .says("the environment variable GANTRY_CONNECT_TO is not valid");
}

#[test]
fn help_and_version_are_data() {
    let env = TestEnv::new();
    let help = env.run(ACTOOL, ["help"]).expect(0).stdout;
    assert!(help.starts_with("NAME:\n\tactool - "), "{help}");
    assert!(help.contains("\tdiscover"), "{help}");
    assert_eq!(env.run::<&str>(ACTOOL, []).expect(0).stdout, help);
    assert_eq!(
        env.run(ACTOOL, ["--help", "discover"]).expect(0).stdout,
        help
    );
    let one = env.run(ACTOOL, ["help", "discover"]).expect(0).stdout;
    assert!(one.contains("\t--insecure=false"), "{one}");
    env.run(ACTOOL, ["help", "nothing"])
        .expect(1)
        .says("Unrecognized command: nothing");
    let version = env.run(ACTOOL, ["version", "y", "-x"]).expect(0);
    assert_eq!(version.stdout, "actool version 0.8.11+git\n");
    env.run(ACTOOL, ["nothing"])
        .expect(2)
        .says("actool: unknown subcommand: \"nothing\"\nRun 'actool help' for usage.\n");
    env.run(ACTOOL, ["--nothing"]).expect(2);
}
