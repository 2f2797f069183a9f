//! `rkt net gc`

use clap::Args;
use gantry_cli::{Context, Failure, note, report, say};
use gantry_pod::{NetCheck, NetOutcome, Owner, RemoveOptions, TraceKind, Traces, network_catalog};
use gantry_types::net::Definition;
use serde_json::{Value, json};

use super::net::Networks;
use crate::cli::Globals;
use crate::rootless::is_root;
use crate::setup::{Format, json as text, registrar};

/// Remove what pods that are gone left
#[derive(Args, Debug)]
pub(crate) struct GcArgs {
    /// Only tell what is left and whose it is, remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Data for programs in place of lines
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// What became of a container's traces.
struct Fate {
    traces: Traces,
    removed: bool,
    error: Option<Failure>,
}

impl GcArgs {
    /// Removes.
    ///
    /// # Errors
    ///
    /// When this host cannot be looked at; when something stays that should not, after the rest was removed.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        if !is_root() {
            return Err(Failure::environment(
                "cannot look at this host's networks as unprivileged user",
            )
            .with_hint("run it as root"));
        }
        let networks = Networks::load("gc", globals, context)?;
        let all = networks.owners()?;
        let elsewhere = all.iter().any(|traces| traces.owner == Owner::Elsewhere);
        let fates: Vec<Fate> = all
            .into_iter()
            .map(|traces| self.decide(traces, &networks, globals))
            .collect();
        let collected = match self.dry_run {
            true => Vec::new(),
            false => collect(&networks, elsewhere, context)?,
        };
        match self.format {
            Some(format) => say(context.out, text(&Ok(data(&fates, &collected)), format)?)?,
            None => lines(&fates, self.dry_run, context)?,
        }
        let mut failed = false;
        for error in fates.iter().filter_map(|fate| fate.error.as_ref()) {
            report("gc", error, globals.debug, context.err);
            failed = true;
        }
        for check in collected.iter().filter(|c| c.outcome == NetOutcome::Failed) {
            let (network, why) = (&check.network, &check.why);
            note(context.err, format_args!("gc: network {network}: {why}"));
            failed = true;
        }
        match failed {
            true => Err(Failure::environment("something stays that should not")),
            false => Ok(()),
        }
    }

    fn decide(&self, traces: Traces, networks: &Networks, globals: &Globals) -> Fate {
        let removed = match traces.uuid {
            Some(uuid) if !self.dry_run => match traces.owner {
                Owner::Gone => networks
                    .host()
                    .forget(uuid)
                    .map(|()| true)
                    .map_err(Into::into),
                Owner::Ended => {
                    let registrar = registrar();
                    let options = RemoveOptions {
                        stage1: networks.host().stage1,
                        local_config: networks.host().local_config,
                        registrar: &registrar,
                        debug: globals.debug,
                    };
                    match networks.pods.get(uuid) {
                        Ok(Some(pod)) => pod.take_down_networks(&options).map_err(Into::into),
                        // Collected meanwhile, with all that it had.
                        Ok(None) => Ok(true),
                        Err(error) => Err(Failure::environment(format!(
                            "cannot read pod \"{uuid}\": {error}"
                        ))),
                    }
                }
                Owner::Running | Owner::Elsewhere | Owner::Unknown => Ok(false),
            },
            _ => Ok(false),
        };
        let (removed, error) = match removed {
            Ok(removed) => (removed, None),
            Err(error) => (false, Some(error)),
        };
        Fate {
            traces,
            removed,
            error,
        }
    }
}

/// Has plugins collect after pods were, where networks want it; what they complain of does not fail the command.
pub(super) fn after_pods(globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
    let catalog = network_catalog(&globals.local_config);
    if !catalog.definitions.iter().any(Definition::is_collected) {
        return Ok(());
    }
    let networks = Networks::load("gc", globals, context)?;
    let owners = networks.owners()?;
    let elsewhere = owners.iter().any(|one| one.owner == Owner::Elsewhere);
    for check in collect(&networks, elsewhere, context)? {
        if check.outcome == NetOutcome::Failed {
            let (network, why) = (&check.network, &check.why);
            note(context.err, format_args!("gc: network {network}: {why}"));
        }
    }
    Ok(())
}

/// Has plugins collect, where networks want it.
fn collect(
    networks: &Networks,
    elsewhere: bool,
    context: &mut Context<'_>,
) -> Result<Vec<NetCheck>, Failure> {
    let mut definitions = networks.catalog.definitions.iter();
    if !definitions.any(|definition| definition.is_collected()) {
        return Ok(Vec::new());
    }
    if elsewhere {
        note(
            context.err,
            "gc: plugins are not told which attachments are left, for pods of another data directory run here",
        );
        return Ok(Vec::new());
    }
    Ok(networks.pods.collect_networks(&networks.host())?)
}

fn lines(fates: &[Fate], dry_run: bool, context: &mut Context<'_>) -> Result<(), Failure> {
    for fate in fates {
        let Traces {
            container,
            owner,
            traces,
            ..
        } = &fate.traces;
        // What a running pod has is no garbage, and others' is not ours to tell.
        let is_told = matches!(owner, Owner::Gone | Owner::Ended) && (dry_run || fate.removed);
        if !is_told {
            continue;
        }
        let action = if dry_run {
            "left of"
        } else {
            "removed what was left of"
        };
        let count = |kind: TraceKind| traces.iter().filter(|trace| trace.kind == kind).count();
        let parts: Vec<String> = [TraceKind::Namespace, TraceKind::Lease, TraceKind::Rule]
            .into_iter()
            .filter(|kind| count(*kind) > 0)
            .map(|kind| format!("{} {}(s)", count(kind), kind.as_str()))
            .collect();
        say(
            context.out,
            format_args!(
                "{action} pod \"{container}\" ({}): {}",
                owner.as_str(),
                parts.join(", ")
            ),
        )?;
        for trace in traces {
            say(context.out, format_args!("  {}", trace.what))?;
        }
    }
    Ok(())
}

fn data(fates: &[Fate], collected: &[NetCheck]) -> Value {
    let containers: Vec<Value> = fates
        .iter()
        .map(|fate| {
            json!({
                "container": fate.traces.container,
                "owner": fate.traces.owner.as_str(),
                "removed": fate.removed,
                "traces": fate.traces.traces,
            })
        })
        .collect();
    json!({"containers": containers, "collected": collected})
}
