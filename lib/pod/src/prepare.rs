//! Preparing a pod: from a request and the store to a complete pod directory.

use std::io;
use std::time::SystemTime;

use gantry_store::Store;
use gantry_types::{ImageId, ImageManifest, PodManifest, Uuid, Volume, VolumeKind};

use crate::copy_up;
use crate::fill::fill;
use crate::given;
use crate::image::StoredImage;
use crate::manifest;
use crate::overlay;
use crate::phase::Phase;
use crate::pod::Pod;
use crate::pods_dir::PodsDir;
use crate::prepare_error::PrepareError;
use crate::request::PrepareRequest;
use crate::stage1_image;
use crate::users::Reservation;
use crate::volumes;
use crate::warning::Warning;
use crate::widening;

/// A pod that is complete, and locked by us.
///
/// [`PreparedPod::run`] runs it, [`PreparedPod::keep`] leaves it for later. Dropped without either, it
/// stays behind as an aborted one for the next collection.
#[derive(Debug)]
pub struct PreparedPod {
    pod: Pod,
    manifest: PodManifest,
    warnings: Vec<Warning>,
    /// Leases: the pod's own files protect the trees by now, the images until stage1 has started.
    _images: Vec<StoredImage>,
}

impl PodsDir {
    /// Prepares a pod: looks up its images, resolves its manifest and writes its directory.
    ///
    /// No step costs more with larger images or with more images or pods, except copying the trees
    /// where there is no overlay. Nothing of the pod is synced; see [`PreparedPod::keep`]. What goes
    /// wrong before the directory exists leaves nothing behind, what goes wrong later removes it.
    ///
    /// `now` is noted as the time of last use of the images.
    ///
    /// # Errors
    ///
    /// [`PrepareError`].
    pub fn prepare(
        &self,
        uuid: Uuid,
        request: &PrepareRequest,
        store: &Store,
        now: SystemTime,
    ) -> Result<PreparedPod, PrepareError> {
        let mut warnings = Vec::new();
        let ids = match &request.manifest {
            Some(manifest) => given::images(manifest, store)?,
            None => request.apps.iter().map(|app| app.image).collect(),
        };
        let images = ids
            .iter()
            .map(|id| StoredImage::load(store, id))
            .collect::<Result<Vec<_>, _>>()?;
        let manifests: Vec<(ImageId, &ImageManifest)> = images
            .iter()
            .map(|image| (image.id, &image.manifest))
            .collect();
        let manifest = match request.manifest.clone() {
            Some(manifest) => given::complete(manifest, &manifests, &mut warnings)?,
            None => manifest::build(request, &manifests, &mut warnings)?,
        };
        widening::check(request, &manifest, &images, &mut warnings)?;
        let stage1 = request.stage1.map(|id| StoredImage::load(store, &id));
        let stage1 = stage1.transpose()?;
        check_sources(&manifest.volumes)?;
        let overlay = match overlay::why_not(self.data_dir()) {
            // What an image that runs the pod does with mounts is its own affair.
            _ if request.no_overlay || stage1.is_some() => false,
            Some(reason) => {
                warnings.push(Warning::NoOverlay(reason));
                false
            }
            None => true,
        };
        let pod = self.create(uuid)?;
        let mut filled = || {
            if let Some(stage1) = &stage1 {
                stage1_image::place(&pod, stage1)?;
            }
            let users = match &request.private_users {
                Some(etc) => Some(self.reserve_users(&pod, etc)?),
                None => None,
            };
            let why_not = match users {
                Some(users) if overlay => overlay::why_not_shifted(&images, users),
                _ => None,
            };
            warnings.extend(why_not.map(Warning::NoOverlay));
            let overlay = overlay && why_not.is_none();
            fill(&pod, &manifest, &images, overlay, users)?;
            // A copy of a root has the owners of the pod already.
            let shifted = users.filter(|_| overlay);
            copy_up::fill(&pod, &manifest, &images, (overlay, shifted), &warnings)
        };
        if let Err(error) = filled() {
            abandon(pod);
            return Err(error);
        }
        for image in images.iter().chain(&stage1) {
            store.touch(&image.id, now);
        }
        Ok(PreparedPod {
            pod,
            manifest,
            warnings,
            _images: images,
        })
    }
}

impl PreparedPod {
    /// The pod's UUID.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.pod.uuid()
    }

    /// The pod's manifest, with all names and volumes resolved.
    #[must_use]
    pub fn manifest(&self) -> &PodManifest {
        &self.manifest
    }

    /// What the user should know.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub(crate) fn pod(&self) -> &Pod {
        &self.pod
    }

    pub(crate) fn into_pod(self) -> Pod {
        self.pod
    }

    /// Leaves the pod, to be run later, and on stable storage: its UUID is a promise.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Write`] if syncing or renaming fails; the pod then stays as an aborted one.
    pub fn keep(self) -> Result<Uuid, PrepareError> {
        let uuid = self.uuid();
        let mut pod = self.pod;
        let path = pod.path();
        let mut done = || -> io::Result<()> {
            // Contents before name: after a power cut a pod in `prepared` is whole.
            gantry_sys::sync::syncfs(&pod)?;
            pod.move_to(Phase::Prepared)?;
            pod.sync_phase()?;
            pod.unlock()
        };
        done().map_err(|source| PrepareError::Write { path, source })?;
        Ok(uuid)
    }
}

/// Removes what an error leaves of a pod; what stays in spite of that is collected later.
fn abandon(mut pod: Pod) {
    if pod.move_to(Phase::Garbage).is_err() {
        return;
    }
    let users = pod.reservation();
    if let (Ok(parent), Ok(name)) = (pod.parent(), std::ffi::CString::new(pod.uuid().to_string()))
        && gantry_sys::remove_tree::remove_tree(parent, &name).is_empty()
    {
        users.into_iter().for_each(Reservation::give_back);
    }
}

/// A missing source is an error now rather than when the pod is run. Source: appc ace.md, "Volumes".
fn check_sources(volumes: &[Volume]) -> Result<(), PrepareError> {
    for volume in volumes {
        if let VolumeKind::Host { source: path } = &volume.kind {
            std::fs::metadata(path).map_err(|source| PrepareError::VolumeSource {
                volume: volume.name.clone(),
                source_path: path.clone(),
                source,
            })?;
        }
        volumes::directory_of(volume)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    use gantry_types::{RootKind, RootPlan};

    use super::*;
    use crate::phase::State;
    use crate::request::AppRequest;
    use crate::sample::{APP, Sample, child, gc_options, uuid};

    fn request(image: ImageId) -> PrepareRequest {
        PrepareRequest {
            apps: vec![AppRequest::new(image)],
            ..PrepareRequest::default()
        }
    }

    #[test]
    fn a_prepared_pod_has_the_files_that_rkt_has() {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", APP);
        let mut request = request(image);
        request.volumes = vec!["data,kind=empty,mode=2770,uid=12,gid=34".parse().unwrap()];
        if !gantry_testkit::needs_root() {
            request.volumes = vec!["data,kind=empty,mode=0770".parse().unwrap()];
        }
        let now = SystemTime::now();
        let prepared = sample
            .pods
            .prepare(uuid(1), &request, &sample.store, now)
            .unwrap();
        let overlay = prepared.warnings().is_empty();
        assert_eq!(prepared.keep().unwrap(), uuid(1));
        let pod = sample.pods.lookup(&uuid(1).to_string()).unwrap();
        assert_eq!(pod.state(), State::Prepared);
        let dir = pod.path();
        let mode = |p: &str| fs::metadata(dir.join(p)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(""), 0o2750);
        for file in [
            "pod",
            "pod-created",
            "appsinfo/hello/manifest",
            "appsinfo/hello/treeStoreID",
        ] {
            assert_eq!(mode(file), 0o640, "{file}");
        }
        assert_eq!(fs::metadata(dir.join("pod-created")).unwrap().len(), 0);
        assert_eq!(mode("stage1/rootfs/rkt/status"), 0o755);
        assert_eq!(mode("stage1/rootfs/rkt/env/hello"), 0o640);
        let environment = fs::read_to_string(dir.join("stage1/rootfs/rkt/env/hello")).unwrap();
        assert!(
            environment.starts_with("PATH=/usr/local/sbin:"),
            "{environment}"
        );
        assert!(
            environment.ends_with("AC_APP_NAME=hello\nA=image\n"),
            "{environment}"
        );
        assert_eq!(
            mode("stage1/rootfs/opt/stage2/hello/rootfs"),
            if overlay { 0o755 } else { 0o751 }
        );
        if gantry_testkit::needs_root() {
            assert_eq!(mode("sharedVolumes/data"), 0o2770);
            let meta = fs::metadata(dir.join("sharedVolumes/data")).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (12, 34));
        }
        let tree = fs::read_to_string(dir.join("appsinfo/hello/treeStoreID")).unwrap();
        let manifest = PodManifest::from_json(&fs::read(dir.join("pod")).unwrap()).unwrap();
        assert_eq!(manifest.apps[0].name.as_str(), "hello");
        assert_eq!(manifest.apps[0].image.id.to_string(), image.to_string());
        let plan = RootPlan::from_json(&fs::read(dir.join("rootfs.json")).unwrap()).unwrap();
        if overlay {
            assert_eq!(
                mode(&format!("overlay/{tree}/upper/hello")),
                0o751,
                "as the image's root"
            );
            let RootKind::Overlay { lower, upper, work } = &plan.apps[0].kind else {
                panic!()
            };
            assert_eq!(
                lower,
                &[sample.data().join("store/trees").join(&tree).join("rootfs")]
            );
            assert!(dir.join(upper).is_dir() && dir.join(work).is_dir());
            assert!(dir.join("overlay-prepared").exists());
        }
        let used = sample.pods.in_use().unwrap();
        assert!(used.images.contains(&image));
        assert_eq!(used.trees.len(), 1);
    }

    #[test]
    fn without_overlay_the_root_is_a_copy() {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", APP);
        let request = PrepareRequest {
            no_overlay: true,
            ..request(image)
        };
        let now = SystemTime::now();
        sample
            .pods
            .prepare(uuid(4), &request, &sample.store, now)
            .unwrap()
            .keep()
            .unwrap();
        let dir = sample.pods.get(uuid(4)).unwrap().unwrap().path();
        let root = dir.join("stage1/rootfs/opt/stage2/hello/rootfs");
        assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "content");
        assert_eq!(
            fs::metadata(&root).unwrap().permissions().mode() & 0o7777,
            0o751
        );
        let plan = RootPlan::from_json(&fs::read(dir.join("rootfs.json")).unwrap()).unwrap();
        assert_eq!(plan.apps[0].kind, RootKind::Directory);
        assert!(!dir.join("overlay").exists() && !dir.join("overlay-prepared").exists());
    }

    #[test]
    fn two_apps_may_share_an_image_if_their_names_differ() {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", APP);
        let mut request = request(image);
        request.apps.push(AppRequest::new(image));
        let now = SystemTime::now();
        let error = sample
            .pods
            .prepare(uuid(2), &request, &sample.store, now)
            .unwrap_err();
        assert_eq!(error.to_string(), "multiple apps with name hello");
        assert!(sample.phase("prepare").is_empty());
        request.apps[1].name = Some("other".parse().unwrap());
        let pod = sample
            .pods
            .prepare(uuid(2), &request, &sample.store, now)
            .unwrap();
        let names: Vec<_> = pod
            .manifest()
            .apps
            .iter()
            .map(|app| app.name.to_string())
            .collect();
        assert_eq!(names, ["hello", "other"]);
    }

    #[test]
    fn a_failed_preparation_leaves_nothing() {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", APP);
        let mut bad = request(image);
        bad.volumes = vec!["v,kind=host,source=/does/not/exist".parse().unwrap()];
        let now = SystemTime::now();
        let error = sample
            .pods
            .prepare(uuid(3), &bad, &sample.store, now)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use \"/does/not/exist\" as volume \"v\""
        );
        let missing = request(ImageId::from_digest([9; 64]));
        let error = sample
            .pods
            .prepare(uuid(3), &missing, &sample.store, now)
            .unwrap_err();
        assert!(matches!(error, PrepareError::Image { .. }), "{error}");
        for phase in ["embryo", "prepare", "garbage"] {
            assert!(sample.phase(phase).is_empty(), "{phase}");
        }
    }

    #[test]
    fn child_prepares_pods_until_it_is_killed() {
        let Some(data) = std::env::var_os("GANTRY_TEST_PREPARE") else {
            return;
        };
        let pods = PodsDir::open(Path::new(&data)).unwrap();
        let store = Store::open(Path::new(&data)).unwrap();
        let mut bytes = [0; 64];
        bytes.copy_from_slice(&fs::read(Path::new(&data).join("digest")).unwrap());
        loop {
            let mut random = [0; 16];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).unwrap();
            let uuid = Uuid::from_random_bytes(random);
            let request = request(ImageId::from_digest(bytes));
            let prepared = pods
                .prepare(uuid, &request, &store, SystemTime::now())
                .unwrap();
            if random[0] & 1 == 0 {
                prepared.keep().unwrap();
            }
        }
    }

    #[test]
    fn what_a_killed_preparation_leaves_is_collected() {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", APP);
        fs::write(sample.data().join("digest"), image.digest()).unwrap();
        let stage1 = sample.stage1();
        let test = "prepare::tests::child_prepares_pods_until_it_is_killed";
        for round in 0..25 {
            let mut child = child(test, &[("GANTRY_TEST_PREPARE", &sample.data())]);
            std::thread::sleep(std::time::Duration::from_micros(4_000 + round * 731));
            // At times a collection runs at the same moment, and must not disturb it.
            if round % 5 == 0 {
                sample.pods.gc(&gc_options(&stage1), |_| {}).unwrap();
            }
            assert!(
                child.try_wait().unwrap().is_none(),
                "the preparation failed"
            );
            child.kill().unwrap();
            child.wait().unwrap();
            let listing = sample.pods.list().unwrap();
            assert!(listing.errors.is_empty(), "{:?}", listing.errors);
            // Whoever is in `prepared` is whole.
            for pod in listing
                .pods
                .iter()
                .filter(|pod| pod.state == State::Prepared)
            {
                assert_eq!(pod.app_names, ["hello"]);
            }
        }
        let mut options = gc_options(&stage1);
        options.expire_prepared = std::time::Duration::ZERO;
        options.now = SystemTime::now() + std::time::Duration::from_secs(1);
        let mut problems = Vec::new();
        sample
            .pods
            .gc(&options, |event| {
                problems.extend(event.source().map(ToString::to_string))
            })
            .unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        for phase in Phase::ALL {
            assert!(sample.phase(phase.dir_name()).is_empty(), "{phase:?}");
        }
        assert!(sample.pods.in_use().unwrap().trees.is_empty());
    }
}
