//! `rkt net reload`

use std::path::Path;

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_pod::{Attached, Attachment};
use gantry_types::net::{Definition, NetworkDefinition};
use serde_json::{Value, json};

use super::net::Networks;
use crate::cli::Globals;
use crate::setup::{Format, json as text};

/// Read all definitions, tell what is wrong with them and which pods run with older ones
#[derive(Args, Debug)]
pub(crate) struct ReloadArgs {
    /// Data for programs in place of lines
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// A running pod whose network is defined otherwise now.
struct Older<'a> {
    pod: &'a Attached,
    network: &'a str,
    how: &'static str,
}

impl ReloadArgs {
    /// Tells it.
    ///
    /// # Errors
    ///
    /// Status 1 if a definition cannot be used.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let networks = Networks::load("reload", globals, context)?;
        let older = older(&networks);
        match self.format {
            Some(format) => say(context.out, text(&Ok(data(&networks, &older)), format)?)?,
            None => lines(&networks, &older, context)?,
        }
        let is_wrong = |definition: &Definition| !networks.missing(definition).is_empty();
        let catalog = &networks.catalog;
        match !catalog.errors.is_empty() || catalog.definitions.iter().any(is_wrong) {
            true => Err(Failure::Status(1)),
            false => Ok(()),
        }
    }
}

fn older(networks: &Networks) -> Vec<Older<'_>> {
    let running = networks
        .attached
        .iter()
        .filter(|pod| !pod.state.has_exited());
    let all = running.flat_map(|pod| {
        pod.attachments.iter().filter_map(|attachment| {
            let network = attachment.network.as_str();
            let how = change(pod, attachment, networks.catalog.find(network))?;
            Some(Older { pod, network, how })
        })
    });
    all.collect()
}

/// How a definition differs from what the pod was started with, if it does.
fn change(pod: &Attached, was: &Attachment, is: Option<&Definition>) -> Option<&'static str> {
    let Some(is) = is else {
        return Some("is no longer defined");
    };
    let bytes = pod.pod.read(&was.copy).ok().flatten()?;
    // A copy has the name of the file, and with it the form.
    match NetworkDefinition::parse(Path::new(&was.copy), &bytes) {
        Ok(network) if network == is.network => None,
        Ok(_) | Err(_) => Some("was changed"),
    }
}

fn lines(
    networks: &Networks,
    older: &[Older<'_>],
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    for definition in &networks.catalog.definitions {
        let (name, file) = (&definition.network.name, definition.path.display());
        let missing = networks.missing(definition);
        if missing.is_empty() {
            say(context.out, format_args!("ok       {name}: {file}"))?;
        }
        for plugin in missing {
            say(
                context.out,
                format_args!("wrong    {name}: {file}: plugin \"{plugin}\" is not installed"),
            )?;
        }
    }
    for (_, error) in &networks.catalog.errors {
        say(context.out, format_args!("wrong    {error}"))?;
    }
    for (file, name, winner) in &networks.catalog.overridden {
        let (file, winner) = (file.display(), winner.display());
        say(
            context.out,
            format_args!("unused   {name}: {file} is overridden by {winner}"),
        )?;
    }
    for Older { pod, network, how } in older {
        let uuid = pod.pod.uuid();
        say(
            context.out,
            format_args!("older    pod \"{uuid}\" was started before network {network} {how}"),
        )?;
    }
    Ok(())
}

fn data(networks: &Networks, older: &[Older<'_>]) -> Value {
    let definitions: Vec<Value> = networks
        .catalog
        .definitions
        .iter()
        .map(|definition| {
            json!({
                "name": definition.network.name,
                "origin": definition.origin.as_str(),
                "file": definition.path,
                "missing": networks.missing(definition),
            })
        })
        .collect();
    let older: Vec<Value> = older
        .iter()
        .map(|Older { pod, network, how }| {
            json!({"uuid": pod.pod.uuid().to_string(), "network": network, "why": how})
        })
        .collect();
    json!({
        "networks": definitions,
        "errors": networks.errors_json(),
        "overridden": networks.overridden_json(),
        "older": older,
    })
}
