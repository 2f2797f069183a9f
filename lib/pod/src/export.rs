//! An app of a pod that has ended, to be made an image of.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_types::{
    Diagnostic, ImageManifest, Kind, ManifestError, RootKind, RootPlan, pod_layout,
};
use rustix::fs::FlockOperation;

use crate::file;
use crate::merged;
use crate::mounts;
use crate::phase::State;
use crate::pod::Pod;
use crate::pod_text::PodText;

/// An app with its files as it left them.
#[derive(Debug)]
pub struct EndedApp {
    /// Manifest of its image, which needs no other image any more: all files are in the root.
    pub manifest: ImageManifest,
    /// Its root, to be read.
    pub root: OwnedFd,
    /// First ID and number of IDs that the pod had on the host, if its users were not the host's.
    pub users: Option<(u32, u32)>,
}

/// An app of a pod cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The pod runs, or never ran.
    #[error("pod is not exited. Only exited pods can be exported")]
    NotExited,
    /// It is being removed just now.
    #[error("pod \"{0}\" is currently being deleted")]
    Deleting(gantry_types::Uuid),
    /// It has no app.
    #[error("pod contains zero apps")]
    NoApps,
    /// It has several, and none was named.
    #[error("pod contains multiple apps: {}", .0.join(", "))]
    SeveralApps(Vec<String>),
    /// It has no app of that name.
    #[error("app {0} is not present in pod")]
    UnknownApp(String),
    /// Something is still mounted in the root, which is no part of it.
    #[error(
        "pod has remaining mountpoints. Only pods using overlayfs or with no mountpoints can be exported"
    )]
    Mounts,
    /// A file of the pod cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the pod is not what it should be.
    #[error("{} is damaged", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The image's manifest is none.
    #[error("{} is damaged", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
}

impl Diagnostic for ExportError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotExited
            | Self::Deleting(_)
            | Self::NoApps
            | Self::SeveralApps(_)
            | Self::UnknownApp(_) => Kind::Usage,
            Self::Mounts | Self::Read { .. } | Self::Json { .. } | Self::Manifest { .. } => {
                Kind::Environment
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::SeveralApps(_) => Some("specify app using \"rkt export --app= ...\"".to_owned()),
            Self::NotExited => Some("stop it first with \"rkt stop\"".to_owned()),
            Self::Mounts => Some("unmount them first".to_owned()),
            _ => None,
        }
    }
}

impl Pod {
    /// Opens the root of an app as the app left it; without a name that of the only one.
    ///
    /// The pod stays locked for sharing as long as this lives, so that nobody collects it meanwhile.
    /// Needs the right to mount where the root is an overlay; nothing is mounted anywhere.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn ended_app(&self, name: Option<&str>) -> Result<EndedApp, ExportError> {
        if !matches!(self.state(), State::Exited | State::ExitedGarbage) {
            return Err(ExportError::NotExited);
        }
        let read = |path: &Path, source| ExportError::Read {
            path: self.path().join(path),
            source,
        };
        match rustix::fs::flock(self, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ExportError::Deleting(self.uuid())),
            Err(error) => return Err(read(Path::new(""), error.into())),
        }
        let name = self.one_app(name)?;
        let plan: RootPlan = self.parsed(pod_layout::ROOT_PLAN, RootPlan::from_json)?;
        let place = plan.apps.iter().find(|app| app.name.as_str() == name);
        let place = place.ok_or_else(|| ExportError::UnknownApp(name.clone()))?;
        let root = match &place.kind {
            RootKind::Overlay { lower, upper, .. } => {
                let upper = self.path().join(upper);
                let layers: Vec<&Path> = std::iter::once(&upper)
                    .chain(lower)
                    .map(PathBuf::as_path)
                    .collect();
                merged::open(&layers).map_err(|source| read(Path::new("overlay"), source))?
            }
            RootKind::Directory => {
                let path = pod_layout::app_rootfs(&place.name);
                let below = mounts::are_below(self, &path).map_err(|source| read(&path, source))?;
                if below {
                    return Err(ExportError::Mounts);
                }
                file::open_dir(self.as_fd(), &path).map_err(|source| read(&path, source))?
            }
        };
        Ok(EndedApp {
            manifest: self.image_manifest(&pod_layout::app_manifest(&place.name))?,
            root,
            users: self.shifted_users()?,
        })
    }

    fn one_app(&self, name: Option<&str>) -> Result<String, ExportError> {
        let pod: PodText = self.parsed(pod_layout::POD, PodText::from_json)?;
        let mut names: Vec<String> = pod.apps.into_iter().flatten().map(|app| app.name).collect();
        match (name, names.len()) {
            (Some(name), _) if names.iter().any(|known| known == name) => Ok(name.to_owned()),
            (Some(name), _) => Err(ExportError::UnknownApp(name.to_owned())),
            (None, 0) => Err(ExportError::NoApps),
            (None, 1) => Ok(names.remove(0)),
            (None, _) => Err(ExportError::SeveralApps(names)),
        }
    }

    fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, ExportError> {
        let path = || self.path().join(name);
        let bytes = self.bytes(Path::new(name))?;
        parse(&bytes).map_err(|source| ExportError::Json {
            path: path(),
            source,
        })
    }

    fn bytes(&self, name: &Path) -> Result<Vec<u8>, ExportError> {
        let found = file::read(self.as_fd(), name);
        found
            .and_then(|bytes| bytes.ok_or_else(|| io::ErrorKind::NotFound.into()))
            .map_err(|source| ExportError::Read {
                path: self.path().join(name),
                source,
            })
    }

    /// The manifest of an app's image, without what brought files that are in the app's root by now.
    fn image_manifest(&self, name: &Path) -> Result<ImageManifest, ExportError> {
        let mut manifest = ImageManifest::from_json(&self.bytes(name)?).map_err(|source| {
            ExportError::Manifest {
                path: self.path().join(name),
                source,
            }
        })?;
        manifest.dependencies = Default::default();
        manifest.path_whitelist = Default::default();
        Ok(manifest)
    }

    fn shifted_users(&self) -> Result<Option<(u32, u32)>, ExportError> {
        let name = pod_layout::PRIVATE_USERS_PREPARED;
        let read = |source| ExportError::Read {
            path: self.path().join(name),
            source,
        };
        let Some(text) = self.read(name).map_err(read)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&text);
        let numbers = text.trim().split_once(':');
        let numbers =
            numbers.and_then(|(first, count)| Some((first.parse().ok()?, count.parse().ok()?)));
        numbers.map(Some).ok_or_else(|| {
            read(io::Error::new(
                io::ErrorKind::InvalidData,
                "not SHIFT:COUNT",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd as _;
    use std::time::SystemTime;

    use super::*;
    use crate::phase::Phase;
    use crate::request::{AppRequest, PrepareRequest};
    use crate::sample::{APP, Sample, gc_options, uuid};

    /// A pod of two apps that has ended.
    fn ended(sample: &Sample, no_overlay: bool) -> Pod {
        let image = sample.image(
            "example.test/hello",
            &format!(r#"{APP},"pathWhitelist":["/file"]"#),
        );
        let mut second = AppRequest::new(image);
        second.name = Some("second".parse().unwrap());
        let request = PrepareRequest {
            apps: vec![AppRequest::new(image), second],
            no_overlay,
            ..PrepareRequest::default()
        };
        let now = SystemTime::now();
        let pod = sample
            .pods
            .prepare(uuid(1), &request, &sample.store, now)
            .unwrap();
        pod.keep().unwrap();
        let mut pod = sample.pods.get(uuid(1)).unwrap().unwrap();
        pod.move_to(Phase::Run).unwrap();
        drop(pod);
        sample.pods.get(uuid(1)).unwrap().unwrap()
    }

    fn text(app: &EndedApp, name: &str) -> String {
        let path = format!("/proc/self/fd/{}/{name}", app.root.as_raw_fd());
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn an_app_is_opened_as_it_left_its_root_and_kept_meanwhile() {
        for no_overlay in [true, false] {
            if !no_overlay && !gantry_testkit::needs_root() {
                continue;
            }
            let sample = Sample::new();
            let pod = ended(&sample, no_overlay);
            let plan = RootPlan::from_json(&fs::read(pod.path().join("rootfs.json")).unwrap());
            let own = match &plan.unwrap().apps[1].kind {
                RootKind::Overlay { upper, .. } => pod.path().join(upper),
                RootKind::Directory => pod.path().join("stage1/rootfs/opt/stage2/second/rootfs"),
            };
            fs::write(own.join("new"), "second").unwrap();
            let app = pod.ended_app(Some("second")).unwrap();
            assert_eq!(
                (text(&app, "file"), text(&app, "new")),
                ("content".into(), "second".into())
            );
            assert!(app.manifest.path_whitelist.is_empty());
            assert_eq!(app.users, None);
            assert_eq!(text(&pod.ended_app(Some("hello")).unwrap(), "new"), "");
            // A collector at the same time leaves it alone.
            let stage1 = sample.stage1();
            sample.pods.gc(&gc_options(&stage1), |_| {}).unwrap();
            assert_eq!(
                sample.phase("run").len() + sample.phase("exited-garbage").len(),
                1
            );
            drop((app, pod));
            sample.pods.gc(&gc_options(&stage1), |_| {}).unwrap();
            sample.pods.gc(&gc_options(&stage1), |_| {}).unwrap();
            assert!(sample.phase("exited-garbage").is_empty());
        }
    }

    #[test]
    fn what_cannot_be_exported_is_refused() {
        let sample = Sample::new();
        let pod = ended(&sample, true);
        let error = |name| pod.ended_app(name).unwrap_err().to_string();
        assert_eq!(error(None), "pod contains multiple apps: hello, second");
        assert_eq!(error(Some("third")), "app third is not present in pod");
        fs::write(pod.path().join("private-users-prepared"), "65536:65536").unwrap();
        assert_eq!(
            pod.ended_app(Some("hello")).unwrap().users,
            Some((65536, 65536))
        );
        fs::write(pod.path().join("private-users-prepared"), "x").unwrap();
        assert!(error(Some("hello")).ends_with("private-users-prepared"));
        fs::remove_file(pod.path().join("rootfs.json")).unwrap();
        assert!(error(Some("hello")).ends_with("rootfs.json"));
        for phase in [Phase::Prepare, Phase::Prepared, Phase::Garbage] {
            let mut other = sample.pods.create(uuid(2)).unwrap();
            if phase != Phase::Prepare {
                other.move_to(phase).unwrap();
            }
            assert!(
                matches!(other.ended_app(None), Err(ExportError::NotExited)),
                "{phase:?}"
            );
            fs::remove_dir(other.path()).unwrap();
        }
    }
}
