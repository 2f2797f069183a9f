use std::fs;

use proptest::prelude::*;

use super::*;

const HEX: &str = "ea0d1389812f43e474c50155ec4914e1b48792d420820c15cab28c0794034950";

fn conf(text: &str) -> RegistriesConf {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The places for `reference`, insecure ones with a `!`.
fn places(conf: &RegistriesConf, reference: &str) -> Vec<String> {
    let endpoints = conf.endpoints(&reference.parse().unwrap()).unwrap();
    let shown = |endpoint: &Endpoint| {
        let mark = if endpoint.insecure { "!" } else { "" };
        format!("{mark}{}", endpoint.reference)
    };
    endpoints.iter().map(shown).collect()
}

#[test]
fn the_longest_prefix_says_where_a_name_leads() {
    let conf = conf(
        r#"
        [[registry]]
        location = "plain.test"
        insecure = true
        [[registry]]
        prefix = "docker.io"
        location = "docker.io"
        [[registry.mirror]]
        location = "mirror.test:5000/hub/"
        insecure = true
        [[registry.mirror]]
        location = "second"
        [[registry]]
        prefix = "docker.io/library"
        location = "own.test/base"
        [[registry]]
        prefix = "*.many.test"
        location = "one.test"
        [[registry]]
        prefix = "*.left.test"
        insecure = true
        "#,
    );
    for (reference, expected) in [
        ("other.test/a:1", &["other.test/a:1"][..]),
        ("plain.test/a:1", &["!plain.test/a:1"]),
        ("plain.test:5000/a:1", &["plain.test:5000/a:1"]),
        ("plain.testing/a:1", &["plain.testing/a:1"]),
        (
            "user/a:1",
            &[
                "!mirror.test:5000/hub/user/a:1",
                "second/user/a:1",
                "docker.io/user/a:1",
            ],
        ),
        ("busybox:1", &["own.test/base/busybox:1"]),
        ("a.many.test/x:1", &["one.test/x:1"]),
        ("many.test/x:1", &["many.test/x:1"]),
        ("a.b.left.test/x:1", &["!a.b.left.test/x:1"]),
    ] {
        assert_eq!(places(&conf, reference), expected, "{reference}");
    }
}

#[test]
fn mirrors_serve_what_they_are_for() {
    let digest = format!("a.test/x@sha256:{HEX}");
    let conf = conf(
        r#"
        [[registry]]
        location = "a.test"
        [[registry.mirror]]
        location = "all.test"
        [[registry.mirror]]
        location = "digests.test"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "tags.test"
        pull-from-mirror = "tag-only"
        [[registry]]
        location = "b.test"
        mirror-by-digest-only = true
        mirror = [{ location = "m.test" }]
        "#,
    );
    let hosts = |reference: &str| {
        let places = places(&conf, reference);
        let hosts = places
            .iter()
            .map(|place| place.split('.').next().unwrap().to_owned());
        hosts.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hosts("a.test/x:1"), "all tags a");
    assert_eq!(hosts(&digest), "all digests a");
    assert_eq!(hosts("b.test/x:1"), "b");
    assert_eq!(hosts(&digest.replace("a.test", "b.test")), "m b");
}

#[test]
fn blocked_names_are_refused() {
    let conf = conf("[[registry]]\nprefix = \"Bad.test/x\"\nblocked = true");
    let reference: Reference = "bad.test/x/y".parse().unwrap();
    let error = conf.endpoints(&reference).unwrap_err();
    assert!(matches!(error, ConfRouteError::Blocked { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Refused);
    assert!(conf.endpoints(&"BAD.test/x:1".parse().unwrap()).is_err());
    assert_eq!(places(&conf, "bad.test/xy:1"), ["bad.test/xy:1"]);
}

#[test]
fn short_names_stand_for_what_the_files_say() {
    let candidates = |text: &str, name: &str| {
        let found = conf(text).candidates(&name.parse().unwrap());
        let shown =
            |found: Vec<Reference>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
        found.map(shown)
    };
    let one = "unqualified-search-registries = [\"quay.io\"]";
    let two = "unqualified-search-registries = [\"quay.io\", \"docker.io\"]\n";
    let alias = "[aliases]\n\"fedora\" = \"registry.fedoraproject.org/fedora\"";
    assert_eq!(
        candidates("", "fedora").unwrap(),
        ["docker.io/library/fedora:latest"]
    );
    assert_eq!(
        candidates(alias, "fedora:9").unwrap(),
        ["registry.fedoraproject.org/fedora:9"]
    );
    assert_eq!(
        candidates(alias, "docker.io/fedora").unwrap(),
        ["docker.io/library/fedora:latest"]
    );
    assert_eq!(candidates(one, "a/b").unwrap(), ["quay.io/a/b:latest"]);
    assert_eq!(
        candidates(one, "busybox").unwrap(),
        ["quay.io/busybox:latest"]
    );
    let error = candidates(two, "busybox").unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"busybox\" can be an image of quay.io or of docker.io"
    );
    let permissive = format!("{two}short-name-mode = \"permissive\"");
    assert_eq!(
        candidates(&permissive, "busybox").unwrap(),
        ["quay.io/busybox:latest", "docker.io/library/busybox:latest"]
    );
}

#[test]
fn mistakes_are_named_by_their_place() {
    for (text, expected) in [
        ("a = ", "it is not TOML"),
        ("[registries.search]\nregistries = []", "of version 1"),
        ("[[registry]]", "registry 1 has neither prefix nor location"),
        (
            "[[registry]]\nlocation = 1",
            "location of registry 1 is not a text",
        ),
        (
            "[[registry]]\nlocation = \"https://a.test\"",
            "is not HOST[:PORT][/PATH]",
        ),
        (
            "[[registry]]\nlocation = \"a\"\ninsecure = 1",
            "insecure of registry 1 is not true or false",
        ),
        (
            "[[registry]]\nlocation = \"a\"\n[[registry.mirror]]",
            "location of registry 1, mirror 1",
        ),
        (
            "[[registry]]\nlocation = \"a\"\n[[registry]]\nprefix = \"a\"",
            "two [[registry]] for \"a\"",
        ),
        ("registry = 1", "registry is not a list of tables"),
        ("registry = [1]", "registry is not a list of tables"),
        (
            "unqualified-search-registries = [1]",
            "is not a list of texts",
        ),
        (
            "credential-helpers = [\"../x\"]",
            "credential-helpers is not",
        ),
        ("short-name-mode = \"x\"", "short-name-mode is not"),
        ("aliases = 1", "aliases is not a table"),
    ] {
        let error = parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(parse(&[0xff]), Err(ConfError::Encoding));
    assert_eq!(
        parse(&vec![b'#'; MAX_CONF_BYTES + 1]),
        Err(ConfError::TooLarge)
    );
    let conf = conf("[[registry]]\nprefix = \"a.test\"\nlocation = \"B_/x\"");
    let error = conf.endpoints(&"a.test/x".parse().unwrap()).unwrap_err();
    assert!(matches!(error, ConfRouteError::Name { .. }), "{error}");
}

#[test]
fn the_users_files_override_the_systems() {
    let home = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let load_with = |variable: &str, value: &str| {
        let value = home.path().join(value).into_os_string();
        let home = home.path().as_os_str().to_owned();
        let mut paths = ConfPaths::of_environment(|name| match name {
            "HOME" => Some(home.clone()),
            name if name == variable => Some(value.clone()),
            _ => None,
        });
        paths.keep_below(&home);
        load(&paths)
    };
    assert_eq!(load_with("", "").unwrap(), RegistriesConf::default());
    put(
        ".config/containers/registries.conf",
        "unqualified-search-registries = [\"a\"]",
    );
    put(
        ".config/containers/registries.conf.d/2.conf",
        "[aliases]\n\"x\" = \"b/x\"\n\"y\" = \"b/y\"",
    );
    put(
        ".config/containers/registries.conf.d/1.conf",
        "[aliases]\n\"x\" = \"a/x\"",
    );
    put(
        ".config/containers/registries.conf.d/3.txt",
        "not looked at",
    );
    let conf = load_with("", "").unwrap();
    assert_eq!(conf.search.as_deref(), Some(&["a".to_owned()][..]));
    assert_eq!(
        (conf.aliases["x"].as_str(), conf.aliases["y"].as_str()),
        ("b/x", "b/y")
    );
    put("own.conf", "unqualified-search-registries = [\"own\"]");
    let conf = load_with("CONTAINERS_REGISTRIES_CONF", "own.conf").unwrap();
    assert_eq!(conf.search.as_deref(), Some(&["own".to_owned()][..]));
    put(".config/containers/registries.conf", "broken");
    let error = load_with("", "").unwrap_err();
    assert!(
        error
            .to_string()
            .contains(".config/containers/registries.conf"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_panics_and_every_name_leads_somewhere(
        text in "(\\[\\[registry\\]\\]\n(prefix|location) = \"[a-z./*:]{0,8}\"\n(blocked = true\n)?){0,3}",
        name in "[a-z]{1,3}(\\.[a-z])?/[a-z]{1,3}",
    ) {
        if let Ok(conf) = parse(text.as_bytes()) {
            let endpoints = conf.endpoints(&name.parse().unwrap());
            prop_assert!(endpoints.is_err() || endpoints.is_ok_and(|found| !found.is_empty()));
        }
    }
}
