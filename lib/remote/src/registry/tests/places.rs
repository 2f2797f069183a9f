//! Where registries are, and by what they prove it.

use gantry_testkit::web::TlsFault;

use super::*;

#[test]
fn plain_http_is_spoken_where_it_is_allowed_only() {
    let mut setup = Setup::new();
    setup.put(b"{}");
    setup.kit.web().break_tls(TlsFault::Plain);
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(
        shown(&error).contains("secure connection failed"),
        "{}",
        shown(&error)
    );
    assert!(setup.kit.web().take_log().is_empty());
    setup.allow_http = true;
    let client = setup.client();
    pull(&client, "a.test/app:1").unwrap();
    pull(&client, "a.test/app:1").unwrap();
    assert_eq!(
        setup.asked(),
        [
            "GET /v2/",
            "GET /v2/app/manifests/1",
            "GET /v2/app/manifests/1"
        ]
    );
    setup.allow_http = false;
    let insecure = Endpoint {
        insecure: true,
        ..endpoint("a.test/app:1")
    };
    setup.client().manifest(&insecure).unwrap();
}

#[test]
fn a_bad_certificate_is_no_reason_to_speak_plain_http() {
    let mut setup = Setup::new();
    setup.put(b"{}");
    setup.allow_http = true;
    setup.kit.web().break_tls(TlsFault::SelfSigned);
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(shown(&error).contains("certificate"), "{}", shown(&error));
    assert!(setup.kit.web().take_log().is_empty());
    // A registry that is said to be insecure need not show a good one.
    let insecure = Endpoint {
        insecure: true,
        ..endpoint("a.test/app:1")
    };
    setup.client().manifest(&insecure).unwrap();
    assert!(setup.kit.web().take_log().iter().all(|request| request.tls));
    // That says nothing about the hosts that it leads to.
    setup.hook(TAG, Hook::Redirect("https://b.test/x".to_owned()));
    let error = setup.client().manifest(&insecure).unwrap_err();
    assert!(shown(&error).contains("certificate"), "{}", shown(&error));
}

#[test]
fn authorities_of_one_host_are_trusted_for_it_alone() {
    let mut setup = Setup::new();
    setup.put(b"{}");
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("a.test");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(setup.kit.web().ca_file(), directory.join("own.crt")).unwrap();
    setup.config.roots = Roots::Paths {
        file: None,
        dirs: Vec::new(),
    };
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(
        shown(&error).contains("signed by no authority"),
        "{}",
        shown(&error)
    );
    setup.config.certificates = vec![folder.path().to_owned()];
    let client = setup.client();
    pull(&client, "a.test/app:1").unwrap();
    assert!(pull(&client, "b.test/app:1").is_err());
    std::fs::write(directory.join("client.key"), "x").unwrap();
    let error = pull(&setup.client(), "a.test/app:1").unwrap_err();
    assert!(
        shown(&error).contains("client.key has no client.cert"),
        "{}",
        shown(&error)
    );
}

#[test]
fn names_lead_to_mirrors_and_aliases_by_registries_conf() {
    let mut setup = Setup::new();
    setup.conf = parse(
        b"[aliases]\n\"short\" = \"a.test/app\"\n[[registry]]\nlocation = \"a.test\"\n[[registry.mirror]]\nlocation = \"b.test/m\"\n",
    )
    .unwrap();
    let places = setup.client().places(&"short:1".parse().unwrap()).unwrap();
    let (meant, endpoints) = &places[0];
    assert_eq!(meant.to_string(), "a.test/app:1");
    let shown: Vec<String> = endpoints.iter().map(|e| e.reference.to_string()).collect();
    assert_eq!(shown, ["b.test/m/app:1", "a.test/app:1"]);
}
