//! Who gets to know who we are.

use super::*;

const TOKEN: &str = "Bearer t1";

impl Setup {
    /// Wants the token `t1` for the manifest, which the server at `realm` gives.
    fn guard(&self, realm: &str) {
        let challenge =
            format!("Bearer realm=\"{realm}\",service=\"s, t\",scope=\"repository:app:pull\"");
        self.kit.web().put("/token", r#"{"token": "t1"}"#);
        self.hook(TAG, Hook::Wants(TOKEN.to_owned(), challenge));
    }

    /// The `Authorization` of each request for a token so far.
    fn shown_for_token(&self) -> Vec<Option<String>> {
        let log = self.kit.web().take_log();
        let tokens = log.iter().filter(|request| request.path() == "/token");
        tokens
            .map(|request| request.header("authorization").map(str::to_owned))
            .collect()
    }
}

#[test]
fn a_token_is_fetched_once_and_again_when_it_is_no_longer_taken() {
    let setup = Setup::new();
    setup.put(b"{}");
    let host = setup.kit.host();
    setup.guard(&format!("http://{host}/token"));
    let client = setup.client();
    let reference = format!("{host}/app:1");
    for _ in 0..3 {
        pull(&client, &reference).unwrap();
    }
    let asked = setup.asked();
    let tokens: Vec<&String> = asked
        .iter()
        .filter(|line| line.contains("/token"))
        .collect();
    assert_eq!(
        tokens,
        ["GET /token?service=s%2C+t&scope=repository%3Aapp%3Apull"]
    );
    // In the middle of a pull the registry wants another one.
    setup.kit.web().clear_hooks();
    setup.kit.web().put("/token", r#"{"access_token": "t2"}"#);
    let challenge = format!("Bearer realm=\"http://{host}/token\"");
    setup.hook(TAG, Hook::Wants("Bearer t2".to_owned(), challenge));
    pull(&client, &reference).unwrap();
    assert_eq!(setup.shown_for_token(), [None]);
}

#[test]
fn the_token_server_of_the_registrys_site_gets_the_login() {
    let setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    setup.guard("https://auth.a.test/token");
    pull(&setup.client(), "a.test/app:1").unwrap();
    let log = setup.kit.web().take_log();
    let token = log
        .iter()
        .find(|request| request.path() == "/token")
        .unwrap();
    assert_eq!(token.header("authorization"), Some(BASIC));
    assert!(token.target.ends_with("&account=user"), "{}", token.target);
    assert_eq!(
        (token.header("host"), token.tls),
        (Some("auth.a.test"), true)
    );
    let shown: Vec<_> = log
        .iter()
        .filter(|r| r.path() == TAG)
        .map(|r| r.header("authorization"))
        .collect();
    assert_eq!(shown, [None, Some(TOKEN)]);
}

#[test]
fn a_token_server_elsewhere_is_asked_without_any_login_also_its_own() {
    let mut setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    setup.guard("https://b.test/token");
    pull(&setup.client(), "a.test/app:1").unwrap();
    assert_eq!(setup.shown_for_token(), [None]);
    setup.hook("/token", Hook::Status(401));
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(
        shown(&error).contains("b.test/token gives no token, and got no login"),
        "{}",
        shown(&error)
    );
    setup.kit.web().take_log();
    setup.kit.web().clear_hooks();
    setup.guard("https://b.test/token");
    // With this one the registry could get a token for whatever the user has at b.test.
    setup.keychain.configure("b.test", password());
    pull(&setup.client(), "a.test/app:1").unwrap();
    assert_eq!(setup.shown_for_token(), [None]);
}

#[test]
fn the_login_of_a_repository_beats_that_of_its_host_at_the_token_server_too() {
    let setup = Setup::new();
    setup.put(b"{}");
    setup.guard("https://a.test/token");
    let home = tempfile::tempdir().unwrap();
    let auths =
        r#"{"auths": {"a.test": {"auth": "eDp5"}, "a.test/app": {"auth": "dXNlcjpwYXNz"}}}"#;
    std::fs::write(home.path().join("auth.json"), auths).unwrap();
    let file = home.path().join("auth.json").into_os_string();
    let variable = |name: &str| (name == "REGISTRY_AUTH_FILE").then(|| file.clone());
    let keychain = Keychain::of_environment(variable, 0);
    let setup = Setup { keychain, ..setup };
    pull(&setup.client(), "a.test/app:1").unwrap();
    assert_eq!(setup.shown_for_token(), [Some(BASIC.to_owned())]);
}

#[test]
fn no_token_server_is_asked_over_plain_http_or_at_this_machine_for_a_registry_elsewhere() {
    let mut setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    for allow_http in [false, true] {
        setup.allow_http = allow_http;
        for realm in [
            "http://auth.a.test/token",
            &setup.kit.web().url("/token"),
            "nonsense",
            "",
        ] {
            setup.guard(realm);
            let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
            assert!(
                shown(&error).contains("sends us to"),
                "{realm}: {}",
                shown(&error)
            );
            assert_eq!(setup.shown_for_token(), [], "{realm}");
            setup.kit.web().clear_hooks();
        }
    }
}

#[test]
fn a_registry_that_proves_nothing_sends_the_login_nowhere() {
    // Without a look at certificates anybody could be a.test, and name a server of his own.
    let mut setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    setup.config.insecure_tls = true;
    setup.guard("https://auth.a.test/token");
    pull(&setup.client(), "a.test/app:1").unwrap();
    assert_eq!(setup.shown_for_token(), [None]);
}

#[test]
fn an_identity_token_is_posted_and_not_shown_elsewhere() {
    let mut setup = Setup::new();
    setup.put(b"{}");
    setup.guard("https://auth.a.test/token");
    let token = Login::IdentityToken("r&1".to_owned().into());
    setup.keychain.configure("a.test", token);
    pull(&setup.client(), "a.test/app:1").unwrap();
    let log = setup.kit.web().take_log();
    let asked = log
        .iter()
        .find(|request| request.path() == "/token")
        .unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/token")
    );
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        "grant_type=refresh_token&service=s%2C+t&client_id=gantry&scope=repository%3Aapp%3Apull&refresh_token=r%261"
    );
    // A redirect would carry it on.
    setup.hook("/token", Hook::Redirect("https://b.test/token".to_owned()));
    assert!(pull(&setup.client(), "a.test/app:1").is_err());
    let hosts: Vec<_> = setup
        .kit
        .web()
        .take_log()
        .iter()
        .map(|r| r.header("host").unwrap().to_owned())
        .collect();
    assert!(!hosts.contains(&"b.test".to_owned()), "{hosts:?}");
}

#[test]
fn a_login_is_shown_where_basic_is_wanted_and_never_over_plain_http_elsewhere() {
    let mut setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    setup.hook(
        TAG,
        Hook::Wants(BASIC.to_owned(), "Basic realm=\"x\"".to_owned()),
    );
    let client = setup.client();
    pull(&client, "a.test/app:1").unwrap();
    pull(&client, "a.test/app:1").unwrap();
    assert_eq!(setup.asked().len(), 3);
    let error = pull(&client, "b.test/app:1").unwrap_err();
    assert!(
        matches!(error, RegistryError::Denied { login: false, .. }),
        "{error}"
    );
    // The same registry where nothing but plain http is spoken.
    setup.allow_http = true;
    setup
        .kit
        .web()
        .break_tls(gantry_testkit::web::TlsFault::Plain);
    setup.kit.web().take_log();
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(
        matches!(error, RegistryError::Denied { login: true, .. }),
        "{error}"
    );
    let log = setup.kit.web().take_log();
    assert!(
        log.iter()
            .any(|request| !request.tls && request.path() == TAG)
    );
    assert!(
        log.iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn another_host_gets_neither_login_nor_token_and_may_not_ask() {
    let setup = Setup::new().with_login("a.test");
    let digest = setup.kit.put_blob("app", b"layer");
    let path = kit::Registry::blob_path("app", &digest);
    setup.kit.web().put("/store", "layer");
    setup.hook(
        &path,
        Hook::Wants(BASIC.to_owned(), "Basic realm=\"x\"".to_owned()),
    );
    setup.hook(
        &path,
        Hook::Redirect("https://b.test/store?sig=1".to_owned()),
    );
    let client = setup.client();
    let endpoints = [endpoint("a.test/app")];
    let blob = || read(client.blob(&endpoints, &digest.parse().unwrap(), 5, 0));
    assert_eq!(blob(), Ok((b"layer".to_vec(), 5)));
    setup.hook(
        "/store",
        Hook::Wants(BASIC.to_owned(), "Basic realm=\"x\"".to_owned()),
    );
    assert!(blob().is_err());
    let log = setup.kit.web().take_log();
    let foreign: Vec<_> = log.iter().filter(|r| r.path() == "/store").collect();
    assert_eq!(foreign.len(), 2);
    assert!(
        foreign
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn errors_hold_no_secrets() {
    let setup = Setup::new().with_login("a.test");
    setup.put(b"{}");
    setup.hook(
        TAG,
        Hook::Wants("nothing".to_owned(), "Basic realm=\"x\"".to_owned()),
    );
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    let text = format!("{error:?} {}", shown(&error));
    assert!(
        !text.contains("pass") && !text.contains("dXNlcjpwYXNz"),
        "{text}"
    );
}
