//! What an image that was made for Docker holds at a mount point goes into the volume made for it.
//!
//! Such images expect it: their volumes begin with the files of the image, where those of appc are empty.
//! Source: rkt 1.30, stage1/init/common/mount.go.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_archive::copy::{CopyError, CopyOptions, copy_tree};
use gantry_archive::extract::Ownership;
use gantry_types::{AcName, ImageManifest, PodManifest, UserRange, pod_layout};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};

use crate::file;
use crate::image::StoredImage;
use crate::merged;
use crate::pod::Pod;
use crate::prepare_error::PrepareError;
use crate::warning::Warning;

/// The annotation that tells of a conversion. Source: appc/docker2aci, lib/common.
const FROM_DOCKER: &str = "appc.io/docker/repository";

/// Whether an image was converted from Docker's format.
pub(crate) fn from_docker(image: &ImageManifest) -> bool {
    image.annotations.get(FROM_DOCKER).is_some()
}

/// Fills the volumes that were made for mount points of images from Docker, as the warnings tell.
///
/// With an overlay the files are those of the image's trees, else those of the app's root, which is a copy
/// already. Owners are shifted to those of a range, if there is one. A mount point that the image has no directory for stays empty.
pub(crate) fn fill(
    pod: &Pod,
    manifest: &PodManifest,
    images: &[StoredImage],
    (overlay, shifted): (bool, Option<UserRange>),
    warnings: &[Warning],
) -> Result<(), PrepareError> {
    for warning in warnings {
        let Warning::ImplicitVolume {
            app, volume, path, ..
        } = warning
        else {
            continue;
        };
        let mut apps = manifest.apps.iter().zip(images);
        let Some((_, image)) = apps.find(|(one, _)| one.name == *app) else {
            continue;
        };
        if from_docker(&image.manifest) {
            fill_one(pod, app, image, (overlay, shifted), (volume, path))?;
        }
    }
    Ok(())
}

fn fill_one(
    pod: &Pod,
    app: &AcName,
    image: &StoredImage,
    (overlay, shifted): (bool, Option<UserRange>),
    (volume, path): (&AcName, &str),
) -> Result<(), PrepareError> {
    let failed = |path: PathBuf| move |source| PrepareError::Write { path, source };
    let root = if overlay {
        let layers: Vec<&Path> = image.trees.iter().map(|tree| &*tree.rootfs).collect();
        merged::open(&layers)
    } else {
        file::open_dir(pod.as_fd(), pod_layout::app_rootfs(app))
    };
    let root = root.map_err(|source| PrepareError::Tree {
        path: PathBuf::from(path),
        source,
    })?;
    let Some(content) = directory(&root, path).map_err(failed(PathBuf::from(path)))? else {
        return Ok(());
    };
    let volumes = file::open_dir(pod.as_fd(), pod_layout::SHARED_VOLUMES)
        .map_err(failed(pod.path().join(pod_layout::SHARED_VOLUMES)))?;
    // In place of the empty directory, whose owner and mode are those of nobody's choice.
    rustix::fs::unlinkat(&volumes, volume.as_str(), AtFlags::REMOVEDIR).map_err(|error| {
        failed(pod.path().join(pod_layout::shared_volume(volume)))(error.into())
    })?;
    let to = (volumes.as_fd(), volume.as_str().as_ref());
    let ownership = shifted.map_or(Ownership::Keep, Ownership::Shifted);
    copy_tree(
        (content.as_fd(), Path::new(".")),
        to,
        &CopyOptions {
            ownership,
            ..CopyOptions::default()
        },
    )
    .map_err(|source| copy_failed(app, source))
}

fn copy_failed(app: &AcName, source: CopyError) -> PrepareError {
    PrepareError::Copy {
        app: app.clone(),
        source,
    }
}

/// The directory `path` of an image; `None` if there is something else or nothing. Links stay in the image.
fn directory(root: &OwnedFd, path: &str) -> io::Result<Option<OwnedFd>> {
    use rustix::io::Errno;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::time::SystemTime;

    use gantry_store::TreeId;

    use crate::request::{AppRequest, PrepareRequest};
    use crate::sample::{Sample, uuid};

    const POINTS: &str = r#","app":{"exec":["/x"],"user":"0","group":"0","mountPoints":[
        {"name":"data","path":"/var/data"},{"name":"link","path":"/link"},{"name":"none","path":"/none"},
        {"name":"out","path":"/out"}]}"#;

    fn volumes(annotations: &str, no_overlay: bool) -> Option<Vec<(String, String)>> {
        let sample = Sample::new();
        let image = sample.image("example.test/hello", &format!("{POINTS}{annotations}"));
        let root = sample
            .store
            .tree_path(&TreeId::of_images(&[image]))
            .join("rootfs");
        fs::create_dir_all(root.join("var/data/deep")).unwrap();
        fs::write(root.join("var/data/deep/file"), "content").unwrap();
        fs::set_permissions(root.join("var/data"), fs::Permissions::from_mode(0o2771)).unwrap();
        symlink("var/data", root.join("link")).unwrap();
        symlink(sample.temp.path(), root.join("out")).unwrap();
        let request = PrepareRequest {
            apps: vec![AppRequest::new(image)],
            no_overlay,
            // What the user named stays as it is.
            volumes: vec!["none,kind=empty".parse().unwrap()],
            ..PrepareRequest::default()
        };
        let now = SystemTime::now();
        let pod = sample
            .pods
            .prepare(uuid(1), &request, &sample.store, now)
            .unwrap();
        pod.keep().unwrap();
        let shared = sample
            .pods
            .get(uuid(1))
            .unwrap()
            .unwrap()
            .path()
            .join("sharedVolumes");
        let mut found = Vec::new();
        for entry in fs::read_dir(&shared).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path().join("deep/file")).unwrap_or_default();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            found.push((
                entry.file_name().into_string().unwrap(),
                format!("{mode:o} {text}"),
            ));
        }
        found.sort();
        Some(found)
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn volumes_of_images_from_docker_begin_with_the_images_files() {
        let docker = r#","annotations":[{"name":"appc.io/docker/repository","value":"library/x"}]"#;
        for no_overlay in [false, true] {
            let found = volumes(docker, no_overlay).unwrap();
            let expected = [
                pair("hello-data", "2771 content"),
                pair("hello-link", "2771 content"),
                // Nothing outside the image is read.
                pair("hello-out", "755 "),
                pair("none", "755 "),
            ];
            assert_eq!(found, expected, "no overlay: {no_overlay}");
        }
    }

    #[test]
    fn volumes_of_other_images_are_empty() {
        let found = volumes("", false).unwrap();
        assert_eq!(found[0], pair("hello-data", "755 "));
    }
}
