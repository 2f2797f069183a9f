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

    /// Puts a document there, under a tag and under its digest, which it gives.
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
