//! Registries that misbehave.

mod access;
mod bytes;
mod places;
mod real;

use std::io::Read;
use std::time::Duration;

use gantry_testkit::registry::{self as kit, MANIFEST};
use gantry_testkit::web::Hook;
use gantry_types::oci::Digest;

use super::*;
use crate::{ClientConfig, ConnectTo, Roots};

/// A registry and a client that trusts its authority and reaches it as `a.test`, `b.test` and so on too.
struct Setup {
    kit: kit::Registry,
    keychain: Keychain,
    conf: RegistriesConf,
    allow_http: bool,
    config: ClientConfig,
}

impl Setup {
    fn new() -> Self {
        let hosts = ["a.test", "auth.a.test", "b.test"];
        let kit = kit::Registry::start(&hosts);
        let rules = hosts.iter().flat_map(|host| kit.web().connect_to(host));
        let mut config = ClientConfig::new("test/1");
        config.connect_to = rules
            .map(|rule| rule.parse::<ConnectTo>().unwrap())
            .collect();
        config.roots = Roots::Paths {
            file: Some(kit.web().ca_file().to_owned()),
            dirs: Vec::new(),
        };
        config.retry.pause = Duration::from_millis(1);
        config.idle_timeout = Duration::from_secs(5);
        Self {
            kit,
            keychain: Keychain::default(),
            conf: RegistriesConf::default(),
            allow_http: false,
            config,
        }
    }

    fn with_login(mut self, host: &str) -> Self {
        self.keychain.configure(host, password());
        self
    }

    fn client(&self) -> Registry {
        let http = HttpClient::new(self.config.clone());
        Registry::new(
            http,
            self.keychain.clone(),
            self.conf.clone(),
            self.allow_http,
        )
    }

    /// A document under the tag 1 of `app`, and its digest.
    fn put(&self, bytes: &[u8]) -> Digest {
        self.kit
            .put_manifest("app", "1", MANIFEST, bytes)
            .parse()
            .unwrap()
    }

    fn hook(&self, path: &str, hook: Hook) {
        self.kit.web().hook(path, hook);
    }

    fn header(&self, path: &str, name: &str, value: &str) {
        self.hook(path, Hook::Header(name.to_owned(), value.to_owned()));
    }

    /// What was asked for so far: method, and path with query.
    fn asked(&self) -> Vec<String> {
        let log = self.kit.web().take_log();
        log.iter()
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }
}

const TAG: &str = "/v2/app/manifests/1";

fn password() -> Login {
    Login::Password {
        user: "user".to_owned(),
        password: "pass".to_owned().into(),
    }
}

/// `user:pass` as a header.
const BASIC: &str = "Basic dXNlcjpwYXNz";

fn endpoint(reference: &str) -> Endpoint {
    Endpoint {
        reference: reference.parse().unwrap(),
        insecure: false,
    }
}

fn pull(client: &Registry, reference: &str) -> Result<RawManifest, RegistryError> {
    client.manifest(&endpoint(reference))
}

/// An error and all its causes.
fn shown(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

fn read(mut reader: BlobReader<'_>) -> Result<(Vec<u8>, u64), String> {
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, reader.transferred())),
        Err(error) => Err(shown(&error)),
    }
}
