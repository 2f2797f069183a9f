//! A store, a server and people who sign with the real gpg.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::extract::Ownership;
use gantry_remote::discovery::DiscoveryOptions;
use gantry_remote::{ClientConfig, ConnectTo, HttpClient, Roots};
use gantry_store::{ImageRecord, Store};
use gantry_testkit::WebServer;
use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_trust::{Keystore, PublicKey};
use gantry_types::{Diagnostic, ImageId, Kind};

use super::super::oci::{Registries, RegistrySettings};
use super::super::{
    Downloading, FetchContext, FetchError, FetchObserver, FetchRequest, ImageReference, Notice,
    PullPolicy, Step, fetch,
};

pub(super) const HOST: &str = "example.test";

/// A store, a keystore, a server and two people who sign.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) keystore: Keystore,
    pub(super) server: WebServer,
    http: HttpClient,
    gpg: Gpg,
    pub(super) owner: String,
    pub(super) stranger: String,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) notices: Vec<String>,
    pub(super) last: u64,
    /// Each step with how far it got.
    pub(super) steps: Vec<(Step, u64, u64)>,
}

impl FetchObserver for Log {
    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.to_string());
    }

    fn progress(&mut self, what: Downloading, have: u64, _total: Option<u64>) {
        if what == Downloading::Image {
            self.last = have;
        }
    }

    fn working(&mut self, step: Step, have: u64, total: u64) {
        match self.steps.last_mut() {
            Some((last, at, _)) if *last == step => *at = have,
            _ => self.steps.push((step, have, total)),
        }
    }
}

impl World {
    /// `None` where gpg is missing.
    pub(super) fn new() -> Option<Self> {
        let gpg = Gpg::new()?;
        let dir = tempfile::tempdir().unwrap();
        let key = |user_id| {
            gpg.generate(&KeySpec {
                user_id,
                ..KeySpec::default()
            })
        };
        let owner = key("Owner <owner@example.test>");
        let stranger = key("Stranger <stranger@example.test>");
        let server = WebServer::start(&[HOST]);
        let rules = server.connect_to(HOST);
        let mut config = ClientConfig::new("test/1");
        config.connect_to = rules
            .iter()
            .flat_map(|rule| ConnectTo::parse_list(rule).unwrap())
            .collect();
        config.roots = Roots::Paths {
            file: Some(server.ca_file().to_owned()),
            dirs: Vec::new(),
        };
        // Tests cut connections on purpose, for later.
        config.retry.tries = 1;
        let http = HttpClient::new(config);
        let store = Store::open(dir.path()).unwrap();
        let keystore = Keystore::new(None, dir.path().join("etc"));
        Some(Self {
            dir,
            store,
            keystore,
            server,
            http,
            gpg,
            owner,
            stranger,
        })
    }

    pub(super) fn trust(&self, prefix: &str, key: &str) {
        let key = PublicKey::parse(&self.gpg.export(key)).unwrap();
        self.keystore
            .add_prefix_key(&prefix.parse().unwrap(), &key)
            .unwrap();
    }

    pub(super) fn sign(&self, key: &str, bytes: &[u8]) -> Vec<u8> {
        let file = self.dir.path().join("to-sign");
        fs::write(&file, bytes).unwrap();
        self.gpg.detach_sign(key, &file)
    }

    /// Publishes an image of `manifest` as `/APP.aci`, signed by `key`, with a page that leads there.
    pub(super) fn serve(&self, app: &str, image: &[u8], signature: Option<&[u8]>) {
        self.server.put(&format!("/{app}.aci"), image);
        if let Some(signature) = signature {
            self.server.put(&format!("/{app}.aci.asc"), signature);
        }
        let tag = format!(
            "<meta name=\"ac-discovery\" content=\"{HOST}/{app} https://{HOST}/{app}.{{ext}}\">"
        );
        self.server.put_discovery(&format!("/{app}"), tag);
    }

    pub(super) fn serve_signed(&self, app: &str, image: &[u8], key: &str) {
        let signature = self.sign(key, image);
        self.serve(app, image, Some(&signature));
    }

    pub(super) fn run(&self, request: &FetchRequest) -> (Result<ImageId, FetchError>, Log) {
        let mut log = Log::default();
        let ownership = match rustix::process::geteuid().is_root() {
            true => Ownership::Keep,
            false => Ownership::CurrentUser,
        };
        let result = self.run_as(request, ownership, &mut log);
        (result, log)
    }

    pub(super) fn run_as(
        &self,
        request: &FetchRequest,
        ownership: Ownership,
        observer: &mut dyn FetchObserver,
    ) -> Result<ImageId, FetchError> {
        self.run_at(request, ownership, &SystemTime::now, observer)
    }

    pub(super) fn run_at(
        &self,
        request: &FetchRequest,
        ownership: Ownership,
        clock: &dyn Fn() -> SystemTime,
        observer: &mut dyn FetchObserver,
    ) -> Result<ImageId, FetchError> {
        fetch(
            request,
            &mut FetchContext {
                store: &self.store,
                keystore: &self.keystore,
                http: &self.http,
                registries: &Registries::new(RegistrySettings::new(self.http.config().clone())),
                discovery: DiscoveryOptions::default(),
                ownership,
                threads: 3,
                clock,
                observer,
            },
        )
    }

    pub(super) fn fetch(&self, text: &str) -> Result<ImageId, FetchError> {
        self.run(&request(text, PullPolicy::New, "none")).0
    }

    pub(super) fn fetch_insecure(&self, text: &str) -> Result<ImageId, FetchError> {
        self.run(&request(text, PullPolicy::New, "image")).0
    }

    /// The fetch is refused with this text in its message, and the store is as empty as before.
    pub(super) fn assert_refused(&self, text: &str, message: &str) -> FetchError {
        let before = population(self.store.root());
        let error = self.fetch(text).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{}", chain(&error));
        assert!(chain(&error).contains(message), "{}", chain(&error));
        assert_eq!(population(self.store.root()), before);
        error
    }

    pub(super) fn record(&self, id: &ImageId) -> ImageRecord {
        self.store.record(id).unwrap()
    }
}

pub(super) fn request(text: &str, policy: PullPolicy, insecure: &str) -> FetchRequest {
    let is_file = |path: &Path| path.is_file();
    FetchRequest {
        reference: ImageReference::parse(text, Path::new("/"), &is_file).unwrap(),
        signature: None,
        policy,
        insecure: insecure.parse().unwrap(),
        platform: None,
    }
}

/// The error and its causes, as a user sees them.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Everything below a store but locks, which stay.
pub(super) fn population(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(population(&path));
        }
        if !path.components().any(|part| part.as_os_str() == "locks") {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(super) fn tar_entry(tar: &mut Vec<u8>, path: &str, kind: u8, body: &[u8]) {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..108].copy_from_slice(if kind == b'5' {
        b"0000755\0"
    } else {
        b"0000644\0"
    });
    let (uid, gid) = (
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
    );
    header[108..116].copy_from_slice(format!("{uid:07o}\0").as_bytes());
    header[116..124].copy_from_slice(format!("{gid:07o}\0").as_bytes());
    header[124..136].copy_from_slice(format!("{:011o}\0", body.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(body);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// An uncompressed ACI.
pub(super) fn aci(name: &str, version: &str, more: &str, filler: usize) -> Vec<u8> {
    let manifest = format!(
        r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"{name}","labels":[
        {{"name":"version","value":"{version}"}},{{"name":"os","value":"linux"}},
        {{"name":"arch","value":"{}"}}]{more}}}"#,
        gantry_types::os_arch::host().1
    );
    let mut tar = Vec::new();
    tar_entry(&mut tar, "manifest", b'0', manifest.as_bytes());
    tar_entry(&mut tar, "rootfs/", b'5', b"");
    tar_entry(&mut tar, "rootfs/hello", b'0', b"hello\n");
    let noise: Vec<u8> = (0..filler)
        .map(|i| u8::try_from(i * 7 % 251).unwrap())
        .collect();
    tar_entry(&mut tar, "rootfs/filler", b'0', &noise);
    tar.resize(tar.len() + 1024, 0);
    tar
}
