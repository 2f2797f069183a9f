//! The manifest of a pod, made of a request and the manifests of its images.

use gantry_types::{
    AcName, App, Environment, EnvironmentError, ExposedPort, ImageId, ImageManifest, Isolator,
    IsolatorError, Isolators, PodManifest, RuntimeApp, RuntimeImage, os_arch,
};

use crate::prepare_error::PrepareError;
use crate::request::{AppRequest, PrepareRequest};
use crate::volumes;
use crate::warning::Warning;

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
        let app = build_app(request, wanted, &name, *id, image)?;
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
    check_ports(&apps, &request.ports)?;
    Ok(PodManifest {
        apps,
        volumes,
        isolators: request.isolators.clone(),
        annotations: request.annotations.clone(),
        ports: request.ports.clone(),
        user_annotations: request.user_annotations.clone(),
        user_labels: request.user_labels.clone(),
        ..PodManifest::default()
    })
}

/// Refuses images for other systems; those for other machines may have an emulator.
fn check_machine(
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

fn build_app(
    request: &PrepareRequest,
    wanted: &AppRequest,
    name: &AcName,
    id: ImageId,
    image: &ImageManifest,
) -> Result<App, PrepareError> {
    let mut app = match (&image.app, &wanted.exec) {
        (Some(app), _) => app.clone(),
        (None, Some(_)) => App {
            user: rustix::process::getuid().as_raw().to_string(),
            group: rustix::process::getgid().as_raw().to_string(),
            ..App::default()
        },
        (None, None) => return Err(PrepareError::NoAppSection { id }),
    };
    if let Some(exec) = &wanted.exec {
        app.exec = vec![exec.clone()];
    }
    app.exec.extend(wanted.args.iter().cloned());
    if app.exec.first().is_none_or(String::is_empty) {
        return Err(PrepareError::EmptyExec { id });
    }
    if let Some(user) = &wanted.user {
        app.user.clone_from(user);
    }
    if let Some(group) = &wanted.group {
        app.group.clone_from(group);
    }
    if let Some(gids) = &wanted.supplementary_gids {
        app.supplementary_gids = gids.iter().map(|&gid| gid.into()).collect();
    }
    if let Some(dir) = &wanted.working_dir {
        if !dir.starts_with('/') {
            return Err(PrepareError::WorkingDirectory {
                app: name.clone(),
                path: dir.clone(),
            });
        }
        app.working_directory.clone_from(dir);
    }
    app.environment = environment(request, wanted, &app.environment).map_err(|source| {
        PrepareError::Environment {
            app: name.clone(),
            source,
        }
    })?;
    app.isolators =
        isolators(&app.isolators, &wanted.isolators).map_err(|source| PrepareError::Isolators {
            app: name.clone(),
            source,
        })?;
    app.user_annotations.extend(wanted.user_annotations.clone());
    app.user_labels.extend(wanted.user_labels.clone());
    Ok(app)
}

/// Lowest precedence first: the caller's environment, the image's, that for all apps, the app's own.
///
/// Source: contract/rkt-cli.md 3, row `--environment` (as documented, not as rkt coded it).
fn environment(
    request: &PrepareRequest,
    wanted: &AppRequest,
    image: &Environment,
) -> Result<Environment, EnvironmentError> {
    let mut environment = Environment::default();
    for (name, value) in &request.inherit_env {
        // Shells export functions under names that appc forbids; those stay behind.
        let _ = environment.set(name.as_str(), value.as_str());
    }
    let image = image
        .iter()
        .map(|variable| (&variable.name, &variable.value));
    let asked = request.set_env.iter().chain(&wanted.environment);
    for (name, value) in image.chain(asked.map(|(name, value)| (name, value))) {
        environment.set(name.as_str(), value.as_str())?;
    }
    Ok(environment)
}

/// Those asked for replace the image's of the same name, and, for capabilities and seccomp, those of
/// the opposite meaning too; the image's others stay.
fn isolators(image: &Isolators, asked: &[Isolator]) -> Result<Isolators, IsolatorError> {
    let group = |isolator: &Isolator| {
        let name = isolator.name().as_str();
        let groups = ["os/linux/capabilities-", "os/linux/seccomp-"];
        groups
            .into_iter()
            .find(|prefix| name.starts_with(prefix))
            .unwrap_or(name)
            .to_owned()
    };
    let asked_groups: Vec<String> = asked.iter().map(group).collect();
    let kept = image
        .iter()
        .filter(|isolator| !asked_groups.contains(&group(isolator)));
    Isolators::new(kept.chain(asked).cloned().collect())
}

/// Every forwarded port is one app's, and no two share a port of the host.
fn check_ports(apps: &[RuntimeApp], ports: &[ExposedPort]) -> Result<(), PrepareError> {
    let mut taken: Vec<(&ExposedPort, &str)> = Vec::new();
    for port in ports {
        let protocol = if let Some(port) = &port.pod_port {
            port.protocol.as_str()
        } else {
            let declared = || {
                apps.iter()
                    .flat_map(|app| &app.app)
                    .flat_map(|app| &app.ports)
            };
            let mut found = declared().filter(|declared| declared.name == port.name);
            let declared = found
                .next()
                .ok_or_else(|| PrepareError::UnknownPort(port.name.clone()))?;
            if found.next().is_some() {
                return Err(PrepareError::AmbiguousPort(port.name.clone()));
            }
            declared.protocol.as_str()
        };
        let any = |port: &ExposedPort| port.host_ip.is_none_or(|ip| ip.is_unspecified());
        let clash = taken.iter().find(|(other, other_protocol)| {
            other.host_port == port.host_port
                && *other_protocol == protocol
                && (other.host_ip == port.host_ip || any(other) || any(port))
        });
        if let Some((other, _)) = clash {
            return Err(PrepareError::PortConflict {
                first: other.name.clone(),
                second: port.name.clone(),
                host_port: port.host_port,
            });
        }
        taken.push((port, protocol));
    }
    Ok(())
}
