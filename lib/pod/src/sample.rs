//! A data directory with images for the tests of this crate.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use gantry_store::{ImageKind, ImageRecord, Store, TreeId, TreeStaging, Verdict};
use gantry_types::{ImageId, ImageManifest, Uuid};
use tempfile::TempDir;

use crate::gc::GcOptions;
use crate::metadata::Registrar;
use crate::pods_dir::PodsDir;
use crate::remove::RemoveOptions;

pub(crate) struct Sample {
    pub(crate) temp: TempDir,
    pub(crate) pods: PodsDir,
    pub(crate) store: Store,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let pods = PodsDir::open(&temp.path().join("d")).unwrap();
        let store = Store::open(&temp.path().join("d")).unwrap();
        Self { temp, pods, store }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.temp.path().join("d")
    }

    /// Puts an image into the store whose manifest has these members beside the usual ones.
    pub(crate) fn image(&self, name: &str, members: &str) -> ImageId {
        let labels = r#"[{"name":"version","value":"1.0"},{"name":"os","value":"linux"},{"name":"arch","value":"ARCH"}]"#;
        let labels = labels.replace("ARCH", gantry_types::os_arch::host().1);
        self.image_with_labels(name, &labels, members)
    }

    pub(crate) fn image_with_labels(&self, name: &str, labels: &str, members: &str) -> ImageId {
        let json = format!(
            r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"{name}","labels":{labels}{members}}}"#
        );
        let manifest = ImageManifest::from_json(json.as_bytes()).unwrap();
        let mut digest = [7; 64];
        digest[..name.len().min(64)].copy_from_slice(&name.as_bytes()[..name.len().min(64)]);
        let id = ImageId::from_digest(digest);
        let tree_id = TreeId::of_images(&[id]);
        let staging = TreeStaging::new(&self.store).unwrap();
        fs::write(staging.path().join("manifest"), &json).unwrap();
        fs::create_dir(staging.path().join("rootfs")).unwrap();
        fs::set_permissions(
            staging.path().join("rootfs"),
            fs::Permissions::from_mode(0o751),
        )
        .unwrap();
        fs::write(staging.path().join("rootfs/file"), "content").unwrap();
        let record = ImageRecord {
            id,
            kind: ImageKind::Aci,
            name: manifest.name.clone(),
            labels: manifest.labels.clone(),
            aliases: Vec::new(),
            layers: Vec::new(),
            trees: vec![tree_id.clone()],
            flat: None,
            rendered: None,
            size: 1,
            import_time: 1,
            last_used: 1,
            latest: None,
            origins: Vec::new(),
            verdict: Verdict::Waived {
                option: "--insecure-options=image".into(),
            },
            signature: None,
            oci: None,
        };
        let mut publication = self.store.publication(&id).unwrap();
        publication.tree(tree_id, staging);
        publication.commit(&record).unwrap();
        id
    }

    /// A stage1 that notes how it was called in `calls` beside it, and fails if `fail` is there.
    pub(crate) fn stage1(&self) -> PathBuf {
        let path = self.temp.path().join("stage1.sh");
        let dir = self.temp.path().display();
        let script =
            format!("#!/bin/sh\necho \"$@ in $(pwd)\" >>{dir}/calls\ntest ! -e {dir}/fail\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.temp.path().join("calls")).unwrap_or_default()
    }

    /// The names in a phase directory.
    pub(crate) fn phase(&self, phase: &str) -> Vec<String> {
        let dir = fs::read_dir(self.data().join("pods").join(phase)).unwrap();
        let mut names: Vec<_> = dir
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

pub(crate) const APP: &str = r#","app":{"exec":["/bin/true","-v"],"user":"0","group":"0","environment":[{"name":"A","value":"image"}]}"#;

pub(crate) fn uuid(n: u8) -> Uuid {
    Uuid::from_random_bytes([n; 16])
}

/// A metadata service that does not run.
static NO_SERVICE: LazyLock<Registrar> =
    LazyLock::new(|| Registrar::new("/nonexistent/metadata-svc.sock".into()));

pub(crate) fn gc_options(stage1: &Path) -> GcOptions<'_> {
    GcOptions {
        grace_period: Duration::ZERO,
        expire_prepared: Duration::from_secs(24 * 3600),
        mark_only: false,
        now: SystemTime::now(),
        remove: RemoveOptions {
            stage1,
            local_config: Path::new("/etc/rkt"),
            registrar: &NO_SERVICE,
            debug: false,
        },
    }
}

/// Runs one test of this very program in a process of its own, told by the environment what to do.
pub(crate) fn child(test: &str, environment: &[(&str, &Path)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .envs(environment.iter().copied())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for something that another process does.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} did not happen");
}
