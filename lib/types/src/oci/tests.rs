//! Documents as the world has them, and as nobody should write them.

use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Replaces `D` in quotes by a digest, and `L`, `C`, `M` by descriptors of a layer, configuration and manifest.
fn text(short: &str) -> String {
    let part = |media_type: &str| {
        format!(r#"{{"mediaType":"application/vnd.{media_type}","digest":"{DIGEST}","size":7}}"#)
    };
    short
        .replace("\"D\"", &format!("\"{DIGEST}\""))
        .replace("\"L\"", &part("oci.image.layer.v1.tar+gzip"))
        .replace("\"C\"", &part("oci.image.config.v1+json"))
        .replace("\"M\"", &part("oci.image.manifest.v1+json"))
}

fn read(short: &str, declared: Option<&str>) -> Result<Document, String> {
    let declared = declared.map(MediaType::from_content_type);
    Document::from_json(text(short).as_bytes(), declared.as_ref()).map_err(|e| e.to_string())
}

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

#[test]
fn good_documents_are_what_they_say() {
    let table = [
        (
            r#"{"schemaVersion":2,"config":"C","layers":["L","L"]}"#,
            None,
            OCI,
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":null}"#,
            Some(OCI),
            OCI,
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":[]}"#,
            Some("application/json"),
            OCI,
        ),
        (
            r#"{"SchemaVersion":2,"Config":"C","Layers":["L"],"x":{"a":1,"A":2}}"#,
            None,
            OCI,
        ),
        (r#"{"schemaVersion":2,"manifests":["M"]}"#, None, OCI_INDEX),
        (
            r#"{"schemaVersion":2,"manifests":[]}"#,
            Some(OCI_INDEX),
            OCI_INDEX,
        ),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":"C","layers":["L"]}"#,
            Some("Application/vnd.docker.distribution.manifest.v2+json; charset=utf-8"),
            DOCKER,
        ),
    ];
    for (short, declared, kind) in table {
        let document = read(short, declared).unwrap();
        assert_eq!(document.media_type().as_str(), kind, "{short}");
        match document {
            Document::Manifest(manifest) => {
                let again = Manifest::from_json(&manifest.to_json(), Some(&manifest.media_type));
                assert_eq!(again.unwrap(), manifest);
                manifest.check_is_image().unwrap();
            }
            Document::Index(index) => {
                let again = Index::from_json(&index.to_json(), Some(&index.media_type));
                assert_eq!(again.unwrap(), index);
            }
        }
    }
}

#[test]
fn bad_documents_are_refused_with_the_reason() {
    let schema_1 = "Docker's schema 1";
    let table = [
        // CVE-2021-41190, also with the case of keys changed, which Go's readers do not care about.
        (
            r#"{"schemaVersion":2,"config":"C","layers":["L"],"manifests":["M"]}"#,
            None,
            "two things",
        ),
        (
            r#"{"schemaVersion":2,"Layers":["L"],"manifests":["M"]}"#,
            None,
            "two things",
        ),
        (
            r#"{"schemaVersion":2,"layers":null,"manifests":["M"]}"#,
            None,
            "two things",
        ),
        (
            r#"{"schemaVersion":2,"fsLayers":[],"manifests":["M"]}"#,
            None,
            "two things",
        ),
        (
            r#"{"schemaVersion":2,"manifests":["M"]}"#,
            Some(OCI),
            "came as",
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":[]}"#,
            Some(OCI_INDEX),
            "came as",
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":[]}"#,
            Some("text/html"),
            "came as",
        ),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","config":"C","layers":[]}"#,
            None,
            "came as application/vnd.oci.image.index.v1+json, but is a manifest",
        ),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":"C","layers":[]}"#,
            Some(DOCKER),
            "came as application/vnd.docker",
        ),
        (
            r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#,
            None,
            schema_1,
        ),
        (r#"{"schemaVersion":2,"fsLayers":[]}"#, None, schema_1),
        (
            r"{}",
            Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            schema_1,
        ),
        (r#"{"schemaVersion":2}"#, None, "neither"),
        (r"[]", None, "cannot unmarshal array"),
        (r"", None, "unexpected end"),
        (r#"{"config":"C","layers":[]}"#, None, "schemaVersion 0"),
        (
            r#"{"schemaVersion":2,"layers":["L"]}"#,
            None,
            "needs a config",
        ),
        (
            r#"{"schemaVersion":2,"config":"C","config":"C","layers":[]}"#,
            None,
            "stands twice",
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":[],"LAYER\u017f":["L"]}"#,
            None,
            "stands twice",
        ),
        (
            r#"{"schemaVersion":2,"config":"C","layers":[],"x":[{"a":1,"a":2}]}"#,
            None,
            "stands twice",
        ),
        (
            r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"D","size":-1},"layers":[]}"#,
            None,
            "cannot unmarshal number -1",
        ),
        (
            r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"D","size":9223372036854775808},"layers":[]}"#,
            None,
            "out of range",
        ),
        (
            r#"{"schemaVersion":2,"config":{"digest":"D","size":1},"layers":[]}"#,
            None,
            "needs a mediaType",
        ),
        (
            r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:../../etc","size":1},"layers":[]}"#,
            None,
            "not a digest",
        ),
        (
            r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"D","size":9223372036854775807},"layers":[{"mediaType":"x","digest":"D","size":9223372036854775807},{"mediaType":"x","digest":"D","size":9223372036854775807}]}"#,
            None,
            "together are out of range",
        ),
    ];
    for (short, declared, reason) in table {
        let error = read(short, declared).unwrap_err();
        assert!(error.contains(reason), "{short}: {error}");
    }
    let many = vec!["\"L\""; MAX_LAYERS + 1].join(",");
    let error = read(
        &format!(r#"{{"schemaVersion":2,"config":"C","layers":[{many}]}}"#),
        None,
    );
    assert!(error.unwrap_err().contains("501 layers"));
}

#[test]
fn what_is_no_image_is_told_from_one() {
    let helm = r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"D","size":1},"layers":["L"]}"#;
    let signature = r#"{"schemaVersion":2,"config":"C","layers":[{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","digest":"D","size":1}]}"#;
    let empty = r#"{"schemaVersion":2,"artifactType":"application/x-sbom","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"D","size":2},"layers":["L"]}"#;
    for (short, found) in [
        (helm, "helm"),
        (signature, "simplesigning"),
        (empty, "x-sbom"),
    ] {
        let manifest = Manifest::from_json(text(short).as_bytes(), None).unwrap();
        let error = manifest.check_is_image().unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn configurations_of_docker_and_of_oci_are_read() {
    let docker = text(
        r#"{"architecture":"arm","variant":"v7","os":"linux","created":"2024-01-02T03:04:05Z","author":"A",
        "config":{"User":"1:2","ExposedPorts":{"80/tcp":{},"53/udp":{}},"Env":["A=b","E"],"Entrypoint":null,
        "Cmd":"sh","Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"a":"b","A":"c"},"StopSignal":"SIGINT",
        "StopTimeout":3,"Healthcheck":{"Test":["CMD","true"],"Interval":30000000000,"Retries":3},
        "OnBuild":["RUN x"],"Shell":["/bin/bash","-c"],"Image":"x","Hostname":"y"},
        "container":"z","container_config":{"Cmd":["x"]},"docker_version":"1",
        "history":[{"created":"2024-01-02T03:04:05Z","created_by":"x","empty_layer":true},{}],
        "rootfs":{"type":"layers","diff_ids":["D"]}}"#,
    );
    let config = ImageConfig::from_json(docker.as_bytes()).unwrap();
    assert_eq!(config.config.cmd, ["sh"]);
    assert!(config.config.entrypoint.is_empty());
    assert_eq!(config.config.labels.len(), 2);
    assert_eq!(config.history.len(), 2);
    assert_eq!(config.config.exposed_ports.len(), 2);
    assert_eq!(Platform::from(&config).to_string(), "linux/arm/v7");
    assert_eq!(ImageConfig::from_json(&config.to_json()).unwrap(), config);
    let least =
        text(r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":null}}"#);
    let config = ImageConfig::from_json(least.as_bytes()).unwrap();
    assert_eq!(config.config, Execution::default());
    let manifest = text(r#"{"schemaVersion":2,"config":"C","layers":["L"]}"#);
    let manifest = Manifest::from_json(manifest.as_bytes(), None).unwrap();
    assert!(matches!(
        manifest.check_config(&config),
        Err(OciError::LayerCount {
            layers: 1,
            diff_ids: 0
        })
    ));
    for (bad, reason) in [
        (
            r#"{"os":"linux","rootfs":{"type":"layers"}}"#,
            "needs an architecture",
        ),
        (
            r#"{"architecture":"a","rootfs":{"type":"layers"}}"#,
            "needs an os",
        ),
        (r#"{"architecture":"a","os":"linux"}"#, "needs a rootfs"),
        (
            r#"{"architecture":"a","os":"linux","rootfs":{}}"#,
            "is \"layers\"",
        ),
        (
            r#"{"architecture":"a","os":"l","rootfs":{"type":"layers","diff_ids":["x"]}}"#,
            "not a digest",
        ),
        (
            r#"{"architecture":"a","os":"l","rootfs":{"type":"layers"},"config":{"Env":"a"}}"#,
            "cannot unmarshal",
        ),
        (
            r#"{"architecture":"a","os":"l","OS":"m","rootfs":{"type":"layers"}}"#,
            "stands twice",
        ),
    ] {
        let error = ImageConfig::from_json(text(bad).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{bad}: {error}");
    }
}

proptest! {
    /// Whatever is written reads back the same, and others read it too.
    #[test]
    fn configurations_print_as_they_were_read(
        words in proptest::collection::vec(".*", 0..4),
        keys in proptest::collection::btree_set("[a-z/]{1,8}", 0..4),
        user in ".*",
        times in proptest::array::uniform5(any::<i64>()),
        seconds in proptest::option::of(any::<i64>()),
        escaped: bool,
    ) {
        let config = ImageConfig {
            created: user.clone(),
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            config: Execution {
                user,
                exposed_ports: keys.clone(),
                volumes: keys.clone(),
                env: words.clone(),
                entrypoint: words.clone(),
                shell: words.clone(),
                labels: keys.into_iter().map(|key| (key.clone(), key)).collect(),
                stop_timeout: seconds,
                args_escaped: escaped,
                healthcheck: Some(Healthcheck {
                    test: words.clone(),
                    interval: times[0],
                    timeout: times[1],
                    start_period: times[2],
                    start_interval: times[3],
                    retries: times[4],
                }),
                ..Execution::default()
            },
            diff_ids: vec![Digest::sha512([7; 64])],
            history: vec![History { empty_layer: escaped, ..History::default() }],
            ..ImageConfig::default()
        };
        let written = config.to_json();
        prop_assert_eq!(ImageConfig::from_json(&written).unwrap(), config);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&written).is_ok());
    }

    /// No bytes make a reader panic, and no document is two things.
    #[test]
    fn bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ImageConfig::from_json(&bytes);
        let read = Document::from_json(&bytes, None);
        prop_assert!(!(Manifest::from_json(&bytes, None).is_ok() && Index::from_json(&bytes, None).is_ok()));
        drop(read);
    }
}
