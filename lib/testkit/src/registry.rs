//! A registry of images in this process, which can lie.
//!
//! It is a [`WebServer`] with the paths of the OCI distribution specification; its hooks are how it
//! misbehaves. Nothing is checked of what is put there: a document may say and be anything.

use gantry_types::show::hex;

use crate::web::{Hook, WebServer};

/// The media type of an OCI manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a Docker manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A running registry; it stops when dropped.
pub struct Registry {
    web: WebServer,
}

impl Registry {
    /// Starts a registry whose certificate is for `hosts`, `localhost` and 127.0.0.1.
    pub fn start(hosts: &[&str]) -> Self {
        Self {
            web: WebServer::start(hosts),
        }
    }

    /// The server: its hooks, its log, its ports.
    pub fn web(&self) -> &WebServer {
        &self.web
    }

    /// `127.0.0.1:PORT`, where plain http is spoken.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.web.http_port())
    }

    /// `localhost:PORT`, where https is spoken.
    pub fn secure_host(&self) -> String {
        format!("localhost:{}", self.web.https_port())
    }

    /// Where the blob `digest` of a repository is.
    pub fn blob_path(repository: &str, digest: &str) -> String {
        format!("/v2/{repository}/blobs/{digest}")
    }

    /// Where the manifest with this tag or digest is.
    pub fn manifest_path(repository: &str, version: &str) -> String {
        format!("/v2/{repository}/manifests/{version}")
    }

    /// Puts a blob there and gives its digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        self.web.put(&Self::blob_path(repository, &digest), bytes);
        digest
    }

    /// Puts a document there, under a tag and under its digest, which it gives; hooks of the tag are gone then.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> String {
        let digest = digest(bytes);
        for version in [tag, &digest] {
            let path = Self::manifest_path(repository, version);
            self.web.put(&path, bytes);
            self.web.clear_hooks_of(&path);
            let header = |name: &str, value: &str| {
                let hook = Hook::Header(name.to_owned(), value.to_owned());
                self.web.hook(&path, hook);
            };
            header("content-type", media_type);
            header("docker-content-digest", &digest);
        }
        digest
    }
}

/// `sha256:` and the digits.
pub fn digest(bytes: &[u8]) -> String {
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("sha256:{}", hex(sum.as_ref()))
}

/// An image to be put into a registry.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its layers, each an uncompressed tar, lowest first.
    pub layers: Vec<Vec<u8>>,
    /// What runs in it.
    pub command: Vec<String>,
    /// The processor it is for, as Go calls it.
    pub architecture: &'static str,
}

impl Image {
    /// One for this machine, of `layers` that run `command`.
    pub fn new(layers: &[&[u8]], command: &[&str]) -> Self {
        Self {
            layers: layers.iter().map(|layer| layer.to_vec()).collect(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            },
        }
    }

    /// Its configuration.
    pub fn config(&self) -> Vec<u8> {
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| digest(layer)).collect();
        serde_json::json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": { "Cmd": self.command },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        })
        .to_string()
        .into_bytes()
    }

    /// Its manifest as OCI has it.
    pub fn manifest(&self) -> Vec<u8> {
        let descriptor = |kind: &str, bytes: &[u8]| {
            serde_json::json!({
                "mediaType": format!("application/vnd.oci.image.{kind}"),
                "digest": digest(bytes),
                "size": bytes.len(),
            })
        };
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|layer| descriptor("layer.v1.tar", layer))
            .collect();
        serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("config.v1+json", &self.config()),
            "layers": layers,
        })
        .to_string()
        .into_bytes()
    }
}

impl Registry {
    /// Puts an image there with everything that it consists of, and gives the digest of its manifest.
    pub fn put_image(&self, repository: &str, tag: &str, image: &Image) -> String {
        for layer in &image.layers {
            self.put_blob(repository, layer);
        }
        self.put_blob(repository, &image.config());
        self.put_manifest(repository, tag, MANIFEST, &image.manifest())
    }
}
