//! Debian's docker-registry: what we bring there is there, for us and for others.

use std::io::Write;

use gantry_testkit::{DockerRegistry, Speaks};

use super::*;

/// Brings a blob and a manifest there, and gets them back.
fn round_trip(registry: &DockerRegistry, client: &Registry) {
    let endpoint = endpoint(&format!("{}/some/app:1", registry.host()));
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let digest: Digest = kit::digest(&bytes).parse().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let upload = Upload {
        digest: &digest,
        size: bytes.len() as u64,
        file: &file,
        from: None,
    };
    assert_eq!(
        client.push_blob(&endpoint, &upload).unwrap(),
        Uploaded::Sent
    );
    assert_eq!(
        client.push_blob(&endpoint, &upload).unwrap(),
        Uploaded::Present
    );
    let other = super::endpoint(&format!("{}/other:1", registry.host()));
    let mounted = Upload {
        from: Some("some/app"),
        ..upload
    };
    assert_eq!(
        client.push_blob(&other, &mounted).unwrap(),
        Uploaded::Mounted
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{}}},"layers":[]}}"#,
        bytes.len()
    );
    let pushed = client
        .push_manifest(&endpoint, MANIFEST, manifest.as_bytes())
        .unwrap();
    let back = client.manifest(&endpoint).unwrap();
    assert_eq!((back.bytes, &back.digest), (manifest.into_bytes(), &pushed));
    assert_eq!(client.head(&endpoint).unwrap().unwrap().digest, pushed);
    assert_eq!(client.tags(&endpoint).unwrap(), ["1"]);
    let endpoints = [endpoint];
    let blob = client.blob(&endpoints, &digest, bytes.len() as u64, 1_000_000);
    assert_eq!(read(blob), Ok((bytes[1_000_000..].to_vec(), 2_000_000)));
    let missing = super::endpoint(&format!("{}/some/app:2", registry.host()));
    let error = client.manifest(&missing).unwrap_err();
    assert!(
        error.is_missing() && error.to_string().contains("MANIFEST_UNKNOWN"),
        "{error}"
    );
    // An upload whose bytes are others than its digest says is not taken.
    let wrong: Digest = kit::digest(b"other").parse().unwrap();
    let upload = Upload {
        digest: &wrong,
        ..upload
    };
    let error = client.push_blob(&endpoints[0], &upload).unwrap_err();
    assert!(error.to_string().contains("DIGEST_INVALID"), "{error}");
}

#[test]
fn images_go_there_and_back_over_plain_http() {
    if let Some(registry) = DockerRegistry::start(Speaks::Http) {
        round_trip(&registry, &Setup::new().client());
    }
}

#[test]
fn images_go_there_and_back_over_tls_with_its_own_authority() {
    let Some(registry) = DockerRegistry::start(Speaks::Tls) else {
        return;
    };
    let mut setup = Setup::new();
    setup.config.roots = Roots::Paths {
        file: None,
        dirs: Vec::new(),
    };
    let error = pull(&setup.client(), &format!("{}/a:1", registry.host())).unwrap_err();
    assert!(
        shown(&error).contains("signed by no authority"),
        "{}",
        shown(&error)
    );
    let certs = tempfile::tempdir().unwrap();
    let directory = certs.path().join(registry.host());
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(registry.ca_file(), directory.join("ca.crt")).unwrap();
    setup.config.certificates = vec![certs.path().to_owned()];
    round_trip(&registry, &setup.client());
}

#[test]
fn images_go_there_and_back_with_a_password() {
    let Some(registry) = DockerRegistry::start(Speaks::Htpasswd) else {
        return;
    };
    let setup = Setup::new();
    let reference = format!("{}/a:1", registry.host());
    let error = pull(&setup.client(), &reference).unwrap_err();
    assert!(
        matches!(error, RegistryError::Denied { login: false, .. }),
        "{error}"
    );
    let wrong = Login::Password {
        user: "user".to_owned(),
        password: "other".to_owned().into(),
    };
    let mut setup = setup;
    setup.keychain.configure(&registry.host(), wrong);
    let error = pull(&setup.client(), &reference).unwrap_err();
    assert!(
        matches!(error, RegistryError::Denied { login: true, .. }),
        "{error}"
    );
    round_trip(&registry, &setup.with_login(&registry.host()).client());
}

#[test]
fn images_that_we_bring_are_taken_by_skopeo() {
    if !gantry_testkit::needs_program("skopeo") {
        return;
    }
    let Some(registry) = DockerRegistry::start(Speaks::Http) else {
        return;
    };
    let client = Setup::new().client();
    let layer = gantry_testkit::archive::ArchiveBuilder::new()
        .file("a", b"1")
        .finish();
    let image = kit::Image::new(&[&layer, &[0; 1024]], &["/a"]);
    let endpoint = endpoint(&format!("{}/app:1", registry.host()));
    for bytes in image.layers.iter().chain([&image.config()]) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let upload = Upload {
            digest: &kit::digest(bytes).parse().unwrap(),
            size: bytes.len() as u64,
            file: &file,
            from: None,
        };
        let uploaded = client.push_blob(&endpoint, &upload).unwrap();
        assert_eq!(uploaded, Uploaded::Sent);
    }
    let manifest = image.manifest();
    client
        .push_manifest(&endpoint, MANIFEST, &manifest)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("skopeo")
        .args(["copy", "-q", "--insecure-policy", "--src-tls-verify=false"])
        .arg(format!("docker://{}/app:1", registry.host()))
        .arg(format!("dir:{}", folder.path().display()))
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let copied = std::fs::read(folder.path().join("manifest.json")).unwrap();
    assert_eq!(copied, manifest);
}
