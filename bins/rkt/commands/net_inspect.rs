//! `rkt net inspect`

use clap::Args;
use gantry_cli::{Context, Failure, report, say};
use gantry_pod::{Attached, NetCheck, NetOutcome, State};
use gantry_types::net::Definition;
use serde_json::{Value, json};

use super::net::Networks;
use crate::cli::Globals;
use crate::rootless::is_root;
use crate::setup::{Format, json as text};

/// Show networks and pods' attachments in detail
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// Names of networks, and UUIDs of pods or prefixes of them
    #[arg(value_name = "NETWORK|UUID", required = true)]
    names: Vec<String>,
    /// Data for programs in place of lines
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// What a name stands for.
enum Found<'a> {
    Network(&'a Definition),
    Pod(Attached, Vec<NetCheck>),
}

impl InspectArgs {
    /// Shows what each name stands for.
    ///
    /// # Errors
    ///
    /// Names that stand for nothing, after the others were shown; status 1 if a plugin complains.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let networks = Networks::load("inspect", globals, context)?;
        let (mut found, mut unknown) = (Vec::new(), false);
        for name in &self.names {
            match find(name, &networks) {
                Ok(one) => found.push(one),
                Err(failure) => {
                    unknown = true;
                    report("inspect", &failure, globals.debug, context.err);
                }
            }
        }
        match self.format {
            Some(format) => {
                let all: Value = found.iter().map(|one| data(one, &networks)).collect();
                say(context.out, text(&Ok(all), format)?)?;
            }
            None => {
                for one in &found {
                    lines(one, &networks, context)?;
                }
            }
        }
        if unknown {
            return Err(Failure::environment("cannot inspect all that was named"));
        }
        let complains = found.iter().any(|one| match one {
            Found::Network(_) => false,
            Found::Pod(_, checks) => checks.iter().any(|c| c.outcome == NetOutcome::Failed),
        });
        match complains {
            true => Err(Failure::Status(1)),
            false => Ok(()),
        }
    }
}

fn find<'a>(name: &str, networks: &'a Networks) -> Result<Found<'a>, Failure> {
    if let Some(definition) = networks.catalog.find(name) {
        return Ok(Found::Network(definition));
    }
    if let Some((_, error)) = networks
        .catalog
        .errors
        .iter()
        .find(|(_, error)| error.network.as_deref() == Some(name))
    {
        return Err(error.clone().into());
    }
    let pod = networks.pods.lookup(name).map_err(|error| {
        Failure::environment(format!(
            "{name:?} is no network that is defined, and no pod: {error}"
        ))
    })?;
    let uuid = pod.uuid();
    let attached = pod.attached().map_err(|error| {
        Failure::environment(format!(
            "cannot tell the networks of pod \"{uuid}\": {error}"
        ))
    })?;
    let checks = match attached.state {
        State::Running if is_root() && !attached.attachments.is_empty() => {
            networks.host().check(&attached.pod)?
        }
        _ => Vec::new(),
    };
    Ok(Found::Pod(attached, checks))
}

fn data(found: &Found<'_>, networks: &Networks) -> Value {
    match found {
        Found::Network(definition) => networks.definition_json(definition),
        Found::Pod(pod, checks) => json!({
            "uuid": pod.pod.uuid().to_string(),
            "state": pod.state.as_str(),
            "attachments": pod.attachments,
            "networks": pod.networks,
            "checks": checks,
        }),
    }
}

fn lines(found: &Found<'_>, networks: &Networks, context: &mut Context<'_>) -> Result<(), Failure> {
    match found {
        Found::Network(definition) => network_lines(definition, networks, context),
        Found::Pod(pod, checks) => pod_lines(pod, checks, context),
    }
}

fn network_lines(
    definition: &Definition,
    networks: &Networks,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let network = &definition.network;
    let mut line = |key: &str, value: &str| say(context.out, format_args!("{key}={value}"));
    line("network", &network.name)?;
    line("origin", definition.origin.as_str())?;
    line("file", &definition.path.display().to_string())?;
    line("cniVersion", network.version.as_str())?;
    for conf in &network.plugins {
        for name in std::iter::once(conf.kind.as_str()).chain(conf.ipam()) {
            let program = networks.program(name);
            let program = program.map(|path| path.display().to_string());
            line(
                "plugin",
                &format!("{name} {}", program.as_deref().unwrap_or("not installed")),
            )?;
        }
    }
    for pod in networks.users(&network.name) {
        for attachment in pod.attachments.iter().filter(|a| a.network == network.name) {
            let uuid = pod.pod.uuid();
            let addresses = pod.addresses(&network.name).join(" ");
            let text = format!("{uuid} {} {} {addresses}", pod.state, attachment.interface);
            line("pod", text.trim_end())?;
        }
    }
    Ok(())
}

fn pod_lines(
    pod: &Attached,
    checks: &[NetCheck],
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mut line = |key: &str, value: &str| say(context.out, format_args!("{key}={value}"));
    line("pod", &pod.pod.uuid().to_string())?;
    line("state", pod.state.as_str())?;
    for attachment in &pod.attachments {
        let (network, interface) = (&attachment.network, &attachment.interface);
        let addresses = pod.addresses(network).join(" ");
        line(
            "network",
            format!("{network} {interface} {addresses}").trim_end(),
        )?;
        line("file", &attachment.file.display().to_string())?;
        for plugin in &attachment.plugins {
            let program = plugin.program.display();
            line("plugin", &format!("{} {program}", plugin.kind))?;
        }
        for check in checks.iter().filter(|check| check.network == *network) {
            let outcome = check.outcome.as_str();
            line("check", format!("{outcome} {}", check.why).trim_end())?;
        }
    }
    Ok(())
}
