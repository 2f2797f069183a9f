//! CHECK: whether a running pod's networks are as they were made.
//!
//! Source: CNI specification 1.1.0, "CHECK: Check container's networking is as expected".

use std::ffi::OsStr;

use serde_json::{Value, json};

use gantry_types::net::CniVersion;

use super::error::NetError;
use super::namespace;
use super::plugin::{Call, Watch};
use super::record::{self, Attachment};

/// What the plugins say about each network of the pod in the working directory.
pub(super) fn all(uuid: &str, plugin_path: &OsStr) -> Result<Vec<Value>, NetError> {
    let attachments = record::read()?.unwrap_or_default();
    let netns = namespace::path(uuid);
    let checks = attachments.iter().map(|attachment| {
        let (outcome, why) = outcome(attachment, uuid, &netns, plugin_path);
        json!({
            "network": attachment.network,
            "interface": attachment.interface,
            "outcome": outcome,
            "why": why,
        })
    });
    Ok(checks.collect())
}

/// `ok`, `failed` or `skipped`, and why.
fn outcome(
    attachment: &Attachment,
    uuid: &str,
    netns: &str,
    plugin_path: &OsStr,
) -> (&'static str, String) {
    if attachment.disable_check {
        return ("skipped", "its definition says disableCheck".to_owned());
    }
    let Some(result) = &attachment.result else {
        return ("skipped", "it is being set up".to_owned());
    };
    for plugin in &attachment.plugins {
        if plugin.version < CniVersion::V0_4_0 {
            let why = format!("cniVersion {} has no CHECK", plugin.version);
            return ("skipped", why);
        }
        let call = Call {
            command: "CHECK",
            program: &plugin.program,
            version: plugin.version,
            container: uuid,
            netns,
            interface: &attachment.interface,
            args: &attachment.args,
            plugin_path,
        };
        let watch = Watch {
            signals: None,
            lock: None,
        };
        if let Err(failure) = call.run(&plugin.input(Some(result)), watch, || {}) {
            return ("failed", format!("plugin \"{}\" {failure}", plugin.kind));
        }
    }
    ("ok", String::new())
}
