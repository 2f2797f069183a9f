//! The directory that stage1 finds a pod of one app in, whose root is the tree.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_types::{
    AcName, Annotations, App, AppRoot, Labels, PodManifest, RootKind, RootPlan, RuntimeApp,
    RuntimeImage, pod_layout,
};

use super::{RUN, TreeCommand, TreePlace};
use crate::file;

/// The file with the UUID, for who has to collect after a killed run.
pub(super) const UUID: &str = "uuid";

/// Name of the one app.
const APP: &str = "build";

/// Work directory of the overlay, and where it is mounted by the chroot engine.
pub(super) const WORK: &str = "work";
pub(super) const TARGET: &str = "target";

/// Makes the directory, with everything but the plan of the root.
///
/// # Errors
///
/// Those of writing; `EEXIST` if there is one already.
pub(super) fn make(command: &TreeCommand, place: &TreePlace<'_>) -> io::Result<OwnedFd> {
    file::make_dir(place.directory, Path::new(RUN), 0o700)?;
    let run = file::open_dir(place.directory, RUN)?;
    let create = |name: &str, text: &[u8]| file::create(run.as_fd(), Path::new(name), 0o600, text);
    create(pod_layout::POD, &manifest(command).to_json())?;
    create(UUID, command.uuid.to_string().as_bytes())?;
    let app = app_name();
    let root = pod_layout::app_rootfs(&app);
    let parent = root.parent().unwrap_or(&root);
    for ancestor in parent.ancestors().collect::<Vec<_>>().into_iter().rev() {
        if ancestor != Path::new("") {
            file::ensure_dir(run.as_fd(), ancestor, 0o755)?;
        }
    }
    // From the directory that the link is in, up to the place.
    let mut target = PathBuf::from("..");
    for _ in parent.components() {
        target.push("..");
    }
    rustix::fs::symlinkat(target.join(place.tree), &run, &root)?;
    Ok(run)
}

fn app_name() -> AcName {
    APP.parse().expect("a name in small letters")
}

fn manifest(command: &TreeCommand) -> PodManifest {
    let app = App {
        exec: command.exec.iter().cloned().collect(),
        user: "0".to_owned(),
        group: "0".to_owned(),
        working_directory: command.working_directory.clone(),
        environment: command.environment.clone(),
        ..App::default()
    };
    let image = RuntimeImage {
        name: None,
        id: format!("sha512-{}", "0".repeat(128))
            .parse()
            .expect("as many digits as the digest has"),
        labels: Labels::default(),
    };
    PodManifest {
        apps: [RuntimeApp {
            name: app_name(),
            image,
            app: Some(app),
            read_only_root_fs: false,
            mounts: Vec::new(),
            annotations: Annotations::default(),
        }]
        .into_iter()
        .collect(),
        ..PodManifest::default()
    }
}

/// Writes how the root comes about: the tree itself, or the tree over the directories `lower`, top first.
///
/// # Errors
///
/// Those of writing.
pub(super) fn write_roots(
    run: BorrowedFd<'_>,
    place: &TreePlace<'_>,
    lower: Vec<PathBuf>,
) -> io::Result<()> {
    let kind = if lower.is_empty() {
        RootKind::Directory
    } else {
        for name in [WORK, TARGET] {
            file::ensure_dir(place.directory, Path::new(name), 0o755)?;
        }
        RootKind::Overlay {
            lower,
            upper: Path::new("..").join(place.tree),
            work: Path::new("..").join(WORK),
        }
    };
    let plan = RootPlan {
        apps: vec![AppRoot {
            name: app_name(),
            kind,
        }],
    };
    file::create(
        run,
        Path::new(pod_layout::ROOT_PLAN),
        0o600,
        &plan.to_json(),
    )
}

/// Reads what [`write_roots`] wrote.
///
/// # Errors
///
/// Those of reading; `InvalidData` for anything else.
pub(super) fn read_roots(run: &OwnedFd) -> io::Result<RootKind> {
    let text = file::read(run.as_fd(), pod_layout::ROOT_PLAN)?;
    let text = text.ok_or(io::ErrorKind::NotFound)?;
    let plan = RootPlan::from_json(&text).map_err(io::Error::other)?;
    let app = plan.apps.into_iter().next();
    Ok(app.ok_or(io::ErrorKind::InvalidData)?.kind)
}
