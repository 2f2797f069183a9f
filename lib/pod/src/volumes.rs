//! Which volume goes where: mounts asked for, mount points of images, volumes made up for the rest.

use std::path::PathBuf;

use gantry_types::{AcName, App, Mount, RuntimeApp, Volume, VolumeKind};

use crate::prepare_error::PrepareError;
use crate::warning::Warning;

/// Fills in the mounts of each app and adds the volumes that nobody defined.
///
/// A mount that was asked for comes first and needs its volume. A mount point of the image whose path
/// is still free takes the volume of its name. If there is none, an `empty` volume named
/// `APP-MOUNTPOINT` is made for it, with a warning. Source: contract/rkt-ondisk.md 5, rkt-cli.md 3.
pub(crate) fn resolve(
    apps: &mut [RuntimeApp],
    volumes: &mut Vec<Volume>,
    for_all: &[Mount],
    warnings: &mut Vec<Warning>,
) -> Result<(), PrepareError> {
    for (index, volume) in volumes.iter().enumerate() {
        if volumes[..index]
            .iter()
            .any(|other| other.name == volume.name)
        {
            return Err(PrepareError::DuplicateVolume(volume.name.clone()));
        }
    }
    for app in apps {
        let mut mounts: Vec<Mount> = Vec::new();
        // Those of the app win over those for all at the same path.
        let general = for_all
            .iter()
            .filter(|mount| !has_path(&app.mounts, &mount.path));
        for mount in app.mounts.iter().chain(general) {
            let known = |name: &AcName| volumes.iter().any(|volume| volume.name == *name);
            if mount.app_volume.is_none() && !known(&mount.volume) {
                return Err(PrepareError::Dangling {
                    path: mount.path.clone(),
                    volume: mount.volume.clone(),
                });
            }
            if !mount.path.starts_with('/') {
                return Err(PrepareError::MountPath {
                    volume: mount.volume.clone(),
                    path: mount.path.clone(),
                });
            }
            if let Some(other) = mounts.iter().find(|other| same(&other.path, &mount.path)) {
                return Err(PrepareError::DuplicateMount {
                    app: app.name.clone(),
                    path: mount.path.clone(),
                    first: other.volume.clone(),
                    second: mount.volume.clone(),
                });
            }
            mounts.push(mount.clone());
        }
        for point in app.app.iter().flat_map(|app: &App| &app.mount_points) {
            if has_path(&mounts, &point.path) {
                continue;
            }
            if !point.path.starts_with('/') {
                return Err(PrepareError::MountPath {
                    volume: point.name.clone(),
                    path: point.path.clone(),
                });
            }
            let name = if volumes.iter().any(|volume| volume.name == point.name) {
                point.name.clone()
            } else {
                // Two names joined by a dash are a name, so this cannot fail.
                let name = AcName::sanitize(&format!("{}-{}", app.name, point.name))
                    .unwrap_or_else(|_| point.name.clone());
                if !volumes.iter().any(|volume| volume.name == name) {
                    warnings.push(Warning::ImplicitVolume {
                        app: app.name.clone(),
                        mount_point: point.name.clone(),
                        path: point.path.clone(),
                    });
                    volumes.push(empty_volume(name.clone()));
                }
                name
            };
            mounts.push(Mount {
                volume: name,
                path: point.path.clone(),
                app_volume: None,
            });
        }
        app.mounts = mounts;
    }
    Ok(())
}

fn empty_volume(name: AcName) -> Volume {
    let kind = VolumeKind::Empty {
        mode: "0755".to_owned(),
        uid: 0,
        gid: 0,
    };
    Volume {
        name,
        kind,
        read_only: None,
        recursive: None,
    }
}

fn has_path(mounts: &[Mount], path: &str) -> bool {
    mounts.iter().any(|mount| same(&mount.path, path))
}

/// Whether two paths are the same but for repeated and trailing slashes and `.` components.
fn same(a: &str, b: &str) -> bool {
    let parts = |path: &str| -> PathBuf { std::path::Path::new(path).components().collect() };
    parts(a) == parts(b)
}

/// The directory that an `empty` volume needs: mode, owner and group.
pub(crate) fn directory_of(volume: &Volume) -> Result<Option<(u32, u32, u32)>, PrepareError> {
    let VolumeKind::Empty { mode, uid, gid } = &volume.kind else {
        return Ok(None);
    };
    let invalid = |field, value: String| PrepareError::VolumeAttribute {
        volume: volume.name.clone(),
        field,
        value,
    };
    let bits = u32::from_str_radix(mode, 8)
        .ok()
        .filter(|bits| *bits <= 0o7777)
        .ok_or_else(|| invalid("mode", mode.clone()))?;
    // The highest ID means "none" to the kernel.
    let id = |field, id: i64| {
        let number = u32::try_from(id).ok().filter(|number| *number != u32::MAX);
        number.ok_or_else(|| invalid(field, id.to_string()))
    };
    Ok(Some((bits, id("uid", *uid)?, id("gid", *gid)?)))
}
