//! Volumes: which of them an app sees where, and their mounts.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Gid, Mode, OFlags, Uid, mkdirat};
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;

use gantry_sys::mount::{Depth, MountAttributes, set_attributes};
use gantry_types::{AcName, App, RuntimeApp, Volume, VolumeKind, pod_layout};

use crate::failed::{Failed, Step as _};
use crate::overlay::clone_tree;
use crate::users::Shift;

/// One volume at one place of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountPlan {
    /// Absolute path in the app, without `.`, `..` and repeated slashes.
    pub(crate) target: String,
    pub(crate) volume: Backing,
    pub(crate) read_only: bool,
    pub(crate) recursive: bool,
}

/// What a volume shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// A directory or file of the host.
    Host(PathBuf),
    /// A directory of the pod's, shared by the apps that name it.
    Empty {
        directory: PathBuf,
        mode: u32,
        uid: u32,
        gid: u32,
    },
}

/// The volumes and mounts of an app do not fit together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum VolumeError {
    /// A mount names a volume that the pod does not have.
    #[error("no volume {0} in the pod")]
    Unknown(String),
    /// A mount has a path that is no place in the app.
    #[error("mount path {0:?} is not an absolute path inside the app")]
    Path(String),
    /// A mount would cover what keeps the app apart.
    #[error("mount path {0:?} lies in /proc")]
    Proc(String),
    /// Two mounts have the same place.
    #[error("two mounts at {0:?}")]
    Twice(String),
    /// The name of an implicit volume cannot be made.
    #[error("mount point {0} needs a volume, and no name can be made for it")]
    Name(String),
    /// A mode, owner or group of an empty volume means nothing.
    #[error("volume {0} has a bad mode, owner or group")]
    Ownership(String),
}

/// Decides the mounts of an app, parents before what lies below them.
///
/// Explicit mounts come first; a mount point of the image without one takes the pod's volume of its
/// name, or else an empty volume of its own, with a warning.
/// Source: rkt 1.30, stage1/init/common/mount.go.
pub(crate) fn plan(
    runtime: &RuntimeApp,
    app: &App,
    volumes: &[Volume],
    warn: &mut dyn FnMut(String),
) -> Result<Vec<MountPlan>, VolumeError> {
    let mut plans = BTreeMap::new();
    for mount in &runtime.mounts {
        let volume = match &mount.app_volume {
            Some(volume) => volume,
            None => volumes
                .iter()
                .find(|volume| volume.name == mount.volume)
                .ok_or_else(|| VolumeError::Unknown(mount.volume.to_string()))?,
        };
        let target = clean(&mount.path)?;
        let point = app
            .mount_points
            .iter()
            .find(|p| clean(&p.path).as_ref() == Ok(&target));
        let read_only = point.is_some_and(|point| point.read_only);
        let plan = one(target.clone(), volume, read_only)?;
        if plans.insert(components(&target), plan).is_some() {
            return Err(VolumeError::Twice(target));
        }
    }
    for point in &app.mount_points {
        let target = clean(&point.path)?;
        if plans.contains_key(&components(&target)) {
            continue;
        }
        let implicit;
        let volume = match volumes.iter().find(|volume| volume.name == point.name) {
            Some(volume) => volume,
            None => {
                implicit = implicit_volume(&runtime.name, &point.name)?;
                warn(format!(
                    "warning: no volume for mount point {} of app {}: using the empty volume {}",
                    point.name, runtime.name, implicit.name,
                ));
                &implicit
            }
        };
        plans.insert(components(&target), one(target, volume, point.read_only)?);
    }
    Ok(plans.into_values().collect())
}

fn implicit_volume(app: &AcName, point: &AcName) -> Result<Volume, VolumeError> {
    let name = format!("{app}-{point}");
    let name: AcName = name.parse().map_err(|_| VolumeError::Name(name))?;
    let kind = VolumeKind::Empty {
        mode: "0755".to_owned(),
        uid: 0,
        gid: 0,
    };
    Ok(Volume {
        name,
        kind,
        read_only: None,
        recursive: None,
    })
}

fn one(target: String, volume: &Volume, read_only: bool) -> Result<MountPlan, VolumeError> {
    let bad = || VolumeError::Ownership(volume.name.to_string());
    let id = |id: i64| {
        u32::try_from(id)
            .ok()
            .filter(|id| *id != u32::MAX)
            .ok_or_else(bad)
    };
    let backing = match &volume.kind {
        VolumeKind::Host { source } => Backing::Host(PathBuf::from(source)),
        VolumeKind::Empty { mode, uid, gid } => Backing::Empty {
            directory: pod_layout::shared_volume(&volume.name),
            mode: u32::from_str_radix(mode, 8)
                .ok()
                .filter(|m| *m <= 0o7777)
                .ok_or_else(bad)?,
            uid: id(*uid)?,
            gid: id(*gid)?,
        },
    };
    Ok(MountPlan {
        target,
        volume: backing,
        // The volume's word counts before the mount point's.
        read_only: volume.read_only.unwrap_or(read_only),
        recursive: volume.recursive.unwrap_or(true),
    })
}

/// The path without empty and `.` components; `..` is refused.
fn clean(path: &str) -> Result<String, VolumeError> {
    let bad = || VolumeError::Path(path.to_owned());
    if !path.starts_with('/') || path.contains('\0') {
        return Err(bad());
    }
    let parts = components(path);
    if parts.is_empty() || parts.iter().any(|part| part == "..") {
        return Err(bad());
    }
    if parts.first().is_some_and(|first| first == "proc") {
        // A faked /proc deceives whoever writes labels and limits through it (CVE-2019-16884).
        return Err(VolumeError::Proc(path.to_owned()));
    }
    Ok(format!("/{}", parts.join("/")))
}

fn components(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_owned)
        .collect()
}

/// A volume taken from where it is, attached nowhere yet.
#[derive(Debug)]
pub(crate) struct Detached {
    pub(crate) mount: OwnedFd,
    pub(crate) is_directory: bool,
}

/// Takes what `plan` shows, while paths of the host can still be reached.
///
/// The host's volumes keep their owners, whatever users the pod has: its root is nobody there.
pub(crate) fn detach(plan: &MountPlan, shift: Option<&Shift>) -> Result<Detached, Failed> {
    let path = match &plan.volume {
        Backing::Host(path) => path,
        Backing::Empty {
            directory,
            mode,
            uid,
            gid,
        } => {
            let owner = |id: u32| shift.map_or(Ok(id), |shift| shift.to_host(id));
            owner(*uid)
                .and_then(|uid| make_empty(directory, *mode, uid, owner(*gid)?))
                .step(|| format!("make the empty volume {}", directory.display()))?;
            directory
        }
    };
    let recursive = if plan.recursive {
        OpenTreeFlags::AT_RECURSIVE
    } else {
        OpenTreeFlags::empty()
    };
    let name = || format!("take the volume {}", path.display());
    let mount = clone_tree(path, recursive).step(name)?;
    if plan.read_only {
        let read_only = MountAttributes {
            read_only: true,
            ..MountAttributes::default()
        };
        set_attributes(mount.as_fd(), Depth::Tree, read_only)
            .step(|| format!("make the volume {} read-only", path.display()))?;
    }
    if !shows_devices(&plan.volume, &mount).step(name)? {
        let no_devices = MountAttributes {
            no_devices: true,
            ..MountAttributes::default()
        };
        set_attributes(mount.as_fd(), Depth::One, no_devices)
            .step(|| format!("keep devices out of the volume {}", path.display()))?;
    }
    let is_directory = is_directory(&mount).step(name)?;
    Ok(Detached {
        mount,
        is_directory,
    })
}

/// Whether a volume is there for its devices: the host's `/dev`, a part of it, or a device itself.
///
/// In any other a device is one that an app made, which must not open.
fn shows_devices(volume: &Backing, mount: &OwnedFd) -> Result<bool, Errno> {
    if matches!(volume, Backing::Empty { .. }) {
        return Ok(false);
    }
    let stat = rustix::fs::fstat(mount)?;
    let is_device = matches!(
        FileType::from_raw_mode(stat.st_mode),
        FileType::CharacterDevice | FileType::BlockDevice
    );
    Ok(is_device || rustix::fs::stat("/dev").is_ok_and(|dev| dev.st_dev == stat.st_dev))
}

fn make_empty(directory: &std::path::Path, mode: u32, uid: u32, gid: u32) -> Result<(), Errno> {
    // Not for the group that may read the pod's directory, nor is that handed on to what apps make.
    let mode_above = Mode::from_raw_mode(0o705);
    match mkdirat(CWD, pod_layout::SHARED_VOLUMES, mode_above) {
        Ok(()) => rustix::fs::chmod(pod_layout::SHARED_VOLUMES, mode_above)?,
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    match mkdirat(CWD, directory, Mode::from_raw_mode(mode)) {
        // Another app of the pod brought it already, or stage0 did.
        Err(Errno::EXIST) => return Ok(()),
        made => made?,
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, directory, flags, Mode::empty())?;
    if (uid, gid) != (0, 0) {
        rustix::fs::fchown(&opened, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    // The umask has a say in mkdir, not here, and a change of owner clears set-ID bits.
    rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode))
}

/// Whether a descriptor, of any kind, is that of a directory.
pub(crate) fn is_directory(file: impl AsFd) -> Result<bool, Errno> {
    let mode = rustix::fs::fstat(file)?.st_mode;
    Ok(FileType::from_raw_mode(mode) == FileType::Directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_or_refused() {
        for (path, expected) in [
            ("/data", Some("/data")),
            ("//data/./x/", Some("/data/x")),
            ("/process", Some("/process")),
            ("/", None),
            ("", None),
            ("data", None),
            ("/data/../etc", None),
            ("/proc", None),
            ("/./proc/self", None),
            ("/a\0b", None),
        ] {
            assert_eq!(clean(path).ok().as_deref(), expected, "{path:?}");
        }
    }

    fn planned(
        volumes: &[&str],
        points: &[(&str, &str, bool)],
        mounts: &[(&str, &str)],
    ) -> (Result<Vec<MountPlan>, VolumeError>, Vec<String>) {
        let volumes: Vec<Volume> = volumes.iter().map(|text| text.parse().unwrap()).collect();
        let mut app = App::default();
        for (name, path, read_only) in points {
            app.mount_points.push(gantry_types::MountPoint {
                name: name.parse().unwrap(),
                path: (*path).to_owned(),
                read_only: *read_only,
            });
        }
        let runtime = RuntimeApp {
            name: "app".parse().unwrap(),
            image: gantry_types::RuntimeImage {
                name: None,
                id: format!("sha512-{}", "0".repeat(128)).parse().unwrap(),
                labels: gantry_types::Labels::default(),
            },
            app: None,
            read_only_root_fs: false,
            mounts: mounts
                .iter()
                .map(|(volume, path)| gantry_types::Mount {
                    volume: volume.parse().unwrap(),
                    path: (*path).to_owned(),
                    app_volume: None,
                })
                .collect(),
            annotations: gantry_types::Annotations::default(),
        };
        let mut warnings = Vec::new();
        let plans = plan(&runtime, &app, &volumes, &mut |line| warnings.push(line));
        (plans, warnings)
    }

    #[test]
    fn parents_are_mounted_before_what_lies_below() {
        let (plans, warnings) = planned(
            &[
                "a,kind=host,source=/a",
                "b,kind=empty,readOnly=false",
                "c,kind=empty,mode=0700",
            ],
            &[("b", "/data/b", true), ("c", "/data-c", true)],
            &[("a", "/data")],
        );
        let plans = plans.unwrap();
        let targets: Vec<_> = plans
            .iter()
            .map(|p| (p.target.as_str(), p.read_only))
            .collect();
        assert_eq!(
            targets,
            [("/data", false), ("/data/b", false), ("/data-c", true)]
        );
        assert!(warnings.is_empty());
        assert!(matches!(
            plans[2].volume,
            Backing::Empty { mode: 0o700, .. }
        ));
    }

    #[test]
    fn a_mount_point_without_a_volume_gets_an_empty_one() {
        let (plans, warnings) = planned(&[], &[("data", "/data", false)], &[]);
        let Backing::Empty { directory, .. } = &plans.unwrap()[0].volume else {
            panic!()
        };
        assert_eq!(directory.to_str(), Some("sharedVolumes/app-data"));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (unknown, _) = planned(&[], &[], &[("a", "/x")]);
        assert_eq!(unknown, Err(VolumeError::Unknown("a".to_owned())));
        let twice = planned(&["a,kind=empty"], &[], &[("a", "/x"), ("a", "//x/")]).0;
        assert_eq!(twice, Err(VolumeError::Twice("/x".to_owned())));
        let owner = planned(&["a,kind=empty,uid=-1"], &[], &[("a", "/x")]).0;
        assert_eq!(owner, Err(VolumeError::Ownership("a".to_owned())));
    }
}
