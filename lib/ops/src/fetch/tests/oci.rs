//! OCI and Docker images in files.

mod built;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use gantry_archive::compress::{Compression, Encoder};
use gantry_archive::digest::Sha256;
use gantry_archive::extract::Ownership;
use gantry_remote::discovery::DiscoveryOptions;
use gantry_remote::{ClientConfig, HttpClient};
use gantry_store::{ImageRecord, InUse, Store};
use gantry_testkit::archive::ArchiveBuilder;
use gantry_trust::Keystore;
use gantry_types::ImageId;
use gantry_types::oci::Digest;
use serde_json::{Value, json};

use self::built::{Built, base, image, top};
use super::super::oci::{Registries, RegistrySettings};
use super::super::{FetchContext, FetchError, PullPolicy, fetch};
use super::world::{Log, chain, population, request};

/// A store, and a directory for images.
struct Place {
    dir: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        Self { dir, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn fetch_with(&self, text: &str, insecure: &str) -> Result<ImageId, FetchError> {
        let ownership = match rustix::process::geteuid().is_root() {
            true => Ownership::Keep,
            false => Ownership::CurrentUser,
        };
        let keystore = Keystore::new(None, self.path("etc"));
        let mut context = FetchContext {
            store: &self.store,
            keystore: &keystore,
            http: &HttpClient::new(ClientConfig::new("test/1")),
            registries: &Registries::new(RegistrySettings::new(ClientConfig::new("test/1"))),
            discovery: DiscoveryOptions::default(),
            ownership,
            threads: 3,
            clock: &SystemTime::now,
            observer: &mut Log::default(),
        };
        fetch(&request(text, PullPolicy::New, insecure), &mut context)
    }

    fn fetch(&self, scheme: &str, name: &str) -> Result<ImageId, FetchError> {
        let file = name.split(':').next().unwrap();
        let text = format!(
            "{scheme}:{}{}",
            self.path(file).display(),
            &name[file.len()..]
        );
        self.fetch_with(&text, "image")
    }

    fn record(&self, id: &ImageId) -> ImageRecord {
        self.store.record(id).unwrap()
    }

    /// The content of a file of an image, from the topmost tree that has it.
    fn file(&self, id: &ImageId, name: &str) -> String {
        let trees = self.record(id).trees;
        let mut files = trees
            .iter()
            .map(|tree| self.store.tree_path(tree).join("rootfs").join(name));
        fs::read_to_string(files.find(|file| file.exists()).unwrap()).unwrap()
    }
}

#[test]
fn an_image_of_a_layout_is_stored_as_it_is_and_read_once() {
    let place = Place::new();
    image().write(&place.path("img"));
    let id = place.fetch("oci", "img:latest").unwrap();
    let record = place.record(&id);
    assert_eq!(record.name.as_str(), "img");
    let label = |name: &str| record.labels.get(name).map(str::to_owned);
    assert_eq!(label("version").as_deref(), Some("latest"));
    assert_eq!(label("arch").as_deref(), Some("amd64"));
    assert_eq!((record.layers.len(), record.trees.len()), (2, 2));
    assert_eq!(record.size, 11);
    assert_eq!(place.file(&id, "bin/app"), "app");
    assert_eq!(place.file(&id, "etc/motd"), "hello");
    for blob in record.blobs() {
        let original = place.path("img/blobs/sha256").join(blob.hex());
        let stored = fs::read(place.store.blob_path(blob)).unwrap();
        assert_eq!(stored, fs::read(original).unwrap());
    }
    let manifest = place.store.derived_manifest(&record).unwrap().unwrap();
    assert_eq!(*manifest.app.unwrap().exec, ["/bin/app"]);
    // Once more, though layers and configuration are not there any more.
    let before = population(place.store.root());
    for layer in &record.layers {
        fs::remove_file(place.path("img/blobs/sha256").join(layer.digest.hex())).unwrap();
    }
    assert_eq!(place.fetch("oci", "img:latest").unwrap(), id);
    assert_eq!(population(place.store.root()), before);
    // And nothing is left but the store without it.
    place
        .store
        .remove(&id, &mut || Ok(InUse::default()))
        .unwrap();
    assert!(place.store.list().unwrap().images.is_empty());
    for blob in record.blobs() {
        assert!(!place.store.has_blob(blob));
    }
    assert!(!record.trees.iter().any(|tree| place.store.has_tree(tree)));
}

#[test]
fn images_share_layers_however_they_are_packed() {
    let place = Place::new();
    image().write(&place.path("one"));
    let one = place.record(&place.fetch("oci", "one").unwrap());
    let other = Built::default()
        .layer(base(), Compression::Gzip)
        .layer(
            ArchiveBuilder::new().directory("./").file("x", "x"),
            Compression::Gzip,
        )
        .layer(base(), Compression::Gzip)
        .layer(top(), Compression::Gzip);
    other.write(&place.path("other"));
    // The shared blob is not asked for.
    let shared = one.layers[0].digest.hex();
    fs::remove_file(place.path("other/blobs/sha256").join(shared)).unwrap();
    let other = place.record(&place.fetch("oci", "other").unwrap());
    assert_eq!(other.layers[0], one.layers[0]);
    assert_eq!(other.layers[2], one.layers[0]);
    assert_eq!(other.trees[3], one.trees[1]);
    assert_eq!(other.trees[3], other.trees[1]);
    // The same layer has something from below, and below is something else.
    assert_eq!(other.layers[3].diff_id, one.layers[1].diff_id);
    assert_ne!(other.trees[0], one.trees[0]);
    place
        .store
        .remove(&one.id, &mut || Ok(InUse::default()))
        .unwrap();
    assert!(other.blobs().all(|blob| place.store.has_blob(blob)));
    assert!(other.trees.iter().all(|tree| place.store.has_tree(tree)));
    assert!(!place.store.has_tree(&one.trees[0]));
}

#[test]
fn what_is_not_what_it_should_be_is_refused_and_leaves_nothing() {
    type Change = fn(&mut Value, &mut Value);
    let table: [(Change, &str); 9] = [
        (
            |manifest, _| manifest["layers"][0]["size"] = 9999.into(),
            "bytes, not 9999",
        ),
        (
            |manifest, _| manifest["layers"][0]["size"] = 3.into(),
            "bytes, not 3",
        ),
        (
            |_, config| {
                config["rootfs"]["diff_ids"][1] = format!("sha256:{}", "0".repeat(64)).into()
            },
            "uncompressed layer of image",
        ),
        (
            |_, config| config["rootfs"]["diff_ids"] = json!([]),
            "has 2 layers, but its configuration 0",
        ),
        (
            |manifest, _| manifest["manifests"] = json!([]),
            "be read as two things",
        ),
        (
            |manifest, _| manifest["schemaVersion"] = 1.into(),
            "schema 1",
        ),
        (
            |manifest, _| manifest["layers"][0]["mediaType"] = "text/html".into(),
            "not of an image",
        ),
        (
            |_, config| config["config"]["Env"] = json!(["a b=c"]),
            "valid identifier",
        ),
        (
            |manifest, _| {
                let digest = format!("sha256:{}", "0".repeat(64));
                manifest["layers"][0]["digest"] = digest.into();
            },
            "does not have sha256:0000",
        ),
    ];
    for (change, message) in table {
        let place = Place::new();
        image().changed(change).write(&place.path("img"));
        let before = population(place.store.root());
        let error = chain(&place.fetch("oci", "img").unwrap_err());
        assert!(error.contains(message), "{message}: {error}");
        assert_eq!(population(place.store.root()), before, "{message}");
    }
}

#[test]
fn one_layer_that_is_packed_in_two_ways_is_one_tree() {
    let place = Place::new();
    let whole = || ArchiveBuilder::new().directory("./").file("own", "own");
    Built::default()
        .layer(whole(), Compression::Gzip)
        .layer(whole(), Compression::None)
        .write(&place.path("img"));
    place.fetch("oci", "img").unwrap();
    assert_eq!(
        fs::read_dir(place.store.root().join("trees"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn damaged_blobs_are_found_out() {
    for (damaged, message) in [(0, "cannot extract layer"), (1, "has the digest")] {
        let place = Place::new();
        let compression = [Compression::Gzip, Compression::None][damaged];
        Built::default()
            .layer(base(), compression)
            .write(&place.path("img"));
        let blobs = fs::read_dir(place.path("img/blobs/sha256")).unwrap();
        let layer = blobs.map(|blob| blob.unwrap().path());
        let layer =
            layer.max_by_key(|path| fs::read(path).unwrap().iter().filter(|b| **b == 0).count());
        let layer = layer.unwrap();
        let mut bytes = fs::read(&layer).unwrap();
        let place_of_damage = match damaged {
            0 => bytes.len() / 2,
            // Within the content of a file, which nothing else protects.
            _ => bytes.windows(3).rposition(|three| three == b"old").unwrap(),
        };
        bytes[place_of_damage] ^= 0x20;
        fs::write(&layer, bytes).unwrap();
        let before = population(place.store.root());
        let error = chain(&place.fetch("oci", "img").unwrap_err());
        assert!(error.contains(message), "{error}");
        assert_eq!(population(place.store.root()), before);
    }
}

#[test]
fn nobody_gets_a_layer_by_naming_its_digest() {
    let place = Place::new();
    image().write(&place.path("secret"));
    place.fetch("oci", "secret").unwrap();
    let own = || ArchiveBuilder::new().directory("./").file("own", "own");
    Built::default()
        .layer(own(), Compression::Gzip)
        .write(&place.path("own"));
    place.fetch("oci", "own").unwrap();
    // The blob is in the store, and so is the tree, but they do not belong together.
    let thief = Built::default()
        .layer(own(), Compression::Gzip)
        .changed(|_, config| {
            let wanted = Digest::sha256(Sha256::of(&base().finish()));
            config["rootfs"]["diff_ids"][0] = wanted.to_string().into();
        });
    thief.write(&place.path("thief"));
    let error = chain(&place.fetch("oci", "thief").unwrap_err());
    assert!(error.contains("uncompressed layer of image"), "{error}");
}

#[test]
fn an_image_without_a_signature_has_to_be_waived() {
    let place = Place::new();
    image().write(&place.path("img"));
    let before = population(place.store.root());
    let text = format!("oci:{}", place.path("img").display());
    let error = place.fetch_with(&text, "none").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot verify image {text}: nobody has signed it")
    );
    let hint = gantry_types::Diagnostic::hint(&error).unwrap();
    assert!(hint.contains("--insecure-options=image"), "{hint}");
    assert_eq!(population(place.store.root()), before);
}

#[test]
fn an_index_is_asked_for_the_platform() {
    let place = Place::new();
    let (amd64, mut blobs) = image().finish();
    let arm = Built::default()
        .layer(base(), Compression::Gzip)
        .changed(|_, config| {
            config["architecture"] = "arm64".into();
        });
    let (arm64, more) = arm.finish();
    blobs.extend(more);
    let platform = |mut image: Value, arch: &str| {
        image["platform"] = json!({ "os": "linux", "architecture": arch });
        image
    };
    let index = json!({
        "schemaVersion": 2,
        "manifests": [platform(arm64, "arm64"), platform(amd64, "amd64")],
    });
    let to = place.path("img");
    fs::create_dir_all(to.join("blobs/sha256")).unwrap();
    for (name, bytes) in blobs {
        fs::write(to.join("blobs/sha256").join(name), bytes).unwrap();
    }
    fs::write(to.join("index.json"), index.to_string()).unwrap();
    fs::write(to.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let host = place.record(&place.fetch("oci", "img").unwrap());
    if cfg!(target_arch = "x86_64") {
        assert_eq!(host.layers.len(), 2);
    }
    let error = place.fetch("oci", "img:none").unwrap_err().to_string();
    assert!(error.contains("has no image \"none\""), "{error}");
}

/// An archive of `docker save` with one image.
fn docker_archive() -> Vec<u8> {
    let (_, blobs) = Built::default()
        .layer(base(), Compression::None)
        .layer(top(), Compression::None)
        .finish();
    let config = blobs
        .iter()
        .find(|(_, bytes)| bytes.starts_with(b"{\"architecture"))
        .unwrap();
    let manifest = json!([{
        "Config": format!("{}.json", config.0),
        "RepoTags": ["busybox:1"],
        "Layers": ["a/layer.tar", "b/layer.tar"],
    }]);
    ArchiveBuilder::new()
        .file(&format!("{}.json", config.0), config.1)
        .file("a/layer.tar", base().finish())
        .file("b/layer.tar", top().finish())
        .file("manifest.json", manifest.to_string())
        .finish()
}

#[test]
fn archives_of_docker_save_and_flat_directories_are_read() {
    let place = Place::new();
    fs::write(place.path("saved.tar"), docker_archive()).unwrap();
    let id = place.fetch("docker-archive", "saved.tar").unwrap();
    let record = place.record(&id);
    assert_eq!(record.name.as_str(), "library/busybox");
    assert_eq!(record.labels.get("version"), Some("1"));
    assert_eq!(place.file(&id, "bin/app"), "app");
    // Compressed as a whole, and by a name with what is the default.
    let mut encoder = Encoder::new(Vec::new(), Compression::Gzip).unwrap();
    encoder.write_all(&docker_archive()).unwrap();
    fs::write(place.path("saved.tgz"), encoder.finish().unwrap()).unwrap();
    let named = "saved.tgz:docker.io/library/busybox:1";
    assert_eq!(place.fetch("docker-archive", named).unwrap(), id);
    let error = place
        .fetch("docker-archive", "saved.tar:other")
        .unwrap_err();
    assert!(
        error.to_string().contains("has no image \"other\""),
        "{error}"
    );

    let (manifest, blobs) = image().finish();
    let flat = place.path("flat");
    fs::create_dir(&flat).unwrap();
    let digest: Digest = manifest["digest"].as_str().unwrap().parse().unwrap();
    for (name, bytes) in blobs {
        let name = match name == digest.hex() {
            true => "manifest.json".to_owned(),
            false => name,
        };
        fs::write(flat.join(name), bytes).unwrap();
    }
    let id = place.fetch("dir", "flat").unwrap();
    assert_eq!(place.file(&id, "etc/motd"), "hello");
}

#[test]
fn archives_from_before_manifest_json_are_read() {
    let place = Place::new();
    let (top_id, base_id) = ("b".repeat(64), "a".repeat(64));
    let archive = |parent: &str| {
        ArchiveBuilder::new()
            .file(
                "repositories",
                json!({ "app": { "v1": top_id } }).to_string(),
            )
            .file(
                &format!("{base_id}/json"),
                json!({ "id": base_id, "parent": parent }).to_string(),
            )
            .file(&format!("{base_id}/layer.tar"), base().finish())
            .file(
                &format!("{top_id}/json"),
                json!({
                    "id": top_id, "parent": base_id, "os": "linux", "architecture": "amd64",
                    "config": { "Cmd": ["/bin/app"], "User": "app" },
                })
                .to_string(),
            )
            .file(&format!("{top_id}/layer.tar"), top().finish())
            .finish()
    };
    fs::write(place.path("old.tar"), archive("")).unwrap();
    let id = place.fetch("docker-archive", "old.tar").unwrap();
    let record = place.record(&id);
    assert_eq!(record.name.as_str(), "library/app");
    assert_eq!(place.file(&id, "etc/motd"), "hello");
    let manifest = place.store.derived_manifest(&record).unwrap().unwrap();
    assert_eq!(manifest.app.unwrap().user, "app");
    for (parent, message) in [
        (top_id.as_str(), "dependency loop"),
        ("../x", "invalid layer ID"),
    ] {
        fs::write(place.path("bad.tar"), archive(parent)).unwrap();
        let error = place
            .fetch("docker-archive", "bad.tar")
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
}
