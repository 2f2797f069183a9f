//! `rkt net …`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gantry_cli::{Context, Failure, report};
use gantry_pod::{Attached, NetHost, PodsDir, Traces, network_catalog};
use gantry_types::net::{Catalog, Definition, Origin};
use serde_json::{Value, json};

use super::net_gc::GcArgs;
use super::net_inspect::InspectArgs;
use super::net_ls::LsArgs;
use super::net_reload::ReloadArgs;
use crate::cli::Globals;
use crate::setup::Setup;

/// Look after the networks that pods join
#[derive(Args, Debug)]
#[command(arg_required_else_help = true, infer_subcommands = true)]
pub(crate) struct NetArgs {
    /// What to do.
    #[command(subcommand)]
    command: NetCommand,
}

#[derive(Subcommand, Debug)]
enum NetCommand {
    /// Remove what pods that are gone left: network namespaces, leases of addresses, rules of the packet filter
    ///
    /// Nothing of a running pod is touched, nor what may be another tool's. Pods of other data directories are known
    /// by their processes, so it must run where all of this host's processes are seen. Plugins of CNI 1.1 are told
    /// which attachments are left.
    Gc(GcArgs),
    /// Show networks and pods' attachments in detail; for a running pod the plugins are asked to check them
    ///
    /// Exit status 1 if a plugin complains.
    Inspect(InspectArgs),
    /// List the networks that are defined, and how many pods use them
    #[command(visible_alias = "list")]
    Ls(LsArgs),
    /// Read all definitions, tell what is wrong with them and which pods run with older ones
    ///
    /// Nothing has to be told about a new definition: every pod reads them when it starts. Exit status 1 if
    /// something is wrong.
    Reload(ReloadArgs),
}

impl NetArgs {
    /// The name of the command at the end of the line.
    pub(crate) fn leaf(&self) -> &'static str {
        match self.command {
            NetCommand::Gc(_) => "gc",
            NetCommand::Inspect(_) => "inspect",
            NetCommand::Ls(_) => "ls",
            NetCommand::Reload(_) => "reload",
        }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// What the single commands say.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        match &self.command {
            NetCommand::Gc(args) => args.run(globals, context),
            NetCommand::Inspect(args) => args.run(globals, context),
            NetCommand::Ls(args) => args.run(globals, context),
            NetCommand::Reload(args) => args.run(globals, context),
        }
    }
}

/// What the commands look at.
pub(super) struct Networks {
    pub(super) catalog: Catalog,
    pub(super) plugins: BTreeMap<String, Option<PathBuf>>,
    pub(super) pods: PodsDir,
    pub(super) attached: Vec<Attached>,
    stage1: PathBuf,
    local_config: PathBuf,
}

impl Networks {
    /// Reads it. Pods that cannot be read are reported as trouble of `command`.
    ///
    /// # Errors
    ///
    /// When the directory of pods cannot be read at all, or stage1 is missing.
    pub(super) fn load(
        command: &str,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        let setup = Setup::new(globals)?;
        let pods = setup.pods()?;
        let stage1 = setup.stage1()?;
        let mut problems = Vec::new();
        let attached = pods.attached(|uuid, error| {
            problems.push(format!(
                "cannot tell the networks of pod \"{uuid}\": {error}"
            ));
        });
        let attached = attached
            .map_err(|error| Failure::environment(format!("cannot read the pods: {error}")))?;
        for problem in problems {
            let problem = Failure::environment(problem);
            report(command, &problem, globals.debug, context.err);
        }
        let local_config = globals.local_config.clone();
        let host = NetHost {
            stage1: &stage1,
            local_config: &local_config,
        };
        Ok(Self {
            catalog: network_catalog(&local_config),
            plugins: host.plugins()?,
            pods,
            attached,
            stage1,
            local_config,
        })
    }

    pub(super) fn host(&self) -> NetHost<'_> {
        NetHost {
            stage1: &self.stage1,
            local_config: &self.local_config,
        }
    }

    /// Whose is what networks left on this host. Needs root.
    ///
    /// # Errors
    ///
    /// When this host or the pods cannot be looked at.
    pub(super) fn owners(&self) -> Result<Vec<Traces>, Failure> {
        let traces = self.host().traces()?;
        let owners = self.pods.owners(traces, |network| self.is_own(network));
        owners.map_err(|error| Failure::environment(format!("cannot read the pods: {error}")))
    }

    /// The pods in network `name`.
    pub(super) fn users(&self, name: &str) -> Vec<&Attached> {
        let has_it = |pod: &&Attached| pod.attachments.iter().any(|a| a.network == name);
        self.attached.iter().filter(has_it).collect()
    }

    /// Whether no other tool uses the network, as far as its definition tells.
    pub(super) fn is_own(&self, name: &str) -> bool {
        let definition = self.catalog.find(name);
        definition.is_some_and(|definition| definition.origin != Origin::Shared)
    }

    /// Plugins of a network that are not installed.
    pub(super) fn missing(&self, definition: &Definition) -> Vec<String> {
        let plugins = definition.network.plugins.iter();
        let names = plugins.flat_map(|conf| std::iter::once(conf.kind.as_str()).chain(conf.ipam()));
        let mut missing: Vec<String> = names
            .filter(|name| self.program(name).is_none())
            .map(ToOwned::to_owned)
            .collect();
        missing.dedup();
        missing
    }

    pub(super) fn program(&self, plugin: &str) -> Option<&Path> {
        self.plugins.get(plugin)?.as_deref()
    }

    /// A definition, with who uses it.
    pub(super) fn definition_json(&self, definition: &Definition) -> Value {
        let network = &definition.network;
        let plugins: Vec<Value> = network
            .plugins
            .iter()
            .map(|conf| {
                json!({
                    "type": conf.kind,
                    "program": self.program(&conf.kind),
                    "configuration": conf.to_json(&network.name, network.version),
                })
            })
            .collect();
        json!({
            "name": network.name,
            "origin": definition.origin.as_str(),
            "file": definition.path,
            "cniVersion": network.version.as_str(),
            "plugins": plugins,
            "missing": self.missing(definition),
            "pods": self.users_json(&network.name),
        })
    }

    pub(super) fn users_json(&self, name: &str) -> Vec<Value> {
        let users = self.users(name);
        let attachments = users.iter().flat_map(|pod| {
            let own = pod.attachments.iter().filter(|a| a.network == name);
            own.map(|attachment| {
                json!({
                    "uuid": pod.pod.uuid().to_string(),
                    "state": pod.state.as_str(),
                    "interface": attachment.interface,
                    "addresses": pod.addresses(name),
                })
            })
        });
        attachments.collect()
    }

    /// Files that cannot be used, and why.
    pub(super) fn errors_json(&self) -> Vec<Value> {
        let errors = self.catalog.errors.iter();
        let errors = errors.map(|(origin, error)| {
            json!({
                "file": error.file,
                "origin": origin.as_str(),
                "network": error.network,
                "error": error.to_string(),
            })
        });
        errors.collect()
    }

    /// Definitions that another one of the same name overrides.
    pub(super) fn overridden_json(&self) -> Vec<Value> {
        let overridden = self.catalog.overridden.iter();
        let overridden = overridden
            .map(|(file, name, winner)| json!({"file": file, "network": name, "by": winner}));
        overridden.collect()
    }
}
