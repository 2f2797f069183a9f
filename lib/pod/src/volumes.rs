//! Which volume goes where: mounts asked for, mount points of images, volumes made up for the rest.

use std::path::PathBuf;

use gantry_types::{AcName, App, Mount, RuntimeApp, Volume, VolumeKind};

use crate::prepare_error::PrepareError;
use crate::warning::Warning;

/// Fills in the mounts of each app and adds the volumes that nobody defined.
///
/// A mount that was asked for comes first and needs its volume. A mount point of the image whose path
/// is still free takes the volume of its name. If there is none, an `empty` volume named
/// `APP-MOUNTPOINT` is made for it, with a warning. Source: rkt 1.30, Documentation/subcommands/run.md,
/// "Mounting volumes"; stage1/init/common/mount.go.
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
    // Not those that are made here: a name of the image must not reach another app's volume.
    let asked_for: Vec<AcName> = volumes.iter().map(|volume| volume.name.clone()).collect();
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
            let name = if asked_for.contains(&point.name) {
                point.name.clone()
            } else {
                let name = free_name(volumes, &app.name, &point.name);
                warnings.push(Warning::ImplicitVolume {
                    app: app.name.clone(),
                    mount_point: point.name.clone(),
                    volume: name.clone(),
                    path: point.path.clone(),
                });
                volumes.push(empty_volume(name.clone()));
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

/// `APP-MOUNTPOINT`, with a number if a volume has that name already.
///
/// A dash is part of names, so app `a-b` with mount point `c` and app `a` with `b-c` would else share a
/// volume, and a mount point could be named so that it gets a volume that the user made for others.
fn free_name(volumes: &[Volume], app: &AcName, point: &AcName) -> AcName {
    let taken = |name: &AcName| volumes.iter().any(|volume| volume.name == *name);
    let numbers = std::iter::once(String::new()).chain((2_u64..).map(|n| format!("-{n}")));
    numbers
        // Names joined by dashes are a name, so sanitizing changes nothing and cannot fail.
        .filter_map(|suffix| AcName::sanitize(&format!("{app}-{point}{suffix}")).ok())
        .find(|name| !taken(name))
        .unwrap_or_else(|| point.clone())
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

#[cfg(test)]
mod tests {
    use gantry_types::{Annotations, ImageId, Labels, RuntimeImage};

    use super::*;

    fn app(name: &str, points: &[&str], mounts: &[(&str, &str)]) -> RuntimeApp {
        let mount_points = points.iter().map(|point| point.parse().unwrap()).collect();
        RuntimeApp {
            name: name.parse().unwrap(),
            image: RuntimeImage {
                name: None,
                id: ImageId::from_digest([0; 64]).into(),
                labels: Labels::default(),
            },
            app: Some(App {
                mount_points,
                ..App::default()
            }),
            read_only_root_fs: false,
            mounts: mounts.iter().map(mount).collect(),
            annotations: Annotations::default(),
        }
    }

    fn mount((volume, path): &(&str, &str)) -> Mount {
        Mount {
            volume: volume.parse().unwrap(),
            path: (*path).into(),
            app_volume: None,
        }
    }

    /// Apps, volumes and mounts for all in; `app: volume@path …`, or the error, out.
    fn resolved(
        mut apps: Vec<RuntimeApp>,
        volumes: &[&str],
        for_all: &[(&str, &str)],
    ) -> (Result<Vec<String>, String>, usize, usize) {
        let mut volumes: Vec<Volume> = volumes.iter().map(|v| v.parse().unwrap()).collect();
        let for_all: Vec<Mount> = for_all.iter().map(mount).collect();
        let mut warnings = Vec::new();
        let result = resolve(&mut apps, &mut volumes, &for_all, &mut warnings);
        let lines = apps.iter().map(|app| {
            let mounts = app
                .mounts
                .iter()
                .map(|m| format!("{}@{}", m.volume, m.path));
            mounts.collect::<Vec<_>>().join(" ")
        });
        (
            result.map(|()| lines.collect()).map_err(|e| e.to_string()),
            volumes.len(),
            warnings.len(),
        )
    }

    #[test]
    fn every_mount_point_gets_a_volume() {
        let data = "data,path=/data";
        let table = [
            (
                vec![app("a", &[data], &[])],
                &["data,kind=empty"][..],
                &[][..],
                &["data@/data"][..],
                0,
            ),
            // Nobody said what goes there.
            (vec![app("a", &[data], &[])], &[], &[], &["a-data@/data"], 1),
            // What was asked for takes the place of the mount point.
            (
                vec![app("a", &[data], &[("x", "/data/")])],
                &["x,kind=empty"],
                &[],
                &["x@/data/"],
                0,
            ),
            // For all apps, and one that has its own.
            (
                vec![app("a", &[], &[("y", "/p")]), app("b", &[], &[])],
                &["x,kind=empty", "y,kind=empty"],
                &[("x", "/p")],
                &["y@/p", "x@/p"],
                0,
            ),
            // Two apps share a volume by the name of their mount points.
            (
                vec![app("a", &[data], &[]), app("b", &["data,path=/other"], &[])],
                &["data,kind=host,source=/"],
                &[],
                &["data@/data", "data@/other"],
                0,
            ),
        ];
        let table = table.into_iter().chain([
            // Names that run together.
            (
                vec![
                    app("a-b", &["c,path=/c"], &[]),
                    app("a", &["b-c,path=/c"], &[]),
                ],
                &[][..],
                &[][..],
                &["a-b-c@/c", "a-b-c-2@/c"][..],
                2,
            ),
            // A volume that the user made, for something else.
            (
                vec![app("a", &[data], &[])],
                &["a-data,kind=host,source=/"],
                &[],
                &["a-data-2@/data"],
                1,
            ),
        ]);
        for (apps, volumes, for_all, want, made) in table {
            let (result, count, warned) = resolved(apps, volumes, for_all);
            assert_eq!(result.unwrap(), want);
            assert_eq!((count, warned), (volumes.len() + made, made));
        }
    }

    #[test]
    fn mounts_that_cannot_be_are_refused() {
        let error = |apps, volumes: &[&str]| resolved(apps, volumes, &[]).0.unwrap_err();
        assert_eq!(
            error(vec![app("a", &[], &[("x", "/p")])], &[]),
            "dangling mount point \"/p\": volume \"x\" not found"
        );
        assert_eq!(
            error(
                vec![app("a", &[], &[("x", "/p"), ("y", "//p/.")])],
                &["x,kind=empty", "y,kind=empty"]
            ),
            "volumes \"x\" and \"y\" are both mounted at \"//p/.\" in app a"
        );
        assert_eq!(
            error(vec![app("a", &[], &[("x", "p")])], &["x,kind=empty"]),
            "mount path \"p\" of volume \"x\" is not an absolute path"
        );
        assert_eq!(
            error(
                vec![app("a", &[], &[])],
                &["x,kind=empty", "x,kind=host,source=/"]
            ),
            "duplicate volume name \"x\""
        );
    }

    #[test]
    fn modes_and_owners_that_no_directory_can_have_are_refused() {
        let of = |text: &str| directory_of(&text.parse().unwrap()).map_err(|e| e.to_string());
        assert_eq!(of("v,kind=empty").unwrap(), Some((0o755, 0, 0)));
        assert_eq!(
            of("v,kind=empty,mode=1777,uid=5,gid=6").unwrap(),
            Some((0o1777, 5, 6))
        );
        assert_eq!(of("v,kind=host,source=/x").unwrap(), None);
        for bad in ["mode=8", "mode=17777", "uid=-1", "gid=4294967295"] {
            assert!(of(&format!("v,kind=empty,{bad}")).is_err(), "{bad}");
        }
    }
}
