use proptest::prelude::*;

use super::*;

const HEX: &str = "ea0d1389812f43e474c50155ec4914e1b48792d420820c15cab28c0794034950";

fn show(text: &str) -> Result<String, ReferenceError> {
    text.parse::<Reference>()
        .map(|reference| reference.to_string())
}

#[test]
fn references_are_completed_as_docker2aci_does() {
    let at_digest = format!("alpine@sha256:{HEX}");
    let shown = format!("docker.io/library/alpine@sha256:{HEX}");
    let both = format!("a.test/b:1@sha256:{HEX}");
    let by_digest = format!("a.test/b@sha256:{HEX}");
    for (text, expected) in [
        ("busybox", "docker.io/library/busybox:latest"),
        ("library/busybox", "docker.io/library/busybox:latest"),
        ("docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        (
            "index.docker.io/busybox",
            "docker.io/library/busybox:latest",
        ),
        ("user/app", "docker.io/user/app:latest"),
        (
            "gcr.io/google-samples/node-hello:1.0",
            "gcr.io/google-samples/node-hello:1.0",
        ),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a:b", "localhost:5000/a:b"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
        ("[::1]:5000/a:1", "[::1]:5000/a:1"),
        ("[2001:db8::1]/a", "[2001:db8::1]/a:latest"),
        (
            "REGISTRY.Example.COM:80/a",
            "registry.example.com:80/a:latest",
        ),
        ("a.test/b__c/d---e_f.g:_X-.9", "a.test/b__c/d---e_f.g:_X-.9"),
        (&at_digest, &shown),
        (&both, &by_digest),
    ] {
        assert_eq!(show(text).as_deref(), Ok(expected), "{text}");
    }
    let host = |text: &str| {
        text.parse::<Reference>()
            .unwrap()
            .registry_host()
            .to_owned()
    };
    assert_eq!(host("busybox"), "registry-1.docker.io");
    assert_eq!(host("quay.io/a/b"), "quay.io");
    let alpine: Reference = at_digest.parse().unwrap();
    assert_eq!(
        (alpine.tag(), alpine.digest().map(Digest::hex)),
        (None, Some(HEX))
    );
}

#[test]
fn names_without_a_registry_are_known_as_such_and_can_be_moved() {
    for (text, short) in [
        ("busybox", Some("busybox")),
        ("library/busybox", Some("busybox")),
        ("user/app:1", Some("user/app")),
        ("docker.io/busybox", None),
        ("localhost/app", None),
    ] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.short_name(), short, "{text}");
    }
    let moved = "busybox:1"
        .parse::<Reference>()
        .unwrap()
        .at("quay.io/base/busybox");
    assert_eq!(moved.unwrap().to_string(), "quay.io/base/busybox:1");
    assert!(
        "busybox"
            .parse::<Reference>()
            .unwrap()
            .at("a.test/b:1")
            .is_err()
    );
}

#[test]
fn what_is_no_reference_is_refused_by_the_rule_it_breaks() {
    let long_name = format!("a.test/{}", "a".repeat(249));
    let long_tag = format!("a:{}", "t".repeat(129));
    let upper = format!("a@sha256:{}", HEX.to_uppercase());
    for (text, needle) in [
        ("", "empty"),
        (":1", "empty"),
        ("a.test/", "empty"),
        ("a/B", "lower-case"),
        ("User/app", "lower-case"),
        ("BusyBox", "lower-case"),
        ("a//b", "is not a name"),
        ("/a", "is not a name"),
        ("-a", "is not a name"),
        ("a-", "is not a name"),
        ("a___b", "is not a name"),
        ("a..b", "is not a name"),
        ("a._b", "is not a name"),
        ("a b", "is not a name"),
        ("a/../b", "is not a name"),
        ("grün", "is not a name"),
        ("a\n", "is not a name"),
        (HEX, "image ID"),
        ("a.test:0/b", "not a registry"),
        ("a.test:99999/b", "not a registry"),
        ("a.test:/b", "not a registry"),
        ("-a.test/b", "not a registry"),
        ("a..test/b", "not a registry"),
        ("[::1/b", "not a registry"),
        ("[nine]:1/b", "not a registry"),
        ("user:pw@a.test/b", "is not a digest"),
        ("a:", "is not a tag"),
        ("a:.b", "is not a tag"),
        ("a:b c", "is not a tag"),
        (&long_tag, "is not a tag"),
        (&long_name, "longer than 255"),
        ("a@", "is not a digest"),
        ("a@sha256:abc", "is not a digest"),
        ("a@md5:d41d8cd98f00b204e9800998ecf8427e", "is not a digest"),
        (&upper, "is not a digest"),
    ] {
        let error = show(text).unwrap_err().to_string();
        assert!(error.contains(needle), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(text in "([a-zA-Z]{1,4}[.:/][0-9]{0,3}/)?[a-z0-9/._-]{1,12}(:[\\w.-]{1,4})?") {
        if let Ok(reference) = text.parse::<Reference>() {
            let printed = reference.to_string();
            let again: Reference = printed.parse().unwrap();
            prop_assert_eq!(again.to_string(), printed);
            prop_assert_eq!(again.short_name(), None);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Reference>();
    }
}
