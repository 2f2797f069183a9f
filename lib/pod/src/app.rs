//! An app as it runs: what its image says, with what was asked for laid over it.

use gantry_types::{
    AcName, App, Environment, EnvironmentError, ImageId, ImageManifest, Isolator, IsolatorError,
    Isolators,
};

use crate::prepare_error::PrepareError;
use crate::request::{AppRequest, PrepareRequest};

/// Makes the app `name` of the image's and of what was asked for.
pub(crate) fn build(
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
        app.exec = vec![exec.clone()].into();
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
/// Source: rkt 1.30, Documentation/subcommands/run.md, `--environment` (as documented, not as coded).
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

/// Those asked for take the places of the image's; the image's others stay.
fn isolators(image: &Isolators, asked: &[Isolator]) -> Result<Isolators, IsolatorError> {
    Isolators::new(kept(image, asked).chain(asked).cloned().collect())
}

/// Those of the image's that stay: others were asked for in place of those of the same name, and, for
/// capabilities and seccomp, of those of the opposite meaning too.
pub(crate) fn kept<'a>(
    image: &'a Isolators,
    asked: &[Isolator],
) -> impl Iterator<Item = &'a Isolator> {
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
    image
        .iter()
        .filter(move |isolator| !asked_groups.contains(&group(isolator)))
}
