//! OCI images made byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use gantry_archive::compress::{Compression, Encoder};
use gantry_archive::digest::Sha256;
use gantry_testkit::archive::ArchiveBuilder;
use gantry_types::oci::Digest;
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image that is being made.
#[derive(Default)]
pub(super) struct Built {
    blobs: BTreeMap<String, Vec<u8>>,
    layers: Vec<Value>,
    diff_ids: Vec<Value>,
    change: Option<fn(&mut Value, &mut Value)>,
}

impl Built {
    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = Digest::sha256(Sha256::of(&bytes));
        let descriptor = json!({
            "mediaType": media_type,
            "digest": digest.to_string(),
            "size": bytes.len(),
        });
        self.blobs.insert(digest.hex().to_owned(), bytes);
        descriptor
    }

    pub(super) fn layer(mut self, archive: ArchiveBuilder, compression: Compression) -> Self {
        let tar = archive.finish();
        let diff_id = Digest::sha256(Sha256::of(&tar)).to_string();
        let mut encoder = Encoder::new(Vec::new(), compression).unwrap();
        encoder.write_all(&tar).unwrap();
        let suffix = match compression {
            Compression::Gzip => "+gzip",
            Compression::Zstd => "+zstd",
            _ => "",
        };
        let layer = self.blob(&format!("{LAYER}{suffix}"), encoder.finish().unwrap());
        self.layers.push(layer);
        self.diff_ids.push(diff_id.into());
        self
    }

    pub(super) fn changed(mut self, change: fn(&mut Value, &mut Value)) -> Self {
        self.change = Some(change);
        self
    }

    /// The descriptor of the manifest, after all blobs.
    pub(super) fn finish(mut self) -> (Value, BTreeMap<String, Vec<u8>>) {
        let mut config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": { "Cmd": ["/bin/app"], "Env": ["A=b"] },
            "rootfs": { "type": "layers", "diff_ids": self.diff_ids },
        });
        let mut manifest = json!({ "schemaVersion": 2, "layers": self.layers });
        if let Some(change) = self.change {
            change(&mut manifest, &mut config);
        }
        let config = self.blob(CONFIG, config.to_string().into_bytes());
        manifest["config"] = config;
        let manifest = self.blob(MANIFEST, manifest.to_string().into_bytes());
        (manifest, self.blobs)
    }

    /// Writes it as a layout directory under the name `latest`.
    pub(super) fn write(self, to: &Path) {
        let (mut manifest, blobs) = self.finish();
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let directory = to.join("blobs/sha256");
        fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in blobs {
            fs::write(directory.join(name), bytes).unwrap();
        }
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(to.join("index.json"), index.to_string()).unwrap();
        fs::write(to.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }
}

pub(super) fn base() -> ArchiveBuilder {
    ArchiveBuilder::new()
        .directory("./")
        .directory("bin/")
        .file("bin/app", "app")
        .file("gone", "old")
}

pub(super) fn top() -> ArchiveBuilder {
    ArchiveBuilder::new()
        .directory("./")
        .file("etc/motd", "hello")
        .file(".wh.gone", "")
}

pub(super) fn image() -> Built {
    Built::default()
        .layer(base(), Compression::Gzip)
        .layer(top(), Compression::Zstd)
}
