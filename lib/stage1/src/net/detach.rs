//! Taking down a pod's networks, as often as it takes, from whatever state.

use std::ffi::OsStr;
use std::path::Path;

use super::error::{CallError, NetError};
use super::files::PluginDirectories;
use super::leftovers;
use super::namespace;
use super::plugin::{Call, Watch};
use super::record::{self, Attachment};
use super::tear_down;
use crate::failed::{Step as _, report};
use gantry_types::net::CniVersion;
use gantry_types::pod_layout;

/// Takes down what a pod that ended otherwise than in order left; the working directory is its own.
pub(crate) fn collect(uuid: &str, local_config: &Path) -> Result<(), NetError> {
    let watch = Watch {
        signals: None,
        lock: None,
    };
    // The process that the pod left it to may still be at it.
    let _lock = tear_down::exclude().step(|| format!("lock {}", pod_layout::NET))?;
    let directories = PluginDirectories::new(local_config);
    detach(uuid, &directories.as_path(), watch, "")
}

/// Takes down every network of the pod in the working directory.
///
/// Plugins get the namespace if it is still there; after a reboot it is not. What a plugin cannot take
/// down, or did not, since it failed or is gone, is looked for on the host and removed: leases of
/// addresses, rules of the packet filter.
///
/// What plugins say when they fail is reported, unless it is `told` anyway: one that could not make a network often
/// cannot take it down for the same reason.
///
/// # Errors
///
/// Only if something stays on the host; the record then stays too, for another attempt.
pub(super) fn detach(
    uuid: &str,
    plugin_path: &OsStr,
    watch: Watch<'_>,
    told: &str,
) -> Result<(), NetError> {
    let attachments = match record::read() {
        Ok(Some(attachments)) => attachments,
        Ok(None) => {
            // The record is written before the namespace is pinned, unless a power cut took it.
            let exists = |path: &str| Path::new(path).exists();
            if exists(pod_layout::NETNS) && !exists(pod_layout::NET) {
                leftovers::remove(uuid, &[]).map_err(|why| left("", why))?;
            }
            return Ok(namespace::unpin(uuid)?);
        }
        Err(error) => {
            // Written by us and damaged since: the host is searched instead.
            report(format_args!("warning: {}", crate::failed::Chain(&error)));
            leftovers::remove(uuid, &[]).map_err(|why| left("", why))?;
            namespace::unpin(uuid)?;
            return Ok(record::remove(&[])?);
        }
    };
    let is_pinned = namespace::is_pinned(uuid);
    let netns = if is_pinned {
        namespace::path(uuid)
    } else {
        String::new()
    };
    let mut clean = is_pinned;
    for attachment in attachments.iter().rev() {
        if let Err(error) = delete(attachment, uuid, &netns, plugin_path, watch) {
            clean = false;
            let error = crate::failed::Chain(&error).to_string();
            if error != told {
                report(format_args!("warning: {error}"));
            }
        }
    }
    if !clean {
        let first = attachments.first();
        let network = first.map_or("", |attachment| attachment.network.as_str());
        leftovers::remove(uuid, &attachments).map_err(|why| left(network, why))?;
    }
    namespace::unpin(uuid)?;
    Ok(record::remove(&attachments)?)
}

fn left(network: &str, why: std::io::Error) -> NetError {
    NetError::Left {
        network: network.to_owned(),
        why: why.to_string(),
    }
}

/// Calls DEL of a network's plugins in reverse order; the first failure is returned after all were called.
fn delete(
    attachment: &Attachment,
    uuid: &str,
    netns: &str,
    plugin_path: &OsStr,
    watch: Watch<'_>,
) -> Result<(), NetError> {
    let mut result = Ok(());
    for plugin in attachment.plugins.iter().rev() {
        // It may have been installed anew elsewhere.
        let elsewhere = || {
            let mut directories = std::env::split_paths(plugin_path);
            directories.find_map(|directory| {
                let program = directory.join(&plugin.kind);
                program.is_file().then_some(program)
            })
        };
        let program = Some(plugin.program.clone()).filter(|program| program.is_file());
        let Some(program) = program.or_else(elsewhere) else {
            let directories = std::env::split_paths(plugin_path).collect();
            result = result.and(Err(NetError::NoPlugin {
                network: attachment.network.clone(),
                file: attachment.file.clone(),
                plugin: plugin.kind.clone(),
                directories,
            }));
            continue;
        };
        let previous = attachment
            .result
            .as_ref()
            .filter(|_| plugin.version >= CniVersion::V0_3_0);
        let call = Call {
            command: "DEL",
            program: &program,
            version: plugin.version,
            container: uuid,
            netns,
            interface: &attachment.interface,
            args: &attachment.args,
            plugin_path,
        };
        let called = call.run(&plugin.input(previous), watch, || {});
        result = result.and(
            called
                .map(drop)
                .map_err(|failure: CallError| NetError::Plugin {
                    network: attachment.network.clone(),
                    file: attachment.file.clone(),
                    plugin: plugin.kind.clone(),
                    failure: Box::new(failure),
                }),
        );
    }
    result
}
