use proptest::prelude::*;

use super::*;

/// `user:password`, `token:TOKEN`, `helper:NAME` or nothing.
fn show(file: &AuthFile, registry: &str, repository: &str) -> String {
    match file.find(registry, repository) {
        None => String::new(),
        Some(Entry::Helper(name)) => format!("helper:{name}"),
        Some(Entry::Login(Login::IdentityToken(token))) => format!("token:{}", token.reveal()),
        Some(Entry::Login(Login::Password { user, password })) => {
            format!("{user}:{}", password.reveal())
        }
    }
}

#[test]
fn the_nearest_entry_holds() {
    let file = AuthFile::parse(
        br#"{"auths": {
            "quay.io": {"auth": "YTox"},
            "quay.io/ns": {"auth": "YToy"},
            "quay.io/ns/app": {"auth": "YToz"},
            "https://index.docker.io/v1/": {"auth": "aHViOngA"},
            "https://old.test/v1/": {"username": "o", "password": "p:q"},
            "new.test:5000/": {"auth": "", "identitytoken": "t0"},
            "hidden.test": {}
        }, "HttpHeaders": {"x": "y"}}"#,
    )
    .unwrap();
    for (registry, repository, expected) in [
        ("quay.io", "ns/app", "a:3"),
        ("quay.io", "ns/app/deeper", "a:3"),
        ("quay.io", "ns/application", "a:2"),
        ("quay.io", "nsx/app", "a:1"),
        ("quay.io", "", "a:1"),
        ("docker.io", "library/busybox", "hub:x"),
        ("registry-1.docker.io", "library/busybox", "hub:x"),
        ("old.test", "a", "o:p:q"),
        ("new.test:5000", "a", "token:t0"),
        ("new.test", "a", ""),
        ("hidden.test", "a", ""),
        ("io", "a", ""),
    ] {
        let shown = show(&file, registry, repository);
        assert_eq!(shown, expected, "{registry} {repository}");
    }
}

#[test]
fn helpers_beat_what_is_in_the_file() {
    let file = AuthFile::parse(
        br#"{"auths": {"a.test": {"auth": "YTox"}, "b.test": {"auth": "YTox"}},
            "credHelpers": {"a.test": "pass", "docker.io": "", "index.docker.io": "hub"}}"#,
    )
    .unwrap();
    assert_eq!(show(&file, "a.test", "x"), "helper:pass");
    assert_eq!(show(&file, "b.test", "x"), "a:1");
    assert_eq!(show(&file, "docker.io", "x"), "helper:hub");
    let file = AuthFile::parse(br#"{"auths": {"a.test": {}}, "credsStore": "secretservice"}"#);
    assert_eq!(show(&file.unwrap(), "a.test", "x"), "helper:secretservice");
}

#[test]
fn the_old_file_has_no_frame_and_an_empty_one_says_nothing() {
    let file = AuthFile::parse_legacy(
        br#"{"https://index.docker.io/v1/": {"auth": "aHViOng=", "email": "x@example.com"}}"#,
    );
    assert_eq!(show(&file.unwrap(), "docker.io", "a"), "hub:x");
    for empty in ["", " \n", "{}", r#"{"auths": null}"#] {
        assert_eq!(AuthFile::parse(empty.as_bytes()), Ok(AuthFile::default()));
    }
}

#[test]
fn mistakes_are_named_without_what_is_secret() {
    for (text, expected) in [
        ("{\"auths\": [", "it is not JSON (line 1, column 11)"),
        ("[]", "the document is not an object"),
        (r#"{"auths": []}"#, "auths is not an object"),
        (
            r#"{"auths": {"a": 1}}"#,
            "the entry of \"a\" is not an object",
        ),
        (
            r#"{"auths": {"a": {"auth": 1}}}"#,
            "auth of \"a\" is not a text",
        ),
        (
            r#"{"auths": {"a": {"auth": "c2VjcmV0"}}}"#,
            "auth of \"a\" is not USER:PASSWORD in base 64",
        ),
        (
            r#"{"auths": {"a": {"auth": "secret!"}}}"#,
            "auth of \"a\" is not USER:PASSWORD in base 64",
        ),
        (
            r#"{"credHelpers": {"a": "../x"}}"#,
            "credHelpers of \"a\" is not the name of a credential helper",
        ),
        (r#"{"credsStore": 1}"#, "credsStore is not a text"),
    ] {
        let error = AuthFile::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let file = AuthFile::parse(br#"{"auths": {"a": {"auth": "YTpzZWNyZXQ="}}}"#).unwrap();
    assert!(!format!("{file:?}").contains("secret"));
    let large = vec![b' '; MAX_AUTH_FILE_BYTES + 1];
    assert_eq!(AuthFile::parse(&large), Err(AuthFileError::TooLarge));
}

proptest! {
    #[test]
    fn any_login_is_found_again(user in "[^:\0]{1,10}", password in "[^\0]{0,10}", host in "[a-z]{1,8}(\\.[a-z]{1,3})?(:[0-9]{1,4})?") {
        let auth = base64::encode(format!("{user}:{password}").as_bytes());
        let text = serde_json::json!({"auths": {&host: {"auth": auth}}}).to_string();
        let file = AuthFile::parse(text.as_bytes()).unwrap();
        let expected = Login::Password { user, password: password.into() };
        prop_assert_eq!(file.find(&host, "any/thing"), Some(Entry::Login(&expected)));
    }

    #[test]
    fn no_bytes_panic(text in "[{}\\[\\]\",:a-z0-9=]{0,60}") {
        if let Ok(file) = AuthFile::parse(text.as_bytes()) {
            let _ = file.find("a", "b/c");
        }
        let _ = AuthFile::parse_legacy(text.as_bytes());
    }
}
