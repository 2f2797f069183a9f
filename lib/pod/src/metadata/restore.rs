//! Knowing the pods again after a restart.

use std::io;

use gantry_types::show::one_line;
use gantry_types::{AcName, ImageManifest, PodManifest, Uuid, pod_layout};

use super::state::MetadataState;
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::pods_dir::PodsDir;

impl MetadataState {
    /// Makes those pods known that were registered and are not over, from what lies in their directories.
    ///
    /// A pod that cannot be read is told to `warn`, and keeps no other from being known.
    ///
    /// # Errors
    ///
    /// If the directories cannot be read at all.
    pub fn restore(&mut self, pods: &PodsDir, mut warn: impl FnMut(String)) -> io::Result<()> {
        for (uuid, phase) in pods.pods()?.pods {
            if !matches!(phase, Phase::Prepare | Phase::Prepared | Phase::Run) {
                continue;
            }
            let restored = match pods.reopen(uuid, phase) {
                Ok(Some(pod)) => self.restore_pod(uuid, &pod),
                Ok(None) => Ok(()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(cause) = restored {
                warn(format!(
                    "warning: cannot know pod \"{uuid}\" again: {cause}"
                ));
            }
        }
        Ok(())
    }

    fn restore_pod(&mut self, uuid: Uuid, pod: &Pod) -> Result<(), String> {
        // Between its registration and its start a pod is in one of the first two.
        if !matches!(
            pod.state(),
            State::Preparing | State::Prepared | State::Running
        ) {
            return Ok(());
        }
        let Some(token) = text(pod, pod_layout::MDS_REGISTERED)? else {
            return Ok(());
        };
        let token = String::from_utf8_lossy(&token);
        if token.trim().is_empty() {
            // Of rkt's own making, which keeps the token nowhere.
            return Err(format!("{} holds no token", pod_layout::MDS_REGISTERED));
        }
        let token = token
            .trim()
            .parse()
            .map_err(|error| format!("{}: {error}", pod_layout::MDS_REGISTERED))?;
        let manifest = text(pod, pod_layout::POD)?.ok_or("it has no manifest")?;
        let manifest = PodManifest::from_json(&manifest)
            .map_err(|error| format!("{}: {}", pod_layout::POD, one_line(&error)))?;
        let apps: Vec<AcName> = manifest.apps.iter().map(|app| app.name.clone()).collect();
        let added = self.registry.add(uuid, token, manifest);
        added.map_err(|error| error.to_string())?;
        for app in apps {
            let path = pod_layout::app_manifest(&app).display().to_string();
            let Some(image) = text(pod, &path)? else {
                continue;
            };
            let image = ImageManifest::from_json(&image)
                .map_err(|error| format!("{path}: {}", one_line(&error)))?;
            if let Some(known) = self.registry.get_mut(uuid) {
                known.add_image(app, image);
            }
        }
        Ok(())
    }
}

fn text(pod: &Pod, path: &str) -> Result<Option<Vec<u8>>, String> {
    pod.read(path)
        .map_err(|error| format!("cannot read {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::path::Path;

    use super::super::key::SigningKey;
    use super::*;
    use crate::file;
    use crate::sample::{Sample, uuid};

    #[test]
    fn pods_that_are_not_over_are_known_again_and_what_is_wrong_is_told() {
        let sample = Sample::new();
        let manifest = r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"sha512-ab"}}]}"#;
        let image = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"n"}"#;
        let make = |n: u8, token: &str, manifest: &str| {
            let pod = sample.pods.create(uuid(n)).unwrap();
            let write = |name: &str, text: &str| {
                file::create(pod.as_fd(), Path::new(name), 0o600, text.as_bytes()).unwrap();
            };
            write("mds-registered", token);
            write("pod", manifest);
            for directory in ["appsinfo", "appsinfo/a"] {
                file::make_dir(pod.as_fd(), Path::new(directory), 0o700).unwrap();
            }
            write("appsinfo/a/manifest", image);
            pod
        };
        let mut kept = Vec::new();
        for (n, phase) in [(1, Phase::Prepare), (2, Phase::Prepared), (3, Phase::Run)] {
            let mut pod = make(n, &format!("t{n}\n"), manifest);
            if phase != Phase::Prepare {
                pod.move_to(phase).unwrap();
            }
            kept.push(pod);
        }
        // Over: nobody holds its lock.
        make(4, "t4", manifest).move_to(Phase::Run).unwrap();
        // Not registered, then two that are damaged, one of rkt, and one that goes on.
        let mut bare = sample.pods.create(uuid(5)).unwrap();
        bare.move_to(Phase::Run).unwrap();
        kept.extend([
            bare,
            make(6, "a/b", manifest),
            make(7, "t7", "{"),
            make(8, "", manifest),
        ]);
        let mut state = MetadataState::new(SigningKey::from_bytes(&[1; 64]));
        let mut warnings = Vec::new();
        state
            .restore(&sample.pods, |warning| warnings.push(warning))
            .unwrap();
        assert_eq!(state.pods(), 3);
        for n in 1..=3 {
            let pod = state.registry.by_token(&format!("t{n}")).unwrap();
            assert_eq!(pod.uuid, uuid(n));
            assert!(pod.app("a").is_some());
        }
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(
            warnings[0].contains("mds-registered: the token has"),
            "{warnings:?}"
        );
        assert!(warnings[1].contains("pod: "), "{warnings:?}");
        assert!(
            warnings[2].ends_with("mds-registered holds no token"),
            "{warnings:?}"
        );
    }
}
