//! What comes, and whether it is what was meant.

use super::*;

/// Something that compresses to nothing else.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn manifests_come_with_their_digest_and_kind() {
    let setup = Setup::new();
    let digest = setup.put(b"{}");
    let client = setup.client();
    let host = setup.kit.host();
    let manifest = pull(&client, &format!("{host}/app:1")).unwrap();
    assert_eq!(manifest.bytes, b"{}");
    assert_eq!(
        (&manifest.digest, manifest.media_type.as_str()),
        (&digest, MANIFEST)
    );
    let by_digest = format!("{host}/app@{digest}");
    assert_eq!(pull(&client, &by_digest).unwrap(), manifest);
    let head = client.head(&endpoint(&by_digest)).unwrap().unwrap();
    assert_eq!((head.digest, head.media_type.as_str()), (digest, MANIFEST));
    let log = setup.kit.web().take_log();
    let accept = log.last().unwrap().header("accept").unwrap().to_owned();
    for kind in [MANIFEST, kit::INDEX, kit::DOCKER_MANIFEST] {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[test]
fn bytes_with_another_digest_are_refused() {
    let setup = Setup::new();
    let digest = setup.put(b"{}");
    let client = setup.client();
    let host = setup.kit.host();
    // The tag is moved while the header still says the old digest, and the digest leads to other bytes.
    for version in ["1", &digest.to_string()] {
        setup
            .kit
            .web()
            .put(&kit::Registry::manifest_path("app", version), "{\"x\": 1}");
    }
    for reference in [format!("{host}/app:1"), format!("{host}/app@{digest}")] {
        let error = pull(&client, &reference).unwrap_err();
        assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    }
}

#[test]
fn a_manifest_without_end_is_given_up() {
    let setup = Setup::new();
    setup.put(b"{}");
    setup.hook(TAG, Hook::EndlessChunks);
    let error = pull(&setup.client(), &format!("{}/app:1", setup.kit.host())).unwrap_err();
    assert!(
        error.to_string().contains("larger than the limit"),
        "{error}"
    );
}

#[test]
fn a_registry_that_cuts_every_connection_gives_a_blob_all_the_same() {
    let setup = Setup::new();
    let bytes = pattern(1_000_000);
    let digest = setup.kit.put_blob("app", &bytes);
    setup.hook(
        &kit::Registry::blob_path("app", &digest),
        Hook::CutAfter(100_000),
    );
    let client = setup.client();
    let endpoints = [endpoint(&format!("{}/app", setup.kit.host()))];
    let reader = client.blob(&endpoints, &digest.parse().unwrap(), bytes.len() as u64, 0);
    assert_eq!(read(reader), Ok((bytes.clone(), 1_000_000)));
    // Resumed by another process.
    let reader = client.blob(
        &endpoints,
        &digest.parse().unwrap(),
        bytes.len() as u64,
        999_000,
    );
    assert_eq!(read(reader), Ok((bytes[999_000..].to_vec(), 1000)));
    let mut config = setup.config.clone();
    config.retry.tries = 2;
    setup.kit.web().clear_hooks();
    setup.hook(
        &kit::Registry::blob_path("app", &digest),
        Hook::CutAfter(10),
    );
    let client = Setup { config, ..setup }.client();
    let error = read(client.blob(&endpoints, &digest.parse().unwrap(), 1_000_000, 0)).unwrap_err();
    assert!(
        error.contains("closed before the answer was complete") || error.contains("refused"),
        "{error}"
    );
}

#[test]
fn a_registry_without_ranges_sends_all_again() {
    let setup = Setup::new();
    let bytes = pattern(200_000);
    let digest = setup.kit.put_blob("app", &bytes);
    let path = kit::Registry::blob_path("app", &digest);
    setup.hook(&path, Hook::NoRanges);
    setup
        .kit
        .web()
        .hook_times(&path, Hook::CutAfter(150_000), 1);
    let client = setup.client();
    let endpoints = [endpoint(&format!("{}/app", setup.kit.host()))];
    let reader = client.blob(&endpoints, &digest.parse().unwrap(), bytes.len() as u64, 0);
    assert_eq!(read(reader), Ok((bytes, 350_000)));
}

#[test]
fn a_blob_of_another_size_or_another_part_is_refused() {
    let setup = Setup::new();
    let bytes = pattern(1000);
    let digest = setup.kit.put_blob("app", &bytes);
    let client = setup.client();
    let endpoints = [endpoint(&format!("{}/app", setup.kit.host()))];
    let blob =
        |size: u64, from: u64| read(client.blob(&endpoints, &digest.parse().unwrap(), size, from));
    for size in [999, 1001] {
        let error = blob(size, 0).unwrap_err();
        assert!(
            error.contains("is 1000 bytes long, but the manifest says"),
            "{error}"
        );
        assert!(
            blob(size, 10).unwrap_err().contains("another part"),
            "{size}"
        );
    }
    let path = kit::Registry::blob_path("app", &digest);
    setup.hook(&path, Hook::ContentRange("bytes 0-999/1000".to_owned()));
    assert!(blob(1000, 10).unwrap_err().contains("another part"));
    let none = kit::digest(b"none");
    let error = read(client.blob(&endpoints, &none.parse().unwrap(), 4, 0)).unwrap_err();
    assert!(error.contains(&format!("blob {none} is not at")), "{error}");
}

#[test]
fn a_blob_goes_on_at_the_next_mirror() {
    let (first, second) = (Setup::new(), Setup::new());
    let bytes = pattern(400_000);
    let digest = first.kit.put_blob("m/app", &bytes);
    second.kit.put_blob("app", &bytes);
    let path = kit::Registry::blob_path("m/app", &digest);
    first
        .kit
        .web()
        .hook_times(&path, Hook::CutAfter(300_000), 1);
    let endpoints = [
        endpoint("nobody.invalid/app"),
        endpoint(&format!("{}/m/app", first.kit.host())),
        endpoint(&format!("{}/app", second.kit.host())),
    ];
    let client = first.client();
    let mut reader = client.blob(&endpoints[1..], &digest.parse().unwrap(), 400_000, 0);
    let mut start = vec![0; 300_000];
    reader.read_exact(&mut start).unwrap();
    first.hook(&path, Hook::Status(404));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!([start, rest].concat(), bytes);
    assert_eq!(second.kit.web().take_sent(), 100_000);
    // Whoever finds out that the bytes are wrong goes on by himself.
    let mut reader = client.blob(&endpoints[1..], &digest.parse().unwrap(), 400_000, 0);
    assert!(reader.restart_elsewhere());
    assert_eq!(read(reader), Ok((bytes.clone(), 400_000)));
    let mut last = client.blob(&endpoints[2..], &digest.parse().unwrap(), 400_000, 0);
    assert!(!last.restart_elsewhere());
}

#[test]
fn a_layer_that_registries_do_not_hold_comes_from_where_it_is_without_a_login() {
    let setup = Setup::new().with_login("b.test");
    let digest = kit::digest(b"layer").parse().unwrap();
    setup.kit.web().put("/layer", "layer");
    let client = setup.client();
    let endpoints = [endpoint("a.test/app")];
    let at = |urls: &[&str]| {
        let urls: Vec<String> = urls.iter().map(|&url| url.to_owned()).collect();
        read(client.blob(&endpoints, &digest, 5, 0).or_at(&urls))
    };
    let found = at(&[
        "ftp://b.test/layer",
        "https://b.test/none",
        "https://b.test/layer",
    ]);
    assert_eq!(found, Ok((b"layer".to_vec(), 5)));
    let log = setup.kit.web().take_log();
    assert!(
        log.iter()
            .all(|request| request.header("authorization").is_none())
    );
    for urls in [
        &["http://b.test/layer"][..],
        &["file:///etc/passwd", "nonsense"],
        &[],
    ] {
        assert!(
            at(urls).unwrap_err().contains("is not at a.test"),
            "{urls:?}"
        );
    }
}

#[test]
fn busy_registries_are_asked_again_when_they_say_and_refusals_are_explained() {
    let setup = Setup::new();
    setup.put(b"{}");
    let web = setup.kit.web();
    web.hook_times(
        TAG,
        Hook::Header("retry-after".to_owned(), "0".to_owned()),
        1,
    );
    web.hook_times(TAG, Hook::Status(429), 1);
    let reference = format!("{}/app:1", setup.kit.host());
    let client = setup.client();
    assert!(pull(&client, &reference).is_ok());
    setup.header(TAG, "retry-after", "3600");
    setup.hook(TAG, Hook::Status(429));
    let error = pull(&client, &reference).unwrap_err();
    assert!(error.to_string().contains("answered 429"), "{error}");
    use gantry_types::Diagnostic as _;
    assert_eq!(
        error.hint().unwrap(),
        "the registry asks to wait for 3600 s"
    );
    let text = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no \\u001b[2Jsuch\"}]}";
    let raw = format!(
        "HTTP/1.1 404 x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    web.clear_hooks();
    setup.hook(TAG, Hook::Raw(raw.into_bytes()));
    let error = pull(&client, &reference).unwrap_err();
    assert!(error.is_missing());
    let said = error.to_string();
    assert!(said.contains("manifest 1 is not at"), "{said}");
    assert!(
        said.contains("MANIFEST_UNKNOWN: no \\u{1b}[2Jsuch"),
        "{said}"
    );
}

#[test]
fn tags_are_listed_page_by_page_to_an_end() {
    let setup = Setup::new();
    let web = setup.kit.web();
    web.put("/v2/app/tags/list", r#"{"name":"app","tags":["1","2"]}"#);
    web.put("/v2/app/tags/more", r#"{"name":"app","tags":["3"]}"#);
    web.put("/v2/none/tags/list", r#"{"name":"none","tags":null}"#);
    web.put("/v2/bad/tags/list", "[]");
    web.put("/v2/endless/tags/list", r#"{"tags":["1"]}"#);
    web.put("/v2/away/tags/list", r#"{"tags":["1"]}"#);
    setup.header(
        "/v2/app/tags/list",
        "link",
        "</v2/app/tags/more?last=2>; rel=\"next\"",
    );
    setup.header(
        "/v2/endless/tags/list",
        "link",
        "</v2/endless/tags/list?n=1000>; rel=\"next\"",
    );
    setup.header(
        "/v2/away/tags/list",
        "link",
        "<http://b.test/v2/>; rel=\"next\"",
    );
    let client = setup.client();
    let tags = |repository: &str| {
        let listed = client.tags(&endpoint(&format!("{}/{repository}", setup.kit.host())));
        listed.map_err(|error| error.to_string())
    };
    assert_eq!(tags("app").unwrap(), ["1", "2", "3"]);
    assert_eq!(tags("none").unwrap(), [""; 0]);
    assert!(tags("bad").unwrap_err().contains("no list of tags"));
    assert!(tags("endless").unwrap_err().contains("no end"));
    assert!(tags("away").unwrap_err().contains("another host"));
    assert!(tags("missing").unwrap_err().contains("is not at"));
}
