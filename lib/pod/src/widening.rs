//! Isolators of images that nobody has verified: they may narrow the defaults.
//!
//! What the user says is the user's to say: isolators on the command line, and those of apps in a
//! manifest given as a whole. An app that such a manifest leaves to the image has the image's.

use gantry_types::config_file::UnverifiedImages;
use gantry_types::{PodManifest, Widening, widenings};

use crate::app;
use crate::image::StoredImage;
use crate::prepare_error::PrepareError;
use crate::request::PrepareRequest;
use crate::warning::Warning;

/// Looks for isolators that come from unverified images and widen the defaults. `manifest` is the one
/// made of the request, and `images` are those of its apps.
///
/// # Errors
///
/// [`PrepareError::Widening`] for the first app with any, if the request says that they may only narrow.
pub(crate) fn check(
    request: &PrepareRequest,
    manifest: &PodManifest,
    images: &[StoredImage],
    warnings: &mut Vec<Warning>,
) -> Result<(), PrepareError> {
    for (index, (app, image)) in manifest.apps.iter().zip(images).enumerate() {
        let found = of_image(request, index, image);
        if found.is_empty() {
            continue;
        }
        match request.unverified_images {
            UnverifiedImages::Warn => warnings.extend(found.into_iter().map(|widening| {
                let app = app.name.clone();
                Warning::Widening { app, widening }
            })),
            UnverifiedImages::NarrowOnly => {
                return Err(PrepareError::Widening {
                    app: app.name.clone(),
                    image: image.id,
                    widenings: found,
                });
            }
        }
    }
    Ok(())
}

fn of_image(request: &PrepareRequest, index: usize, image: &StoredImage) -> Vec<Widening> {
    let given = request.manifest.as_ref();
    let own_app =
        given.is_some_and(|given| given.apps.get(index).is_some_and(|app| app.app.is_some()));
    let Some(app) = image
        .manifest
        .app
        .as_ref()
        .filter(|_| image.unverified && !own_app)
    else {
        return Vec::new();
    };
    let asked = match given {
        Some(_) => None,
        None => request.apps.get(index),
    };
    let asked = asked.map_or(&[][..], |app| &app.isolators);
    widenings(app::kept(&app.isolators, asked))
}

/// What to do about it.
pub(crate) fn hint(widenings: &[Widening]) -> String {
    let flag = |widening: &Widening| match widening.isolator.as_str() {
        "os/linux/capabilities-retain-set" => Some("--caps-retain"),
        "os/linux/seccomp-retain-set" | "os/linux/seccomp-remove-set" => Some("--seccomp"),
        "os/linux/oom-score-adj" => Some("--oom-score-adj"),
        _ => None,
    };
    let flags: Option<Vec<&str>> = widenings.iter().map(flag).collect();
    let instead = match flags {
        Some(flags) => format!("say with {} what the app may do", flags.join(", ")),
        None => "give the app with its isolators in --pod-manifest".to_owned(),
    };
    format!("fetch the image with its signature, or {instead}")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use gantry_types::{Diagnostic as _, Isolator, Kind};

    use super::*;
    use crate::request::AppRequest;
    use crate::sample::{Sample, uuid};

    const WIDE: &str = r#","app":{"exec":["/x"],"user":"0","group":"0","isolators":[
        {"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_SYS_ADMIN"]}},
        {"name":"resource/memory","value":{"limit":"1G"}},
        {"name":"os/linux/oom-score-adj","value":-5}]}"#;

    fn prepare(sample: &Sample, request: &PrepareRequest) -> Result<Vec<String>, PrepareError> {
        let now = SystemTime::now();
        let pod = sample.pods.prepare(uuid(1), request, &sample.store, now)?;
        let widening = |warning: &&Warning| matches!(warning, Warning::Widening { .. });
        let told = pod.warnings().iter().filter(widening);
        let told = told.map(ToString::to_string).collect();
        let mut pod = pod.into_pod();
        pod.move_to(crate::phase::Phase::Garbage).unwrap();
        std::fs::remove_dir_all(pod.path()).unwrap();
        Ok(told)
    }

    fn isolator(name: &str, json: &str) -> Isolator {
        Isolator::from_json_value(name.parse().unwrap(), json.as_bytes()).unwrap()
    }

    #[test]
    fn what_the_image_widens_is_told_or_refused_and_what_the_user_says_is_not() {
        let sample = Sample::new();
        let image = sample.image("example.test/wide", WIDE);
        let mut request = PrepareRequest {
            apps: vec![AppRequest::new(image)],
            ..PrepareRequest::default()
        };
        let told = prepare(&sample, &request).unwrap();
        let start = "warning: image of app wide was not verified: os/linux/";
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with(&format!(
            "{start}capabilities-retain-set gives CAP_SYS_ADMIN"
        )));
        assert!(
            told[1].starts_with(&format!("{start}oom-score-adj has")),
            "{told:?}"
        );

        request.unverified_images = UnverifiedImages::NarrowOnly;
        let error = prepare(&sample, &request).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("of app wide was not verified, and may not widen"),
            "{text}"
        );
        assert!(
            text.contains("CAP_SYS_ADMIN") && text.contains("; os/linux/oom-score-adj"),
            "{text}"
        );
        assert_eq!(error.kind(), Kind::Refused);
        assert_eq!(
            error.hint().unwrap(),
            "fetch the image with its signature, or say with --caps-retain, --oom-score-adj what \
             the app may do"
        );
        for phase in ["embryo", "prepare", "garbage"] {
            assert!(sample.phase(phase).is_empty(), "{phase}");
        }

        // The very same, and the opposite, said by the user.
        for (name, json) in [
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["CAP_SYS_ADMIN"]}"#,
            ),
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":["CAP_KILL"]}"#,
            ),
        ] {
            request.apps[0].isolators = vec![
                isolator(name, json),
                isolator("os/linux/oom-score-adj", "-5"),
            ];
            assert_eq!(prepare(&sample, &request).unwrap(), [""; 0], "{name}");
        }
        // One of two apps is enough.
        request.apps.push(AppRequest::new(image));
        request.apps[1].name = Some("other".parse().unwrap());
        let error = prepare(&sample, &request).unwrap_err().to_string();
        assert!(error.contains("of app other"), "{error}");
    }

    #[test]
    fn an_app_of_a_given_manifest_is_the_users_and_one_left_to_the_image_is_not() {
        let sample = Sample::new();
        let image = sample.image("example.test/wide", WIDE);
        let prepare = |app: &str| {
            let text = format!(
                r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{{"name":"a","image":{{"id":"{image}"}}{app}}}]}}"#
            );
            let request = PrepareRequest {
                manifest: Some(PodManifest::from_json(text.as_bytes()).unwrap()),
                unverified_images: UnverifiedImages::NarrowOnly,
                ..PrepareRequest::default()
            };
            prepare(&sample, &request)
        };
        assert_eq!(prepare(WIDE).unwrap(), [""; 0]);
        let error = prepare("").unwrap_err();
        assert!(matches!(error, PrepareError::Widening { .. }), "{error}");
    }

    #[test]
    fn a_hint_names_the_manifest_where_there_is_no_flag() {
        let widening = |isolator: &str| Widening {
            isolator: isolator.to_owned(),
            gives: String::new(),
        };
        let both = ["os/linux/seccomp-retain-set", "os/unix/sysctl"].map(widening);
        assert!(hint(&both).ends_with("in --pod-manifest"));
        assert!(hint(&both[..1]).contains("--seccomp"));
    }
}
