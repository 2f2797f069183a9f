//! A pod whose manifest somebody else has written (`--pod-manifest`).

use gantry_store::Store;
use gantry_types::{ImageId, ImageManifest, PodManifest};

use crate::manifest::check_machine;
use crate::ports;
use crate::prepare_error::PrepareError;
use crate::volumes;
use crate::warning::Warning;

/// Finds the images of the apps, which the manifest names by their IDs or the beginnings of them.
///
/// # Errors
///
/// [`PrepareError::Resolve`] for one that is not in the store, or not the only one.
pub(crate) fn images(manifest: &PodManifest, store: &Store) -> Result<Vec<ImageId>, PrepareError> {
    let find = |app: &gantry_types::RuntimeApp| {
        let id = app.image.id.to_string();
        store.resolve(&id).map_err(|source| PrepareError::Resolve {
            app: app.name.clone(),
            id,
            source: Box::new(source),
        })
    };
    manifest.apps.iter().map(find).collect()
}

/// The manifest with everything in it that the pod needs: whole image IDs, apps that it leaves to the
/// images, and a volume for every mount point. `images` are those of [`images`].
///
/// # Errors
///
/// What stands against running it, as for a pod made of a request.
pub(crate) fn complete(
    mut manifest: PodManifest,
    images: &[(ImageId, &ImageManifest)],
    warnings: &mut Vec<Warning>,
) -> Result<PodManifest, PrepareError> {
    if manifest.apps.is_empty() {
        return Err(PrepareError::NoApps);
    }
    for (app, (id, image)) in manifest.apps.iter_mut().zip(images) {
        check_machine(&app.name, image, warnings)?;
        app.image.id = (*id).into();
        if app.image.name.is_none() {
            app.image.name = Some(image.name.clone());
            app.image.labels.clone_from(&image.labels);
        }
        let object = match app.app.take().or_else(|| image.app.clone()) {
            Some(object) => object,
            None => return Err(PrepareError::NoApp),
        };
        if object.exec.first().is_none_or(String::is_empty) {
            return Err(PrepareError::EmptyExec { id: *id });
        }
        app.app = Some(object);
    }
    let mut all: Vec<_> = manifest.volumes.iter().cloned().collect();
    volumes::resolve(&mut manifest.apps, &mut all, &[], warnings)?;
    manifest.volumes = all.into();
    ports::check(&manifest.apps, &manifest.ports)?;
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::request::PrepareRequest;
    use crate::sample::{APP, Sample, uuid};

    fn manifest(apps: &str) -> PodManifest {
        let text = format!(r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{apps}]}}"#);
        PodManifest::from_json(text.as_bytes()).unwrap()
    }

    fn prepare(sample: &Sample, manifest: PodManifest) -> Result<PodManifest, String> {
        let request = PrepareRequest {
            manifest: Some(manifest),
            ..PrepareRequest::default()
        };
        let now = SystemTime::now();
        let pod = sample.pods.prepare(uuid(1), &request, &sample.store, now);
        pod.map(|pod| pod.manifest().clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_manifest_leaves_out_is_the_images() {
        let sample = Sample::new();
        let members = r#","app":{"exec":["/x"],"user":"0","group":"0","mountPoints":[{"name":"m","path":"/m"}]}"#;
        let image = sample.image("example.test/hello", members);
        // As rkt prints them: the first half of the digits.
        let key = image.key();
        let own = r#"{"exec":["/y"],"user":"1","group":"1"}"#;
        let apps = format!(
            r#"{{"name":"a","image":{{"id":"{key}"}}}},{{"name":"b","image":{{"id":"{key}"}},"app":{own}}}"#
        );
        let made = prepare(&sample, manifest(&apps)).unwrap();
        let exec = |n: usize| made.apps[n].app.as_ref().unwrap().exec.join(" ");
        assert_eq!((exec(0), exec(1)), ("/x".to_owned(), "/y".to_owned()));
        assert_eq!(made.apps[0].image.id.to_string(), image.to_string());
        assert_eq!(
            made.apps[0].image.name.as_ref().unwrap().as_str(),
            "example.test/hello"
        );
        assert_eq!(made.apps[0].mounts[0].volume.as_str(), "a-m");
        assert_eq!(made.volumes[0].name.as_str(), "a-m");
    }

    #[test]
    fn a_manifest_that_cannot_be_run_is_refused() {
        let sample = Sample::new();
        let with_app = sample.image("example.test/hello", APP).key();
        let without = sample.image("example.test/bare", "").key();
        let app = |id: &str, more: &str| format!(r#"{{"name":"a","image":{{"id":"{id}"}}{more}}}"#);
        for (apps, words) in [
            (String::new(), "pod must contain at least one application"),
            (
                app("sha512-00ff", ""),
                "cannot find image sha512-00ff of app a",
            ),
            (
                app(&without, ""),
                "no app section in the pod manifest or the image manifest",
            ),
            (
                app(&with_app, r#","mounts":[{"volume":"v","path":"/v"}]"#),
                "dangling mount point \"/v\": volume \"v\" not found",
            ),
            (
                app(&with_app, r#","app":{"exec":null,"user":"0","group":"0"}"#),
                "has an empty \"exec\"",
            ),
        ] {
            let error = prepare(&sample, manifest(&apps)).unwrap_err();
            assert!(error.contains(words), "{error}");
            assert!(sample.phase("prepare").is_empty());
        }
    }
}
