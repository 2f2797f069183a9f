//! The files of a pod's directory, as preparation writes them.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_archive::copy::{CopyOptions, copy_tree};
use gantry_archive::extract::Ownership;
use gantry_types::{
    AcName, AppRoot, Environment, PodManifest, RootKind, RootPlan, RuntimeApp, UserRange, Volume,
    pod_layout,
};
use rustix::fs::{AtFlags, Gid, Mode, Uid};

use crate::file;
use crate::image::StoredImage;
use crate::pod::Pod;
use crate::prepare_error::PrepareError;
use crate::volumes;

/// Writes the files of a pod's directory, with paths in errors.
struct Writer<'p> {
    pod: &'p Pod,
    /// The host's IDs of the pod's users, if they are not the host's.
    users: Option<UserRange>,
}

impl Writer<'_> {
    fn fail(&self, path: &Path) -> impl FnOnce(io::Error) -> PrepareError + use<> {
        let path = self.pod.path().join(path);
        move |source| PrepareError::Write { path, source }
    }

    fn dir(&self, path: &Path, mode: u32) -> Result<(), PrepareError> {
        file::make_dir(self.pod.as_fd(), path, mode).map_err(self.fail(path))
    }

    /// Makes a directory and those above it that are missing.
    fn dirs(&self, path: &Path, mode: u32) -> Result<(), PrepareError> {
        let mut missing = Vec::new();
        for ancestor in path.ancestors().filter(|a| !a.as_os_str().is_empty()) {
            match file::make_dir(self.pod.as_fd(), ancestor, mode) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(ancestor),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => break,
                Err(e) => return Err(self.fail(ancestor)(e)),
                Ok(()) => break,
            }
        }
        missing
            .into_iter()
            .rev()
            .try_for_each(|path| self.dir(path, mode))
    }

    /// Gives an entry to a user and a group of the pod.
    fn give(&self, path: &Path, uid: u32, gid: u32) -> Result<(), PrepareError> {
        let host = |id: u32| match self.users {
            None => Ok(id),
            Some(users) => users.to_host(id).ok_or(io::ErrorKind::InvalidInput),
        };
        host(uid)
            .and_then(|uid| Ok((uid, host(gid)?)))
            .map_err(Into::into)
            .and_then(|(uid, gid)| set_owner(self.pod.as_fd(), path, uid, gid))
            .map_err(self.fail(path))
    }

    fn file(&self, path: &Path, mode: u32, contents: &[u8]) -> Result<(), PrepareError> {
        file::create(self.pod.as_fd(), path, mode, contents).map_err(self.fail(path))
    }
}

/// Above the apps' roots.
const STAGE2: &str = "stage1/rootfs/opt/stage2";

/// Mode of directories above files of apps: the group `rkt`, which may read the pod's directory, does not come
/// through to a set-user-ID program that an app has made. The root of a user namespace is neither its owner nor in
/// the group, and does.
const APPS_MODE: u32 = 0o705;

/// Mode of directories that only the kernel and we look into.
const PRIVATE_MODE: u32 = 0o700;

/// Mode of directories whose files the group `rkt` reads.
const GROUP_MODE: u32 = 0o2750;

/// Fills the directory. The order does not matter but for the manifest, which comes last: the lock and
/// the phase tell whether the pod is whole.
pub(crate) fn fill(
    pod: &Pod,
    manifest: &PodManifest,
    images: &[StoredImage],
    overlay: bool,
    users: Option<UserRange>,
) -> Result<(), PrepareError> {
    let to = Writer { pod, users };
    to.file(Path::new(pod_layout::POD_CREATED), 0o640, b"")?;
    for path in [
        "stage1",
        "stage1/rootfs",
        "stage1/rootfs/opt",
        "stage1/rootfs/rkt",
        pod_layout::STATUS,
        pod_layout::ENV,
    ] {
        // A stage1 that is an image may bring them.
        let path = Path::new(path);
        file::ensure_dir(pod.as_fd(), path, 0o755).map_err(to.fail(path))?;
    }
    file::ensure_dir(pod.as_fd(), Path::new(STAGE2), APPS_MODE)
        .and_then(|()| keep_out_group(pod.as_fd()))
        .map_err(to.fail(STAGE2.as_ref()))?;
    to.dir(Path::new(pod_layout::APPS_INFO), GROUP_MODE)?;
    let mut plan = RootPlan::default();
    for (app, image) in manifest.apps.iter().zip(images) {
        to.dir(
            &Path::new(pod_layout::APPS_INFO).join(app.name.as_str()),
            GROUP_MODE,
        )?;
        to.file(
            &pod_layout::app_manifest(&app.name),
            0o640,
            &image.manifest_json,
        )?;
        // Written before anything relies on the trees: from here on they are in use.
        to.file(
            &pod_layout::app_tree_id(&app.name),
            0o640,
            tree_ids(image).as_bytes(),
        )?;
        to.dir(&pod_layout::app_dir(&app.name), 0o755)?;
        let kind = if overlay {
            to.dir(&pod_layout::app_rootfs(&app.name), 0o755)?;
            overlay_root(&to, &app.name, image)?
        } else {
            copy_root(&to, &app.name, image)?;
            RootKind::Directory
        };
        let environment = environment_file(app);
        let environment_path = pod_layout::env(&app.name);
        to.file(&environment_path, 0o640, environment.as_bytes())?;
        if users.is_some() {
            to.give(&environment_path, 0, 0)?;
        }
        plan.apps.push(AppRoot {
            name: app.name.clone(),
            kind,
        });
    }
    shared_volumes(&to, &manifest.volumes)?;
    to.file(Path::new(pod_layout::ROOT_PLAN), 0o640, &plan.to_json())?;
    if overlay {
        // A second name for the other empty file: a new inode is what costs most in preparing a pod.
        let marker = Path::new(pod_layout::OVERLAY_PREPARED);
        rustix::fs::linkat(pod, pod_layout::POD_CREATED, pod, marker, AtFlags::empty())
            .map_err(|e| to.fail(marker)(e.into()))?;
    }
    to.file(Path::new(pod_layout::POD), 0o640, &manifest.to_json())
}

/// Lets the directory above the apps' roots belong to the group that reads the pod's directory, so that it is that
/// group which has no rights to it.
fn keep_out_group(pod: BorrowedFd<'_>) -> io::Result<()> {
    let group = rustix::fs::fstat(pod)?.st_gid;
    if group != rustix::process::getegid().as_raw() {
        let group = Some(Gid::from_raw(group));
        rustix::fs::chownat(pod, STAGE2, None, group, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// The environment of an app as lines of `NAME=value`, for what enters the pod later.
///
/// A value with a newline has no place in such a file and is left out; the app itself gets it from the
/// manifest. Source: rkt 1.30, stage1/init/common/pod.go.
fn environment_file(app: &RuntimeApp) -> String {
    let mut all = Environment::default();
    let defaults = [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("SHELL", "/bin/sh"),
        ("USER", "root"),
        ("LOGNAME", "root"),
        ("HOME", "/root"),
        ("AC_APP_NAME", app.name.as_str()),
    ];
    let own = app.app.iter().flat_map(|app| &app.environment);
    let own = own.map(|variable| (variable.name.as_str(), variable.value.as_str()));
    for (name, value) in defaults.into_iter().chain(own) {
        // All names were checked before, those above by the compiler of this list.
        let _ = all.set(name, value);
    }
    all.iter()
        .filter(|variable| !variable.value.contains('\n'))
        .map(|variable| format!("{}={}\n", variable.name, variable.value))
        .collect()
}

/// The trees of an app's root, topmost first, one per line; in most cases one.
fn tree_ids(image: &StoredImage) -> String {
    image
        .trees
        .iter()
        .map(|tree| tree.id.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn overlay_root(
    to: &Writer<'_>,
    app: &AcName,
    image: &StoredImage,
) -> Result<RootKind, PrepareError> {
    let Some(top) = image.trees.first() else {
        return Err(PrepareError::UnsupportedImage { id: image.id });
    };
    let upper = pod_layout::overlay_upper(top.id.as_str(), app);
    let work = pod_layout::overlay_work(top.id.as_str(), app);
    // The root of an overlay shows mode and owner of the upper directory.
    let tree = |source| PrepareError::Tree {
        path: top.rootfs.clone(),
        source,
    };
    let root = rustix::fs::statat(&top.dir, "rootfs", AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|e| tree(e.into()))?;
    for path in [&upper, &work] {
        if let Some(parent) = path.parent() {
            to.dirs(parent, PRIVATE_MODE)?;
        }
    }
    to.dir(&upper, root.st_mode & 0o7777)?;
    to.give(&upper, root.st_uid, root.st_gid)?;
    to.dir(&work, PRIVATE_MODE)?;
    let lower = image.trees.iter().map(|tree| tree.rootfs.clone()).collect();
    Ok(RootKind::Overlay { lower, upper, work })
}

fn copy_root(to: &Writer<'_>, app: &AcName, image: &StoredImage) -> Result<(), PrepareError> {
    let dir_path = pod_layout::app_dir(app);
    let dir: OwnedFd = file::open_dir(to.pod.as_fd(), &dir_path).map_err(to.fail(&dir_path))?;
    let target = (dir.as_fd(), "rootfs".as_ref());
    let ownership = match to.users {
        Some(users) => Ownership::Shifted(users),
        None => Ownership::Keep,
    };
    let tree = match image.trees.as_slice() {
        [tree] if !image.parts.layers => tree,
        _ => return image.parts.render(target, ownership),
    };
    copy_tree(
        (tree.dir.as_fd(), Path::new("rootfs")),
        target,
        &CopyOptions {
            ownership,
            ..CopyOptions::default()
        },
    )
    .map_err(|source| PrepareError::Copy {
        app: app.clone(),
        source,
    })
}

fn shared_volumes(to: &Writer<'_>, volumes: &[Volume]) -> Result<(), PrepareError> {
    let mut made = false;
    for volume in volumes {
        let Some((mode, uid, gid)) = volumes::directory_of(volume)? else {
            continue;
        };
        if !std::mem::replace(&mut made, true) {
            to.dir(Path::new(pod_layout::SHARED_VOLUMES), APPS_MODE)?;
        }
        let path: PathBuf = pod_layout::shared_volume(&volume.name);
        to.dir(&path, mode)?;
        to.give(&path, uid, gid)?;
        // Changing the owner clears the set-ID bits.
        if mode & 0o6000 != 0 {
            rustix::fs::chmodat(to.pod, &path, Mode::from_raw_mode(mode), AtFlags::empty())
                .map_err(|e| to.fail(&path)(e.into()))?;
        }
    }
    Ok(())
}

/// Gives an entry to somebody, unless that is us anyway.
fn set_owner(at: BorrowedFd<'_>, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    if (uid, gid)
        == (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        )
    {
        return Ok(());
    }
    let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    Ok(rustix::fs::chownat(
        at,
        path,
        owner.0,
        owner.1,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}
