//! A store with fetched images, for tests.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use gantry_archive::compress::{Compression, Encoder};
use gantry_archive::extract::Ownership;
use gantry_remote::discovery::DiscoveryOptions;
use gantry_remote::{ClientConfig, HttpClient};
use gantry_store::Store;
use gantry_testkit::archive::ArchiveBuilder;
use gantry_trust::Keystore;
use gantry_types::ImageId;
use tempfile::TempDir;

use crate::fetch::oci::{Registries, RegistrySettings};
use crate::fetch::{
    Downloading, FetchContext, FetchObserver, FetchRequest, ImageReference, LocalFile, Notice,
    PullPolicy, fetch,
};

pub(super) struct Sample {
    pub(super) dir: TempDir,
    pub(super) store: Store,
    pub(super) http: HttpClient,
}

pub(super) struct Silent;

impl FetchObserver for Silent {
    fn notice(&mut self, _: &Notice) {}
    fn progress(&mut self, _: Downloading, _: u64, _: Option<u64>) {}
}

/// Root keeps owners, everybody else gets all files.
pub(super) fn ownership() -> Ownership {
    match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    }
}

/// A plain image of this name with `more` in its manifest and `fill` in its root.
pub(super) fn plain(
    name: &str,
    more: &str,
    fill: impl FnOnce(ArchiveBuilder) -> ArchiveBuilder,
) -> Vec<u8> {
    let manifest = format!(
        r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/{name}"{more}}}"#
    );
    let start = ArchiveBuilder::new().file("manifest", manifest);
    fill(start.directory("rootfs")).finish()
}

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), Compression::Gzip).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

impl Sample {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(&dir.path().join("data")).unwrap(),
            http: HttpClient::new(ClientConfig::new("test/1")),
            dir,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Fetches an image of these bytes from `NAME.aci`, unsigned, with the dependencies in the store.
    pub(super) fn fetch(&self, name: &str, image: &[u8]) -> ImageId {
        let path = self.path(&format!("{name}.aci"));
        fs::write(&path, image).unwrap();
        let request = FetchRequest {
            reference: ImageReference::Path(LocalFile {
                given: path.clone(),
                path,
            }),
            signature: None,
            platform: None,
            policy: PullPolicy::Never,
            insecure: "image".parse().unwrap(),
        };
        let keystore = Keystore::new(None, self.path("etc"));
        let mut context = FetchContext {
            store: &self.store,
            keystore: &keystore,
            http: &self.http,
            registries: &Registries::new(RegistrySettings::new(self.http.config().clone())),
            discovery: DiscoveryOptions::default(),
            ownership: ownership(),
            threads: 1,
            clock: &SystemTime::now,
            observer: &mut Silent,
        };
        fetch(&request, &mut context).unwrap()
    }

    /// Changes one byte in the middle of the image's blob, without changing its size or times.
    pub(super) fn damage_blob(&self, id: &ImageId) -> PathBuf {
        let record = self.store.record(id).unwrap();
        let path = self.store.blob_path(&record.layers[0].digest);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}
