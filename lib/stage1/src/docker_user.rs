//! Groups that images from Docker have only because every app must have one.

use gantry_types::{App, ImageManifest, RuntimeApp, pod_layout};

use crate::plan::read;

/// The annotation that tells of a conversion. Source: appc/docker2aci, lib/common.
const FROM_DOCKER: &str = "appc.io/docker/repository";

/// Whether a group that the image does not know has the number of the user.
///
/// Docker's format has users without groups. What converts such images names the group like the user,
/// whether there is one or not. Source: rkt 1.30, stage1/init/common/pod.go, `parseUserGroup`.
pub(crate) fn group_is_users(runtime: &RuntimeApp, app: &App) -> bool {
    // Numbers and paths are no names that could be missing, so that in most cases nothing is read.
    let group = app.group.as_str();
    if group == "root" || group.starts_with('/') || group.bytes().all(|byte| byte.is_ascii_digit())
    {
        return false;
    }
    let json = read(&pod_layout::app_manifest(&runtime.name));
    let Some(manifest) = json
        .ok()
        .and_then(|json| ImageManifest::from_json(&json).ok())
    else {
        return false;
    };
    let from_docker = manifest.annotations.get(FROM_DOCKER).is_some();
    let image = manifest.app.as_ref();
    from_docker && image.is_some_and(|image| image.user == image.group && image.group == app.group)
}
