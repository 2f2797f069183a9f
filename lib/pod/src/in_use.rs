//! What the pods use of the store.

use std::io;
use std::os::fd::AsFd as _;

use gantry_store::InUse;
use gantry_types::ImageId;

use crate::file;
use crate::phase::Phase;
use crate::pod::Pod;
use crate::pod_text::PodText;
use crate::pods_dir::PodsDir;

impl PodsDir {
    /// The images and trees that pods use, for the store's removal and collection.
    ///
    /// Trees count for every pod, whatever its state; images only for pods that run or may yet run,
    /// because an exited pod's root is made of trees.
    ///
    /// # Errors
    ///
    /// If a pod cannot be read: what it uses is then unknown, and nothing may be removed.
    pub fn in_use(&self) -> io::Result<InUse> {
        let mut used = InUse::default();
        for (uuid, phase) in self.pods()?.pods {
            let Some(pod) = self.reopen(uuid, phase)? else {
                continue;
            };
            add_trees(&pod, &mut used).map_err(|e| name(&pod, &e))?;
            if pod.phase() <= Phase::Run && !pod.state().has_exited() {
                add_images(&pod, &mut used).map_err(|e| name(&pod, &e))?;
            }
        }
        Ok(used)
    }
}

fn name(pod: &Pod, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", pod.path().display()))
}

fn add_trees(pod: &Pod, used: &mut InUse) -> io::Result<()> {
    let info = match file::open_dir(pod.as_fd(), "appsinfo") {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for app in file::names(&info)? {
        let mut path = app.into_bytes();
        path.extend_from_slice(b"/treeStoreID");
        let Some(text) = file::read(info.as_fd(), path)? else {
            continue;
        };
        // What is no tree of ours, as in a directory that a foreign tool prepared, we cannot remove.
        let text = String::from_utf8_lossy(&text);
        used.trees.extend(
            text.split_ascii_whitespace()
                .filter_map(|line| line.parse().ok()),
        );
    }
    Ok(())
}

fn add_images(pod: &Pod, used: &mut InUse) -> io::Result<()> {
    let Some(json) = pod.read("pod")? else {
        return Ok(());
    };
    let Ok(manifest) = PodText::from_json(&json) else {
        return Ok(());
    };
    let apps = manifest.apps.iter().flatten();
    used.images
        .extend(apps.filter_map(|app| app.image.id.parse::<ImageId>().ok()));
    Ok(())
}
