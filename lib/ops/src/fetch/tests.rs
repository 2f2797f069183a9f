//! Fetches from a server on this machine, with keys and signatures made by the real gpg.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::extract::Ownership;
use gantry_remote::discovery::DiscoveryOptions;
use gantry_remote::{ClientConfig, ConnectTo, HttpClient, Roots};
use gantry_store::{ImageRecord, Source, Store, StoreError, Verdict};
use gantry_testkit::WebServer;
use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_testkit::web::Hook;
use gantry_trust::{Keystore, PublicKey};
use gantry_types::{Diagnostic, ImageId, Kind};

use super::{
    Downloading, FetchContext, FetchError, FetchObserver, FetchRequest, ImageReference, Notice,
    PullPolicy, fetch,
};
use crate::image;

const HOST: &str = "example.test";

/// A store, a keystore, a server and two people who sign.
struct World {
    dir: tempfile::TempDir,
    store: Store,
    keystore: Keystore,
    server: WebServer,
    http: HttpClient,
    gpg: Gpg,
    owner: String,
    stranger: String,
}

#[derive(Default)]
struct Log {
    notices: Vec<String>,
    last: u64,
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
}

impl World {
    /// `None` where gpg is missing.
    fn new() -> Option<Self> {
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

    fn trust(&self, prefix: &str, key: &str) {
        let key = PublicKey::parse(&self.gpg.export(key)).unwrap();
        self.keystore
            .add_prefix_key(&prefix.parse().unwrap(), &key)
            .unwrap();
    }

    fn sign(&self, key: &str, bytes: &[u8]) -> Vec<u8> {
        let file = self.dir.path().join("to-sign");
        fs::write(&file, bytes).unwrap();
        self.gpg.detach_sign(key, &file)
    }

    /// Publishes an image of `manifest` as `/APP.aci`, signed by `key`, with a page that leads there.
    fn serve(&self, app: &str, image: &[u8], signature: Option<&[u8]>) {
        self.server.put(&format!("/{app}.aci"), image);
        if let Some(signature) = signature {
            self.server.put(&format!("/{app}.aci.asc"), signature);
        }
        let tag = format!(
            "<meta name=\"ac-discovery\" content=\"{HOST}/{app} https://{HOST}/{app}.{{ext}}\">"
        );
        self.server.put_discovery(&format!("/{app}"), tag);
    }

    fn serve_signed(&self, app: &str, image: &[u8], key: &str) {
        let signature = self.sign(key, image);
        self.serve(app, image, Some(&signature));
    }

    fn run(&self, request: &FetchRequest) -> (Result<ImageId, FetchError>, Log) {
        let mut log = Log::default();
        let ownership = match rustix::process::geteuid().is_root() {
            true => Ownership::Keep,
            false => Ownership::CurrentUser,
        };
        let result = fetch(
            request,
            &mut FetchContext {
                store: &self.store,
                keystore: &self.keystore,
                http: &self.http,
                discovery: DiscoveryOptions::default(),
                ownership,
                clock: &SystemTime::now,
                observer: &mut log,
            },
        );
        (result, log)
    }

    fn fetch(&self, text: &str) -> Result<ImageId, FetchError> {
        self.run(&request(text, PullPolicy::New, "none")).0
    }

    fn fetch_insecure(&self, text: &str) -> Result<ImageId, FetchError> {
        self.run(&request(text, PullPolicy::New, "image")).0
    }

    /// The fetch is refused with this text in its message, and the store is as empty as before.
    fn assert_refused(&self, text: &str, message: &str) -> FetchError {
        let before = population(self.store.root());
        let error = self.fetch(text).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{}", chain(&error));
        assert!(chain(&error).contains(message), "{}", chain(&error));
        assert_eq!(population(self.store.root()), before);
        error
    }

    fn record(&self, id: &ImageId) -> ImageRecord {
        self.store.record(id).unwrap()
    }
}

fn request(text: &str, policy: PullPolicy, insecure: &str) -> FetchRequest {
    let is_file = |path: &Path| path.is_file();
    FetchRequest {
        reference: ImageReference::parse(text, Path::new("/"), &is_file).unwrap(),
        signature: None,
        policy,
        insecure: insecure.parse().unwrap(),
    }
}

/// The error and its causes, as a user sees them.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Everything below a store but locks, which stay.
fn population(dir: &Path) -> Vec<PathBuf> {
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

fn tar_entry(tar: &mut Vec<u8>, path: &str, kind: u8, body: &[u8]) {
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
fn aci(name: &str, version: &str, more: &str, filler: usize) -> Vec<u8> {
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

#[test]
fn a_signed_image_is_found_verified_and_kept() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve_signed("app", &image, &world.owner);
    let id = world.fetch("example.test/app:1.0").unwrap();
    let record = world.record(&id);
    assert_eq!(
        id,
        ImageId::from_digest(gantry_archive::digest::Sha512::of(&image))
    );
    assert_eq!(
        fs::read(world.store.blob_path(&record.layers[0].digest)).unwrap(),
        image
    );
    let tree = world.store.tree_path(&record.trees[0]);
    assert_eq!(fs::read(tree.join("rootfs/hello")).unwrap(), b"hello\n");
    let Verdict::Signed { by } = &record.verdict else {
        panic!("{:?}", record.verdict)
    };
    assert_eq!(by[0].fingerprint, world.owner);
    assert_eq!(by[0].user_id, "Owner <owner@example.test>");
    assert!(world.store.has_blob(record.signature.as_ref().unwrap()));
    assert_eq!(
        fs::read_dir(world.store.root().join("ingest"))
            .unwrap()
            .count(),
        0
    );
    // From now on the store answers.
    world.server.take_log();
    let (again, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    assert_eq!(again.unwrap(), id);
    assert!(world.server.take_log().is_empty());
    assert!(log.notices[0].starts_with("using image from local store for image name"));
    assert_eq!(world.fetch(&id.short()).unwrap(), id);
    let rows = image::list(&world.store).unwrap().0;
    assert_eq!(
        (rows.len(), rows[0].name.as_str()),
        (1, "example.test/app:1.0")
    );
    let manifest = image::manifest(&world.store, &image::find(&world.store, &id.key()).unwrap());
    assert_eq!(manifest.unwrap().name.as_str(), "example.test/app");
}

#[test]
fn images_without_trust_are_refused_and_leave_nothing() {
    let Some(world) = World::new() else { return };
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve("app", &image, None);
    let error = world.assert_refused("example.test/app", "no key is trusted for example.test/app");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("rkt trust --prefix=example.test")
    );
    world.trust("example.test", &world.owner);
    world.assert_refused(
        "example.test/app",
        "error downloading the signature file: bad HTTP status code: 404",
    );
    world.serve_signed("app", &image, &world.stranger);
    world.server.take_log();
    world.assert_refused(
        "example.test/app",
        "openpgp: signature made by unknown entity",
    );
    // Known before the image is downloaded.
    let log = world.server.take_log();
    assert!(
        log.iter().all(|request| !request.target.ends_with(".aci")),
        "{log:?}"
    );
    world.serve("app", &image, Some(b"<html>not a signature</html>"));
    world.assert_refused("example.test/app", "cannot use the signature");
    // Any change of any byte.
    let signature = world.sign(&world.owner, &image);
    for at in [0, 600, image.len() / 2, image.len() - 1] {
        let mut changed = image.clone();
        changed[at] ^= 1;
        world.serve("app", &changed, Some(&signature));
        world.assert_refused("example.test/app", "the file or its signature was changed");
    }
    world.serve("app", &image[..image.len() - 512], Some(&signature));
    world.assert_refused("example.test/app", "the file or its signature was changed");
    world.serve("app", &image, Some(&signature));
    world.fetch("example.test/app").unwrap();
}

#[test]
fn an_image_of_another_name_or_label_is_refused() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed(
        "app",
        &aci("example.test/other", "1.2.0", "", 0),
        &world.owner,
    );
    world.assert_refused("example.test/app", "example.test/other");
    world.serve_signed(
        "app",
        &aci("example.test/app", "1.2.0", "", 0),
        &world.owner,
    );
    world.assert_refused(
        "example.test/app:2.0",
        "requested value for label \"version\": \"2.0\" differs from fetched aci label value: \"1.2.0\"",
    );
    world.assert_refused(
        "example.test/app,x=y",
        "requested label \"x\" not provided by the image manifest",
    );
    // Whoever waives the check gets what there is, and it shows.
    let id = world.fetch_insecure("example.test/app:2.0").unwrap();
    let waived = Verdict::Waived {
        option: "--insecure-options=image".to_owned(),
    };
    assert_eq!(world.record(&id).verdict, waived);
}

#[test]
fn a_url_is_verified_against_the_keys_of_the_name_inside() {
    let Some(world) = World::new() else { return };
    world.trust("example.test/ap", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let url = format!("https://{HOST}/app.aci");
    world.assert_refused(&url, "which is not trusted for this name");
    world.trust("example.test/app", &world.owner);
    let id = world.fetch(&url).unwrap();
    assert!(
        world
            .record(&id)
            .origin_of(&Source::Url(url.clone()))
            .is_some()
    );
    assert_eq!(world.fetch(&url).unwrap(), id);
}

#[test]
fn bad_archives_with_good_signatures_leave_nothing() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let good = aci("example.test/app", "1.0", "", 0);
    let mut escape = Vec::new();
    tar_entry(&mut escape, "../evil", b'0', b"evil");
    escape.extend(&good);
    let typo = aci("example.test/app", "1.0", ",\"app\":{\"exec\":7}", 0);
    for bad in [&good[..700], &escape, &typo, b"no tar at all".as_slice()] {
        world.serve_signed("app", bad, &world.owner);
        let before = population(world.store.root());
        world.fetch("example.test/app").unwrap_err();
        assert_eq!(population(world.store.root()), before);
    }
}

#[test]
fn a_cut_download_goes_on_later() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 600_000);
    world.serve_signed("app", &image, &world.owner);
    world.server.hook("/app.aci", Hook::CutAfter(400_000));
    world.server.hook("/app.aci", Hook::NoRanges);
    let error = world.fetch("example.test/app").unwrap_err();
    assert!(
        matches!(error, FetchError::Download { .. }),
        "{}",
        chain(&error)
    );
    assert_eq!(error.kind(), Kind::Environment);
    world.server.clear_hooks();
    world.server.take_log();
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    result.unwrap();
    assert_eq!(log.last, image.len() as u64);
    assert!(
        log.notices
            .iter()
            .any(|notice| notice.starts_with("resuming")),
        "{:?}",
        log.notices
    );
}

#[test]
fn an_unchanged_image_is_not_sent_again_and_a_changed_one_is() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let update = request("example.test/app", PullPolicy::Update, "none");
    let first = world.run(&update).0.unwrap();
    let (second, log) = world.run(&update);
    assert_eq!(second.unwrap(), first);
    assert_eq!(log.last, 0, "{:?}", log.notices);
    world.serve_signed("app", &aci("example.test/app", "1.1", "", 0), &world.owner);
    let third = world.run(&update).0.unwrap();
    assert_ne!(third, first);
    assert_eq!(world.fetch("example.test/app").unwrap(), third);
    // While the server's word holds nobody asks.
    world.server.hook(
        "/app.aci",
        Hook::Header("Cache-Control".into(), "max-age=60".into()),
    );
    world.serve_signed("app", &aci("example.test/app", "1.2", "", 0), &world.owner);
    let fourth = world.run(&update).0.unwrap();
    let (fifth, log) = world.run(&update);
    assert_eq!(fifth.unwrap(), fourth);
    assert!(
        log.notices
            .iter()
            .any(|notice| notice.contains("isn't expired")),
        "{:?}",
        log.notices
    );
}

#[test]
fn a_deferred_signature_is_asked_for_again_once() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    world
        .server
        .hook_times("/app.aci.asc", Hook::Status(202), 1);
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    let id = result.unwrap();
    let deferred = "server requested deferring the signature download".to_owned();
    assert!(log.notices.contains(&deferred), "{:?}", log.notices);
    // A gpg that another test is just starting holds a copy of our lock for a moment.
    let mut nothing = || Ok(gantry_store::InUse::default());
    while let Err(StoreError::InUse { .. }) = world.store.remove(&id, &mut nothing) {
        std::thread::yield_now();
    }
    world.server.hook("/app.aci.asc", Hook::Status(202));
    let error = world.fetch("example.test/app").unwrap_err();
    assert!(
        matches!(error, FetchError::SignatureDeferred { .. }),
        "{}",
        chain(&error)
    );
}

#[test]
fn a_file_is_imported_with_the_signature_beside_it_or_the_one_named() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 0);
    let path = world.dir.path().join("app.aci");
    fs::write(&path, &image).unwrap();
    let text = path.to_str().unwrap();
    world.assert_refused(text, "error opening signature file");
    let waived = world.fetch_insecure(text).unwrap();
    assert!(matches!(
        world.record(&waived).verdict,
        Verdict::Waived { .. }
    ));
    fs::write(
        world.dir.path().join("app.aci.asc"),
        world.sign(&world.owner, &image),
    )
    .unwrap();
    let id = world.fetch(text).unwrap();
    assert_eq!(id, waived);
    assert!(matches!(world.record(&id).verdict, Verdict::Signed { .. }));
    // Waiving the check later takes nothing away.
    world.fetch_insecure(text).unwrap();
    assert!(matches!(world.record(&id).verdict, Verdict::Signed { .. }));
    let elsewhere = world.dir.path().join("elsewhere.sig");
    fs::rename(world.dir.path().join("app.aci.asc"), &elsewhere).unwrap();
    let mut named = request(text, PullPolicy::New, "none");
    named.signature = Some(elsewhere);
    assert_eq!(world.run(&named).0.unwrap(), id);
    let mut changed = fs::OpenOptions::new().append(true).open(&path).unwrap();
    changed.write_all(b"x").unwrap();
    let before = population(world.store.root());
    assert_eq!(world.run(&named).0.unwrap_err().kind(), Kind::Refused);
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn dependencies_come_along_and_circles_are_refused() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let depends = |on: &str| format!(",\"dependencies\":[{{\"imageName\":\"example.test/{on}\"}}]");
    world.serve_signed("base", &aci("example.test/base", "1", "", 0), &world.owner);
    world.serve_signed(
        "app",
        &aci("example.test/app", "1", &depends("base"), 0),
        &world.owner,
    );
    let id = world.fetch("example.test/app").unwrap();
    let base = world.fetch("example.test/base").unwrap();
    let record = world.record(&id);
    assert_eq!(record.trees.len(), 2);
    assert_eq!(record.trees[1], world.record(&base).trees[0]);
    world.serve_signed(
        "a",
        &aci("example.test/a", "1", &depends("b"), 0),
        &world.owner,
    );
    world.serve_signed(
        "b",
        &aci("example.test/b", "1", &depends("a"), 0),
        &world.owner,
    );
    world.assert_refused("example.test/a", "depends on itself");
    world.serve_signed(
        "c",
        &aci("example.test/c", "1", &depends("missing"), 0),
        &world.owner,
    );
    let error = world.fetch("example.test/c").unwrap_err();
    assert!(chain(&error).contains("cannot fetch dependency example.test/missing"));
}

#[test]
fn many_fetches_at_once_make_one_download() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed(
        "app",
        &aci("example.test/app", "1.0", "", 300_000),
        &world.owner,
    );
    let results: Vec<ImageId> = std::thread::scope(|scope| {
        let run = || world.fetch("example.test/app").unwrap();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(results.iter().all(|id| *id == results[0]));
    let log = world.server.take_log();
    assert_eq!(
        log.iter()
            .filter(|request| request.target == "/app.aci")
            .count(),
        1
    );
}

#[test]
fn the_policy_keeps_off_the_network() {
    let Some(world) = World::new() else { return };
    for text in [
        "example.test/app",
        "https://example.test/app.aci",
        "sha512-00",
    ] {
        let error = world
            .run(&request(text, PullPolicy::Never, "none"))
            .0
            .unwrap_err();
        assert!(
            matches!(
                error,
                FetchError::NotFound { .. } | FetchError::Resolve { .. }
            ),
            "{}",
            chain(&error)
        );
    }
    assert!(world.server.take_log().is_empty());
}
