//! The manifest of a pod, made of a request and the manifests of its images.

use gantry_types::{
    AcName, ImageId, ImageManifest, PodManifest, RuntimeApp, RuntimeImage, os_arch,
};

use crate::app;
use crate::ports;
use crate::prepare_error::PrepareError;
use crate::request::PrepareRequest;
use crate::volumes;
use crate::warning::Warning;

/// The annotation that says whether apps can be added to the running pod; a stage1 may look for it.
///
/// Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md.
const MUTABLE: &str = "coreos.com/rkt/stage1/mutable";

/// Makes the manifest. `images` are those of the request's apps, in the same order.
pub(crate) fn build(
    request: &PrepareRequest,
    images: &[(ImageId, &ImageManifest)],
    warnings: &mut Vec<Warning>,
) -> Result<PodManifest, PrepareError> {
    if request.apps.is_empty() {
        return Err(PrepareError::NoApps);
    }
    let mut apps: Vec<RuntimeApp> = Vec::with_capacity(request.apps.len());
    for (wanted, (id, image)) in request.apps.iter().zip(images) {
        let name = match &wanted.name {
            Some(name) => name.clone(),
            None => AcName::from_image_name(&image.name),
        };
        if apps.iter().any(|other| other.name == name) {
            return Err(PrepareError::DuplicateApp(name));
        }
        check_machine(&name, image, warnings)?;
        let app = app::build(request, wanted, &name, *id, image)?;
        apps.push(RuntimeApp {
            name,
            image: RuntimeImage {
                name: Some(image.name.clone()),
                id: (*id).into(),
                labels: image.labels.clone(),
            },
            app: Some(app),
            read_only_root_fs: wanted.readonly_rootfs,
            mounts: wanted.mounts.clone(),
            annotations: wanted.annotations.clone(),
        });
    }
    let mut volumes = request.volumes.clone();
    volumes::resolve(&mut apps, &mut volumes, &request.mounts, warnings)?;
    ports::check(&apps, &request.ports)?;
    let mut annotations = request.annotations.clone();
    if annotations.get(MUTABLE).is_none()
        && let Ok(name) = MUTABLE.parse()
    {
        // The name is one, and not there yet.
        let _ = annotations.set(name, "false");
    }
    Ok(PodManifest {
        apps: apps.into(),
        volumes: volumes.into(),
        isolators: request.isolators.clone().into(),
        annotations,
        ports: request.ports.clone().into(),
        user_annotations: request.user_annotations.clone(),
        user_labels: request.user_labels.clone(),
        ..PodManifest::default()
    })
}

/// Refuses images for other systems; those for other machines may have an emulator.
pub(crate) fn check_machine(
    app: &AcName,
    image: &ImageManifest,
    warnings: &mut Vec<Warning>,
) -> Result<(), PrepareError> {
    let os = image
        .labels
        .get("os")
        .ok_or(PrepareError::MissingLabel("os"))?;
    let arch = image
        .labels
        .get("arch")
        .ok_or(PrepareError::MissingLabel("arch"))?;
    os_arch::check(Some(os), Some(arch))?;
    let (host_os, host_arch) = os_arch::host();
    if os != host_os {
        return Err(PrepareError::ForeignOs {
            os: os.to_owned(),
            host: host_os,
        });
    }
    if arch != host_arch && (host_arch, arch) != ("amd64", "i386") {
        warnings.push(Warning::ForeignArch {
            app: app.clone(),
            arch: arch.to_owned(),
            host: host_arch,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gantry_types::{ExposedPort, Isolator};

    use super::*;
    use crate::request::AppRequest;

    fn image(members: &str) -> ImageManifest {
        let arch = os_arch::host().1;
        image_for("linux", arch, members)
    }

    fn image_for(os: &str, arch: &str, members: &str) -> ImageManifest {
        let labels = format!(
            r#"[{{"name":"version","value":"1"}},{{"name":"os","value":"{os}"}},{{"name":"arch","value":"{arch}"}}]"#
        );
        with_labels(&labels, members)
    }

    fn with_labels(labels: &str, members: &str) -> ImageManifest {
        let json = format!(
            r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/a/Web_1","labels":{labels}{members}}}"#
        );
        ImageManifest::from_json(json.replace("Web_1", "web-1").as_bytes()).unwrap()
    }

    const APP: &str = r#","app":{"exec":["/bin/x","-a"],"user":"1","group":"2","workingDirectory":"/w",
        "environment":[{"name":"A","value":"image"},{"name":"B","value":"image"}],
        "ports":[{"name":"www","protocol":"tcp","port":80},{"name":"dns","protocol":"udp","port":53}],
        "isolators":[{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_KILL"]}},
                     {"name":"resource/memory","value":{"limit":"1G"}}]}"#;

    const ID: ImageId = ImageId::from_digest([1; 64]);

    fn app_request() -> AppRequest {
        AppRequest::new(ID)
    }

    fn build_one(
        request: &mut PrepareRequest,
        image: &ImageManifest,
    ) -> Result<PodManifest, PrepareError> {
        if request.apps.is_empty() {
            request.apps.push(app_request());
        }
        build(request, &[(ID, image)], &mut Vec::new())
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn an_image_alone_gives_its_own_app() {
        let image = image(APP);
        let pod = build_one(&mut PrepareRequest::default(), &image).unwrap();
        assert_eq!(pod.apps[0].name.as_str(), "web-1");
        assert_eq!(pod.apps[0].app, image.app);
        assert_eq!(pod.apps[0].image.labels, image.labels);
        PodManifest::from_json(&pod.to_json()).unwrap();
    }

    #[test]
    fn what_is_asked_for_replaces_what_the_image_says() {
        let mut app = app_request();
        app.exec = Some("/bin/y".into());
        app.args = vec!["1".into(), "2".into()];
        app.user = Some("u".into());
        app.group = Some("g".into());
        app.supplementary_gids = Some(vec![3]);
        app.working_dir = Some("/v".into());
        app.readonly_rootfs = true;
        app.name = Some("n".parse().unwrap());
        app.environment = pairs(&[("C", "app"), ("B", "app")]);
        let mut request = PrepareRequest {
            apps: vec![app],
            inherit_env: pairs(&[("A", "parent"), ("P", "parent"), ("BAD%%", "x")]),
            set_env: pairs(&[("C", "all"), ("S", "all")]),
            ..PrepareRequest::default()
        };
        let pod = build_one(&mut request, &image(APP)).unwrap();
        let app = pod.apps[0].app.as_ref().unwrap();
        assert_eq!(*app.exec, ["/bin/y", "1", "2"]);
        assert_eq!((app.user.as_str(), app.group.as_str()), ("u", "g"));
        assert_eq!(app.supplementary_gids, [3]);
        assert_eq!(app.working_directory, "/v");
        assert!(pod.apps[0].read_only_root_fs);
        let environment: Vec<_> = app
            .environment
            .iter()
            .map(|v| format!("{}={}", v.name, v.value))
            .collect();
        assert_eq!(
            environment,
            ["A=image", "P=parent", "B=app", "C=app", "S=all"]
        );
    }

    #[test]
    fn isolators_of_a_kind_are_replaced_and_others_stay() {
        let isolator = |name: &str, json: &str| {
            Isolator::from_json_value(name.parse().unwrap(), json.as_bytes()).unwrap()
        };
        let mut app = app_request();
        app.isolators = vec![
            isolator(
                "os/linux/capabilities-remove-set",
                r#"{"set":["CAP_CHOWN"]}"#,
            ),
            isolator("os/linux/oom-score-adj", "10"),
        ];
        let mut request = PrepareRequest {
            apps: vec![app],
            ..PrepareRequest::default()
        };
        let pod = build_one(&mut request, &image(APP)).unwrap();
        let app = pod.apps[0].app.as_ref().unwrap();
        let names: Vec<_> = app.isolators.iter().map(|i| i.name().to_string()).collect();
        assert_eq!(
            names,
            [
                "resource/memory",
                "os/linux/capabilities-remove-set",
                "os/linux/oom-score-adj"
            ]
        );
    }

    #[test]
    fn exec_makes_an_app_where_the_image_has_none() {
        let bare = image("");
        let text = build_one(&mut PrepareRequest::default(), &bare)
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            format!(
                "error: image {} has no app section and --exec argument is not provided",
                ID.key()
            )
        );
        let mut app = app_request();
        app.exec = Some("/bin/sh".into());
        let mut request = PrepareRequest {
            apps: vec![app],
            ..PrepareRequest::default()
        };
        let pod = build_one(&mut request, &bare).unwrap();
        assert_eq!(*pod.apps[0].app.as_ref().unwrap().exec, ["/bin/sh"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let table = [
            (
                with_labels("[]", APP),
                "missing os label in the image manifest",
            ),
            (
                with_labels(r#"[{"name":"os","value":"linux"}]"#, APP),
                "missing arch label in the image manifest",
            ),
            (
                image_for("freebsd", "amd64", APP),
                "bad os \"freebsd\" (must be \"linux\")",
            ),
            (
                image(r#","app":{"exec":null,"user":"0","group":"0"}"#),
                "has an empty \"exec\"",
            ),
        ];
        for (image, words) in table {
            let text = build_one(&mut PrepareRequest::default(), &image)
                .unwrap_err()
                .to_string();
            assert!(text.contains(words), "{text}");
        }
        let empty = build(&PrepareRequest::default(), &[], &mut Vec::new()).unwrap_err();
        assert_eq!(
            empty.to_string(),
            "pod must contain at least one application"
        );
        let mut app = app_request();
        app.working_dir = Some("w".into());
        let mut request = PrepareRequest {
            apps: vec![app],
            ..PrepareRequest::default()
        };
        assert!(matches!(
            build_one(&mut request, &image(APP)),
            Err(PrepareError::WorkingDirectory { .. })
        ));
        let mut app = app_request();
        app.environment = pairs(&[("1", "x")]);
        let mut request = PrepareRequest {
            apps: vec![app],
            ..PrepareRequest::default()
        };
        assert!(matches!(
            build_one(&mut request, &image(APP)),
            Err(PrepareError::Environment { .. })
        ));
    }

    #[test]
    fn an_image_for_another_machine_is_warned_about() {
        let other = if os_arch::host().1 == "aarch64" {
            "ppc64le"
        } else {
            "aarch64"
        };
        let image = image_for("linux", other, APP);
        let mut warnings = Vec::new();
        let request = PrepareRequest {
            apps: vec![app_request()],
            ..PrepareRequest::default()
        };
        build(&request, &[(ID, &image)], &mut warnings).unwrap();
        assert!(matches!(warnings[..], [Warning::ForeignArch { .. }]));
    }

    #[test]
    fn forwarded_ports_belong_to_one_app_and_do_not_clash() {
        let port = |name: &str, host_port, ip: Option<&str>| ExposedPort {
            name: name.parse().unwrap(),
            host_port,
            host_ip: ip.map(|ip| ip.parse().unwrap()),
            pod_port: None,
        };
        let check = |ports: Vec<ExposedPort>| {
            let mut request = PrepareRequest {
                ports,
                ..PrepareRequest::default()
            };
            build_one(&mut request, &image(APP)).map_err(|e| e.to_string())
        };
        check(vec![port("www", 80, None), port("dns", 80, None)]).unwrap();
        check(vec![
            port("www", 80, Some("10.0.0.1")),
            port("www", 80, Some("10.0.0.2")),
        ])
        .unwrap();
        assert_eq!(
            check(vec![port("x", 80, None)]).unwrap_err(),
            "port name \"x\" could not be found in any apps"
        );
        assert_eq!(
            check(vec![
                port("www", 80, Some("10.0.0.1")),
                port("www", 80, Some("0.0.0.0"))
            ])
            .unwrap_err(),
            "ports \"www\" and \"www\" both use port 80 of the host"
        );
        let image = image(APP);
        let mut second = app_request();
        second.name = Some("second".parse().unwrap());
        let request = PrepareRequest {
            apps: vec![app_request(), second],
            ports: vec![port("www", 80, None)],
            ..PrepareRequest::default()
        };
        let error = build(&request, &[(ID, &image), (ID, &image)], &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "port name \"www\" defined multiple apps");
    }
}
