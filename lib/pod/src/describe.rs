//! Reading what is known about a pod from its directory.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;

use gantry_types::pod_layout::STATUS;

use crate::file;
use crate::info::{AppInfo, AppState, InfoError, MountInfo, PodInfo};
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::pod_text::{AppText, PodText};

impl Pod {
    /// Describes the pod.
    ///
    /// # Errors
    ///
    /// [`InfoError`] if its manifest or its list of networks cannot be read.
    pub fn info(&self) -> Result<PodInfo, InfoError> {
        let dir = self.as_fd();
        let read = |name: &str, source| InfoError::Read {
            path: self.path().join(name),
            source,
        };
        let json = |name: &str, source| InfoError::Json {
            path: self.path().join(name),
            source,
        };
        let mtime = |name: &str| file::mtime_ns(dir, name).map_err(|e| read(name, e));

        let manifest = match self.read("pod").map_err(|e| read("pod", e))? {
            Some(bytes) => match PodText::from_json(&bytes) {
                Ok(manifest) => manifest,
                // Half written by a preparation that goes on or was killed.
                Err(_) if self.phase() < Phase::Prepared || self.phase() == Phase::Garbage => {
                    PodText::default()
                }
                Err(e) => return Err(json("pod", e)),
            },
            // Not written yet, or deleted already.
            None => PodText::default(),
        };
        let ran = matches!(self.phase(), Phase::Run | Phase::ExitedGarbage);
        let networks = match ran.then(|| self.read("net-info.json")).transpose() {
            Ok(Some(Some(bytes))) => {
                serde_json::from_slice(&bytes).map_err(|e| json("net-info.json", e))?
            }
            Ok(_) => Vec::new(),
            Err(e) => return Err(read("net-info.json", e)),
        };
        let created = match mtime("pod-created")? {
            Some(time) => Some(time),
            None => mtime("pod")?,
        };
        let (mut started, mut pid) = (None, None);
        if ran {
            for name in ["pid", "ppid"] {
                started = mtime(name)?;
                if started.is_some() {
                    // Of a pod that has ended, `ppid` leads nowhere.
                    if name == "pid" || self.state() == State::Running {
                        let text = self.read(name).map_err(|e| read(name, e))?;
                        pid = Self::pid_from(name, &text.unwrap_or_default());
                    }
                    break;
                }
            }
        }
        let gc_marked = match self.phase() {
            Phase::ExitedGarbage | Phase::Garbage => {
                let st = rustix::fs::fstat(dir).map_err(|e| read("", e.into()))?;
                Some(file::nanoseconds(
                    st.st_ctime,
                    st.st_ctime_nsec.cast_signed(),
                ))
            }
            _ => None,
        };
        let mut info = PodInfo {
            uuid: self.uuid(),
            state: self.state(),
            networks,
            app_names: manifest
                .apps
                .iter()
                .flatten()
                .map(|app| app.name.clone())
                .collect(),
            apps: Vec::new(),
            created,
            started,
            gc_marked,
            pid,
            user_annotations: manifest.user_annotations.clone().unwrap_or_default(),
            user_labels: manifest.user_labels.clone().unwrap_or_default(),
        };
        for app in manifest.apps.iter().flatten() {
            let app = self.app_info(&info, &manifest, app);
            info.apps
                .push(app.map_err(|e| read("stage1/rootfs/rkt/status", e))?);
        }
        Ok(info)
    }

    /// The process ID in a `pid` file, or of the only child of that in a `ppid` file.
    fn pid_from(name: &str, text: &[u8]) -> Option<u32> {
        let pid: u32 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
        if name == "pid" {
            return Some(pid);
        }
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    fn app_info(&self, pod: &PodInfo, manifest: &PodText, app: &AppText) -> io::Result<AppInfo> {
        let exit_code = if matches!(self.phase(), Phase::Run | Phase::ExitedGarbage) {
            self.exit_code(&app.name)?
        } else {
            None
        };
        let mut info = AppInfo {
            name: app.name.clone(),
            state: AppState::Unknown,
            created_at: pod.created,
            started_at: pod.started,
            finished_at: None,
            exit_code,
            image_id: app.image.id.clone(),
            image_name: app.image.name_and_version(),
            mounts: self.mounts_of(manifest, app),
            user_annotations: BTreeMap::new(),
            user_labels: BTreeMap::new(),
        };
        if let Some(object) = &app.app {
            info.user_annotations = object.user_annotations.clone().unwrap_or_default();
            info.user_labels = object.user_labels.clone().unwrap_or_default();
        }
        if manifest.is_mutable() {
            let mtime =
                |suffix| file::mtime_ns(self.as_fd(), format!("{STATUS}/{}{suffix}", app.name));
            info.created_at = mtime("-created")?;
            info.started_at = mtime("-started")?;
            info.finished_at = mtime("")?;
            info.state = match (&info.created_at, &info.started_at, &info.exit_code) {
                (_, _, Some(_)) => AppState::Exited,
                _ if pod.state.has_exited() => AppState::Exited,
                (_, Some(_), _) => AppState::Running,
                (Some(_), _, _) => AppState::Created,
                _ => AppState::Unknown,
            };
            return Ok(info);
        }
        info.state = match pod.state {
            State::Prepared => AppState::Created,
            State::Running if exit_code.is_none() => AppState::Running,
            State::Running => AppState::Exited,
            state if state.has_exited() => AppState::Exited,
            _ => AppState::Unknown,
        };
        if info.state == AppState::Exited {
            info.finished_at = pod.gc_marked;
        }
        Ok(info)
    }

    /// The exit status of an app; `None` if it has none yet.
    ///
    /// A status that cannot be understood counts as 1.
    ///
    /// # Errors
    ///
    /// If the file is there but cannot be read.
    pub fn exit_code(&self, app: &str) -> io::Result<Option<i32>> {
        if app.is_empty() || app.contains('/') {
            return Ok(None);
        }
        let mut text = self.read(&format!("{STATUS}/{app}"))?;
        if text.is_none() {
            // Where the overlay of a foreign stage1 keeps it once it is unmounted.
            if let Some(tree) = self.read("stage1TreeStoreID")? {
                let tree = String::from_utf8_lossy(&tree);
                text = self.read(&format!("overlay/{}/upper/rkt/status/{app}", tree.trim()))?;
            }
        }
        Ok(text.map(|text| {
            std::str::from_utf8(&text)
                .ok()
                .and_then(|t| t.trim().parse().ok())
                .unwrap_or(1)
        }))
    }

    /// Whether the supervisor in the pod says that it is ready.
    ///
    /// # Errors
    ///
    /// If the link cannot be read, other than because it is missing.
    pub fn is_ready(&self) -> io::Result<bool> {
        match rustix::fs::readlinkat(self, "stage1/rootfs/rkt/supervisor-status", Vec::new()) {
            Ok(target) => Ok(target.as_c_str() == c"ready"),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::INVAL) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    fn mounts_of(&self, manifest: &PodText, app: &AppText) -> Vec<MountInfo> {
        let points = || {
            app.app
                .iter()
                .flat_map(|app| app.mount_points.iter().flatten())
        };
        let mounts = app.mounts.iter().flatten();
        mounts
            .map(|mount| {
                let mut volumes = manifest.volumes.iter().flatten();
                let named = || volumes.find(|volume| volume.name == mount.volume);
                let volume = mount.app_volume.as_ref().or_else(named);
                let point = points().find(|point| point.path == mount.path);
                MountInfo {
                    name: mount.volume.clone(),
                    container_path: mount.path.clone(),
                    host_path: match volume {
                        Some(volume) if volume.kind == "host" => {
                            volume.source.clone().unwrap_or_default()
                        }
                        _ => {
                            let path = self.path().join("sharedVolumes").join(&mount.volume);
                            path.to_string_lossy().into_owned()
                        }
                    },
                    // The volume's word counts more than the mount point's.
                    read_only: volume
                        .and_then(|volume| volume.read_only)
                        .unwrap_or_else(|| point.is_some_and(|point| point.read_only)),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sample::{Sample, uuid};

    const POD: &str = r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[
        {"name":"one","image":{"id":"sha512-aa","name":"example.test/one","labels":[{"name":"version","value":"1.2"}]},
         "app":{"exec":["/x"],"user":"0","group":"0","mountPoints":[{"name":"m","path":"/m","readOnly":true}],
                "userLabels":{"k":"v"}},
         "mounts":[{"volume":"v","path":"/m"},{"volume":"h","path":"/h"}]},
        {"name":"two","image":{"id":"sha512-bb"}}],
        "volumes":[{"name":"v","kind":"empty"},{"name":"h","kind":"host","source":"/src","readOnly":true}],
        "isolators":null,"annotations":null,"ports":null,"userAnnotations":{"a":"b"}}"#;

    fn put(pod: &Pod, path: &str, text: &str) {
        let path = pod.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn set_time(pod: &Pod, path: &str, seconds: i64) {
        let time = rustix::fs::Timespec {
            tv_sec: seconds,
            tv_nsec: 500_000_000,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::utimensat(pod, path, &times, rustix::fs::AtFlags::empty()).unwrap();
    }

    #[test]
    fn no_pods_are_null_and_one_has_the_fields_of_rkt() {
        let sample = Sample::new();
        assert!(sample.pods.list().unwrap().to_json().unwrap().is_null());
        let mut pod = sample.pods.create(uuid(1)).unwrap();
        put(&pod, "pod", POD);
        put(&pod, "pod-created", "");
        put(
            &pod,
            "net-info.json",
            r#"[{"netName":"default","netConf":"x","ifName":"eth0","ip":"10.1.1.2","args":"","mask":"255.0.0.0"}]"#,
        );
        put(&pod, "stage1/rootfs/rkt/status/two", "7\n");
        set_time(&pod, "pod-created", 1000);
        pod.move_to(Phase::Run).unwrap();
        put(&pod, "pid", "42");
        set_time(&pod, "pid", 2000);
        let listing = sample.pods.list().unwrap();
        let path = |name| pod.path().join(name).display().to_string();
        assert_eq!(
            listing.to_json().unwrap(),
            serde_json::json!([{
                "name": uuid(1).to_string(),
                "state": "running",
                "networks": [{"netName":"default","ip":"10.1.1.2","netConf":"x","ifName":"eth0","args":"","mask":"255.0.0.0"}],
                "app_names": ["one", "two"],
                "apps": [
                    {"name":"one","state":"running","created_at":1_000_500_000_000_i64,"started_at":2_000_500_000_000_i64,
                     "image_id":"sha512-aa","user_labels":{"k":"v"},
                     "mounts":[{"name":"v","container_path":"/m","host_path":path("sharedVolumes/v"),"read_only":true},
                               {"name":"h","container_path":"/h","host_path":"/src","read_only":true}]},
                    {"name":"two","state":"exited","created_at":1_000_500_000_000_i64,"started_at":2_000_500_000_000_i64,
                     "exit_code":7,"image_id":"sha512-bb"},
                ],
                "created_at": 1000,
                "started_at": 2000,
                "user_annotations": {"a": "b"},
            }])
        );
        let info = &listing.pods[0];
        assert_eq!(info.pid, Some(42));
        assert_eq!(
            info.apps[0].image_name.as_deref(),
            Some("example.test/one:1.2")
        );
        assert_eq!(info.apps[1].image_name, None);
    }

    #[test]
    fn app_states_follow_the_pod_and_the_status_files() {
        let sample = Sample::new();
        let mut pod = sample.pods.create(uuid(2)).unwrap();
        put(&pod, "pod", POD);
        let states = || {
            let info = sample.pods.get(uuid(2)).unwrap().unwrap().info().unwrap();
            info.apps
                .iter()
                .map(|app| (app.state, app.exit_code))
                .collect::<Vec<_>>()
        };
        assert_eq!(states()[0], (AppState::Unknown, None));
        pod.move_to(Phase::Prepared).unwrap();
        assert_eq!(states()[0], (AppState::Created, None));
        pod.move_to(Phase::Run).unwrap();
        assert_eq!(states()[0], (AppState::Running, None));
        put(&pod, "stage1/rootfs/rkt/status/one", "no number");
        assert_eq!(states()[0], (AppState::Exited, Some(1)));
        drop(pod);
        assert_eq!(states()[1], (AppState::Exited, None));
    }

    #[test]
    fn one_broken_pod_does_not_hide_the_others() {
        let sample = Sample::new();
        // Half written, as by a killed preparation, is no error.
        let unfinished = sample.pods.create(uuid(2)).unwrap();
        put(&unfinished, "pod", "{");
        let mut broken = sample.pods.create(uuid(3)).unwrap();
        put(&broken, "pod", "{");
        broken.move_to(Phase::Run).unwrap();
        let good = sample.pods.create(uuid(4)).unwrap();
        put(&good, "pod", POD);
        let linked = sample.pods.create(uuid(5)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", linked.path().join("pod")).unwrap();
        let listing = sample.pods.list().unwrap();
        assert_eq!(
            listing.pods.iter().map(|pod| pod.uuid).collect::<Vec<_>>(),
            [uuid(2), uuid(4)]
        );
        let errors: Vec<_> = listing.errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 2);
        assert!(
            errors[0].ends_with(&format!("run/{}/pod is not valid JSON", uuid(3))),
            "{errors:?}"
        );
    }

    #[test]
    fn only_the_link_with_the_right_target_means_ready() {
        let sample = Sample::new();
        let pod = sample.pods.create(uuid(6)).unwrap();
        assert!(!pod.is_ready().unwrap());
        let link = pod.path().join("stage1/rootfs/rkt/supervisor-status");
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("not", &link).unwrap();
        assert!(!pod.is_ready().unwrap());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("ready", &link).unwrap();
        assert!(pod.is_ready().unwrap());
    }
}
