//! GC: plugins remove what belongs to no pod that is left.
//!
//! Source: CNI specification 1.1.0, "GC: Clean up any stale resources".

use std::path::Path;

use serde_json::{Value, json};

use gantry_types::net::Definition;

use super::files::{self, PluginDirectories};
use super::plugin::{Call, Watch};

/// Calls GC of every network that has it, with the attachments that are `valid`, and returns what the plugins say
/// about each.
pub(super) fn collect(local_config: &Path, valid: &Value) -> Vec<Value> {
    let catalog = files::catalog(local_config);
    let directories = PluginDirectories::new(local_config);
    let collected = catalog.definitions.iter().filter(|d| d.is_collected());
    collected
        .map(|definition| {
            let why = failures(definition, &directories, valid).join("; ");
            json!({
                "network": definition.network.name,
                "outcome": if why.is_empty() { "ok" } else { "failed" },
                "why": why,
            })
        })
        .collect()
}

/// The same networks, none of which is collected, for `why`.
pub(super) fn skipped(local_config: &Path, why: &str) -> Vec<Value> {
    let catalog = files::catalog(local_config);
    let left_out = catalog.definitions.iter().filter(|d| d.is_collected());
    let skipped = |definition: &Definition| json!({"network": definition.network.name, "outcome": "skipped", "why": why});
    left_out.map(skipped).collect()
}

/// All plugins of the chain are called, whatever one of them says. Source: the same.
fn failures(
    definition: &Definition,
    directories: &PluginDirectories,
    valid: &Value,
) -> Vec<String> {
    let network = &definition.network;
    let mut failures = Vec::new();
    for conf in &network.plugins {
        let Some(program) = directories.find(&conf.kind) else {
            failures.push(format!("plugin \"{}\" is not installed", conf.kind));
            continue;
        };
        let mut configuration = conf.to_json(&network.name, network.version);
        configuration.insert("cni.dev/valid-attachments".to_owned(), valid.clone());
        let call = Call {
            command: "GC",
            program: &program,
            version: network.version,
            container: "",
            netns: "",
            interface: "",
            args: "",
            plugin_path: &directories.as_path(),
        };
        let watch = Watch {
            signals: None,
            lock: None,
        };
        let input = Value::from(configuration).to_string();
        if let Err(failure) = call.run(input.as_bytes(), watch, || {}) {
            failures.push(format!("plugin \"{}\" {failure}", conf.kind));
        }
    }
    failures
}
