//! `rkt fetch docker://…` and `rkt run docker://…`, from a registry that misbehaves and from a real one.

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use gantry_testkit::archive::ArchiveBuilder;
use gantry_testkit::registry::{INDEX, Image, MANIFEST, Registry, digest};
use gantry_testkit::web::Hook;
use gantry_testkit::{DockerRegistry, Outcome, Speaks, TestEnv, busybox, needs_program};
use support::own_mounts::with_own_mounts;
use support::{RKT, soak};

/// A registry on loopback and a data directory.
struct Lab {
    env: TestEnv,
    registry: Registry,
}

impl Lab {
    fn new() -> Self {
        Self {
            env: TestEnv::new(),
            registry: Registry::start(&[]),
        }
    }

    fn rkt_command(&self, arguments: &[&str]) -> Command {
        rkt(&self.env, arguments)
    }

    fn rkt(&self, arguments: &[&str]) -> Outcome {
        self.env.outcome(&mut self.rkt_command(arguments))
    }

    /// Fetches with verification waived.
    fn fetch(&self, image: &str) -> Outcome {
        self.rkt(&["--insecure-options=image", "fetch", "--full", image])
    }

    fn url(&self, name: &str) -> String {
        format!("docker://{}/{name}", self.registry.host())
    }

    /// Method and path of what was asked for so far.
    fn asked(&self) -> Vec<String> {
        let log = self.registry.web().take_log();
        let line = |request: &gantry_testkit::web::Request| {
            format!("{} {}", request.method, request.path())
        };
        log.iter()
            .map(line)
            .filter(|line| line != "GET /v2/")
            .collect()
    }

    fn images(&self) -> Vec<String> {
        let listed = self
            .rkt(&["image", "list", "--no-legend", "--fields=name"])
            .expect(0);
        listed
            .stdout
            .lines()
            .map(|line| line.trim().to_owned())
            .collect()
    }
}

fn rkt(env: &TestEnv, arguments: &[&str]) -> Command {
    let mut command = env.command(RKT);
    command
        .arg(format!("--dir={}", env.path("rkt").display()))
        .arg(format!("--local-config={}", env.path("etc").display()))
        .arg(format!("--system-config={}", env.path("lib").display()))
        .args(arguments);
    command
}

fn layer(name: &str, content: &[u8]) -> Vec<u8> {
    ArchiveBuilder::new().file(name, content).finish()
}

/// Noise, so that nothing of it is there twice.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length / 8).flat_map(|_| next().to_le_bytes()).collect()
}

#[test]
fn an_image_is_refused_until_checking_is_waived_and_asked_for_cheaply_afterwards() {
    let lab = Lab::new();
    let image = Image::new(&[&layer("a", b"1"), &layer("b", b"2")], &["/a"]);
    let manifest = lab.registry.put_image("some/app", "1", &image);
    let url = lab.url("some/app:1");
    lab.rkt(&["fetch", &url])
        .expect(254)
        .says("--insecure-options=image");
    assert_eq!(lab.images(), [""; 0]);
    assert!(lab.asked().iter().all(|line| !line.contains("/blobs/")));

    let first = lab.fetch(&url).expect(0);
    assert_eq!(
        lab.images(),
        [format!(
            "{}/some/app:1",
            lab.registry.host().replace(':', "_")
        )]
    );
    lab.asked();
    let again = lab.fetch(&url).expect(0);
    assert_eq!(again.line(), first.line());
    assert_eq!(lab.asked(), ["HEAD /v2/some/app/manifests/1"]);
    // What a digest names does not change.
    let by_digest = lab.url(&format!("some/app@{manifest}"));
    assert_eq!(lab.fetch(&by_digest).expect(0).line(), first.line());
    assert!(lab.asked().iter().all(|line| !line.contains("/blobs/")));
    lab.fetch(&by_digest).expect(0);
    assert_eq!(lab.asked(), [""; 0]);
    lab.rkt(&[
        "--insecure-options=image",
        "fetch",
        "--pull-policy=never",
        &url,
    ])
    .expect(0);
    lab.rkt(&[
        "--insecure-options=image",
        "fetch",
        "--pull-policy=never",
        &lab.url("some/app:2"),
    ])
    .expect(254);
    assert_eq!(lab.asked(), [""; 0]);

    // The tag moves on; of the layers only the new one comes.
    let image = Image::new(&[&layer("a", b"1"), &layer("b", b"3")], &["/a"]);
    lab.registry.put_image("some/app", "1", &image);
    let moved = lab.fetch(&url).expect(0);
    assert_ne!(moved.line(), first.line());
    let blobs = lab
        .asked()
        .iter()
        .filter(|line| line.contains("/blobs/"))
        .count();
    assert_eq!(blobs, 2, "the configuration and one layer");
}

#[test]
fn what_is_not_what_it_should_be_is_refused_and_leaves_nothing() {
    let lab = Lab::new();
    let image = Image::new(&[&layer("a", b"1")], &["/a"]);
    let web = lab.registry.web();
    let put = |repository: &str| lab.registry.put_image(repository, "1", &image);
    let blob = |repository: &str| Registry::blob_path(repository, &digest(&image.layers[0]));
    // A layer with other bytes of the same length, one cut short for good, one that is not there.
    put("wrong");
    web.put(&blob("wrong"), layer("a", b"2"));
    put("short");
    web.hook(&blob("short"), Hook::CutAfter(100));
    web.hook(&blob("short"), Hook::NoRanges);
    put("gone");
    web.hook(&blob("gone"), Hook::Status(404));
    // A configuration with other bytes.
    put("config");
    let mut other = image.clone();
    other.command = vec!["/b".to_owned()];
    web.put(
        &Registry::blob_path("config", &digest(&image.config())),
        other.config(),
    );
    // A tag whose bytes are not those of its digest.
    put("moved");
    web.put(&Registry::manifest_path("moved", "1"), other.manifest());
    // A document that is a manifest and an index, and one that is not what the registry calls it.
    let mut both: serde_json::Value = serde_json::from_slice(&image.manifest()).unwrap();
    both["manifests"] = serde_json::json!([]);
    put("both");
    lab.registry
        .put_manifest("both", "2", MANIFEST, both.to_string().as_bytes());
    put("kind");
    lab.registry
        .put_manifest("kind", "2", INDEX, &image.manifest());
    for (name, expected) in [
        ("wrong:1", "has the digest"),
        ("short:1", "cannot read"),
        ("gone:1", "is not at"),
        ("config:1", "configuration"),
        ("moved:1", "has the digest"),
        ("both:2", "cannot use image"),
        ("kind:2", "cannot use image"),
        ("none:1", "is not at"),
    ] {
        let refused = lab.fetch(&lab.url(name)).expect(254);
        assert!(refused.stderr.contains(expected), "{name}: {refused}");
    }
    assert_eq!(lab.images(), [""; 0]);
}

#[test]
fn wrong_bytes_from_a_mirror_come_from_the_registry_itself() {
    let lab = Lab::new();
    let mirror = Registry::start(&[]);
    let image = Image::new(&[&layer("a", b"1"), &layer("b", b"1")], &["/a"]);
    lab.registry.put_image("app", "1", &image);
    mirror.put_image("proxy/app", "1", &image);
    let damaged = Registry::blob_path("proxy/app", &digest(&image.layers[1]));
    mirror.web().put(&damaged, layer("b", b"2"));
    lab.env.write(
        "home/.config/containers/registries.conf",
        format!(
            "[[registry]]\nlocation = \"{}\"\n[[registry.mirror]]\nlocation = \"{}/proxy\"\n",
            lab.registry.host(),
            mirror.host()
        ),
    );
    lab.fetch(&lab.url("app:1")).expect(0);
    let own = lab.asked();
    assert_eq!(
        own,
        [format!(
            "GET {}",
            Registry::blob_path("app", &digest(&image.layers[1]))
        )]
    );
    assert_eq!(lab.images().len(), 1);
}

#[test]
fn the_image_for_the_machine_asked_for_is_chosen() {
    let lab = Lab::new();
    let machines = ["amd64", "arm64", "s390x"];
    let entries: Vec<_> = machines
        .iter()
        .map(|machine| {
            let mut image = Image::new(&[&layer("a", machine.as_bytes())], &["/a"]);
            image.architecture = machine;
            let digest = lab.registry.put_image("app", machine, &image);
            serde_json::json!({
                "mediaType": MANIFEST, "digest": digest, "size": image.manifest().len(),
                "platform": { "os": "linux", "architecture": machine },
            })
        })
        .collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    lab.registry
        .put_manifest("app", "1", INDEX, index.to_string().as_bytes());
    let url = lab.url("app:1");
    let fetch = |platform: &str| {
        let flag = format!("--platform={platform}");
        lab.rkt(&["--insecure-options=image", "fetch", "--full", &flag, &url])
    };
    let own = lab.fetch(&url).expect(0);
    let other = fetch("linux/s390x").expect(0);
    assert_ne!(own.line(), other.line());
    fetch("linux/mips").expect(254);
    lab.asked();
    // One does not stand in for the other afterwards.
    assert_eq!(lab.fetch(&url).expect(0).line(), own.line());
    assert_eq!(fetch("linux/s390x").expect(0).line(), other.line());
    assert_eq!(
        lab.asked(),
        ["HEAD /v2/app/manifests/1", "HEAD /v2/app/manifests/1"]
    );
}

#[test]
fn a_registry_that_cuts_every_connection_costs_no_more_than_its_image() {
    let lab = Lab::new();
    let (size, cut) = match soak() {
        true => (100 << 20, 10 << 20),
        false => (6 << 20, 1 << 20),
    };
    let layers = [1, 2, 3].map(|seed| layer("a", &noise(size, seed)));
    let image = Image::new(&[&layers[0], &layers[1], &layers[2]], &["/a"]);
    lab.registry.put_image("app", "1", &image);
    for layer in &layers {
        let path = Registry::blob_path("app", &digest(layer));
        lab.registry.web().hook(&path, Hook::CutAfter(cut));
    }
    lab.registry.web().take_sent();
    lab.fetch(&lab.url("app:1")).expect(0);
    let size: usize = layers.iter().map(Vec::len).sum();
    let sent = lab.registry.web().take_sent();
    assert!(sent <= size as u64 * 105 / 100, "{sent} of {size}");
}

#[test]
fn a_fetch_that_was_killed_goes_on_where_it_was() {
    let lab = Lab::new();
    let big = layer("a", &noise(8 << 20, 1));
    let image = Image::new(&[&big], &["/a"]);
    lab.registry.put_image("app", "1", &image);
    let path = Registry::blob_path("app", &digest(&big));
    lab.registry
        .web()
        .hook_times(&path, Hook::StallAfter(6 << 20), 1);
    lab.registry.web().take_sent();
    let url = lab.url("app:1");
    let mut fetch = lab
        .rkt_command(&["--insecure-options=image", "fetch", &url])
        .spawn()
        .unwrap();
    let part = || {
        let files = std::fs::read_dir(lab.env.path("rkt/store/ingest"));
        let lengths = files.into_iter().flatten().flatten().filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "part")
        });
        lengths
            .filter_map(|entry| Some(entry.metadata().ok()?.len()))
            .max()
            .unwrap_or(0)
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while part() < 6 << 20 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    fetch.kill().unwrap();
    fetch.wait().unwrap();
    lab.registry.web().take_sent();
    lab.fetch(&url).expect(0);
    let sent = lab.registry.web().take_sent();
    assert!(sent < 3 << 20, "{sent}");
}

#[test]
fn logins_come_from_the_files_of_docker_podman_and_rkt() {
    let lab = Lab::new();
    let image = Image::new(&[&layer("a", b"1")], &["/a"]);
    lab.registry.put_image("app", "1", &image);
    for path in [
        Registry::manifest_path("app", "1"),
        Registry::blob_path("app", &digest(&image.config())),
        Registry::blob_path("app", &digest(&image.layers[0])),
    ] {
        let wants = Hook::Wants(
            "Basic dXNlcjpwYXNz".to_owned(),
            "Basic realm=\"x\"".to_owned(),
        );
        lab.registry.web().hook(&path, wants);
    }
    let url = lab.url("app:1");
    let host = lab.registry.host();
    let refused = lab.fetch(&url).expect(254);
    refused.says("podman login");
    let auths = format!(r#"{{"auths": {{"{host}": {{"auth": "dXNlcjpwYXNz"}}}}}}"#);
    let docker = lab.env.write("home/.docker/config.json", &auths);
    lab.fetch(&url).expect(0);
    lab.rkt(&["image", "rm", &lab.images()[0]]).expect(0);
    std::fs::remove_file(docker).unwrap();
    lab.fetch(&url).expect(254);
    lab.env.write(
        "etc/auth.d/docker.json",
        format!(
            r#"{{"rktKind": "dockerAuth", "rktVersion": "v1", "registries": ["{host}"], "credentials": {{"user": "user", "password": "pass"}}}}"#
        ),
    );
    let fetched = lab.fetch(&url).expect(0);
    assert!(!fetched.stderr.contains("pass"), "{fetched}");
}

#[test]
fn names_that_are_none_and_blocked_registries_are_refused_before_anything_is_asked() {
    let lab = Lab::new();
    for (image, expected) in [
        ("docker://A/b", "lower-case"),
        ("docker://", "empty"),
        ("docker://user:pw@a.test/b", "not a digest"),
        ("docker:a..b", "is not a name"),
    ] {
        let refused = lab.fetch(image).expect(254);
        assert!(refused.stderr.contains(expected), "{image}: {refused}");
    }
    let host = lab.registry.host();
    let conf = format!("[[registry]]\nlocation = \"{host}\"\nblocked = true\n");
    let path = lab
        .env
        .write("home/.config/containers/registries.conf", conf);
    lab.fetch(&lab.url("app:1")).expect(254).says("blocks");
    std::fs::write(&path, "registry = 1").unwrap();
    lab.fetch(&lab.url("app:1"))
        .expect(254)
        .says("registries.conf");
    assert_eq!(lab.asked(), [""; 0]);
}

/// A root of busybox as one layer.
fn busybox_layer() -> Vec<u8> {
    let program = std::fs::read(busybox()).expect("busybox");
    let header =
        gantry_testkit::archive::RawHeader::new(b'0', b"bin/busybox", program.len() as u64);
    ArchiveBuilder::new()
        .directory("bin")
        .entry(&header.mode(0o755), &program)
        .finish()
}

#[test]
fn an_image_of_a_registry_runs() {
    if !with_own_mounts("an_image_of_a_registry_runs") {
        return;
    }
    let lab = Lab::new();
    let program = busybox_layer();
    let text = layer("greeting", b"hello from a layer\n");
    // The same layer twice: the kernel takes no directory twice.
    let whole = ArchiveBuilder::new()
        .directory("./")
        .file("own", "x")
        .finish();
    let image = Image::new(
        &[&whole, &program, &text, &whole],
        &["/bin/busybox", "cat", "/greeting"],
    );
    lab.registry.put_image("app", "1", &image);
    let url = lab.url("app:1");
    let run = ["--insecure-options=image", "run", "--net=host", &url];
    let outcome = lab.rkt(&run).expect(0);
    assert!(outcome.stdout.contains("hello from a layer"), "{outcome}");
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
}

#[test]
fn images_pushed_by_skopeo_and_buildah_are_fetched_and_run() {
    let test = "images_pushed_by_skopeo_and_buildah_are_fetched_and_run";
    let programs = ["skopeo", "buildah"];
    if !programs.into_iter().all(needs_program) || !with_own_mounts(test) {
        return;
    }
    let Some(registry) = DockerRegistry::start(Speaks::Http) else {
        return;
    };
    let env = TestEnv::new();
    let folder = env.path("root");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::copy(busybox(), folder.join("bin/busybox")).unwrap();
    let host = registry.host();
    let script = format!(
        r#"set -e
        b="buildah --root {root}/storage --runroot {root}/run --storage-driver vfs"
        c=$($b from scratch)
        $b copy -q $c {root}/root /
        $b config --cmd '["/bin/busybox", "echo", "it runs"]' $c
        for format in oci docker; do
            $b commit -q --format $format $c localhost/$format
            $b push -q --tls-verify=false localhost/$format docker://{host}/buildah:$format
        done
        for format in oci v2s2; do
            skopeo copy -q --insecure-policy --src-tls-verify=false --dest-tls-verify=false --format $format \
                docker://{host}/buildah:oci docker://{host}/skopeo:$format
        done
        skopeo copy -q --insecure-policy --src-tls-verify=false --dest-tls-verify=false --dest-compress-format zstd \
            --format oci docker://{host}/buildah:oci docker://{host}/skopeo:zstd
        "#,
        root = env.root().display(),
    );
    env.run("sh", ["-c", &script]).expect(0);
    for image in [
        "buildah:oci",
        "buildah:docker",
        "skopeo:oci",
        "skopeo:v2s2",
        "skopeo:zstd",
    ] {
        let url = format!("docker://{host}/{image}");
        let arguments = [
            "--insecure-options=image",
            "run",
            "--net=host",
            url.as_str(),
        ];
        let outcome = env.outcome(&mut rkt(&env, &arguments)).expect(0);
        assert!(outcome.stdout.contains("it runs"), "{image}: {outcome}");
    }
    for _ in 0..2 {
        env.outcome(&mut rkt(&env, &["gc", "--grace-period=0s"]))
            .expect(0);
    }
}
