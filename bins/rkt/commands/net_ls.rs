//! `rkt net ls`

use clap::Args;
use gantry_cli::{Context, Failure, Table, note, say};
use gantry_types::net::PluginConf;
use serde_json::{Value, json};

use super::net::Networks;
use crate::cli::Globals;
use crate::setup::{Format, json as text};

/// List the networks that are defined, and how many pods use them
#[derive(Args, Debug)]
pub(crate) struct LsArgs {
    /// Leave the headings out
    #[arg(long)]
    no_legend: bool,
    /// Data for programs in place of the table
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl LsArgs {
    /// Prints a row per network. Files that cannot be used are reported and do not fail the command.
    ///
    /// # Errors
    ///
    /// As for [`Networks::load`].
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let networks = Networks::load("ls", globals, context)?;
        let definitions = &networks.catalog.definitions;
        if let Some(format) = self.format {
            let definitions: Vec<Value> = definitions
                .iter()
                .map(|definition| networks.definition_json(definition))
                .collect();
            let all = json!({
                "networks": definitions,
                "errors": networks.errors_json(),
                "overridden": networks.overridden_json(),
            });
            return say(context.out, text(&Ok(all), format)?);
        }
        let mut table = Table::new();
        if !self.no_legend {
            table.row(["NETWORK", "PLUGINS", "CNI", "ORIGIN", "FILE", "PODS"]);
        }
        for definition in definitions {
            let network = &definition.network;
            let users = networks.users(&network.name);
            let running = users.iter().filter(|pod| !pod.state.has_exited()).count();
            table.row([
                network.name.as_str(),
                &plugins(&network.plugins),
                network.version.as_str(),
                definition.origin.as_str(),
                &definition.path.display().to_string(),
                &running.to_string(),
            ]);
        }
        write!(context.out, "{table}").map_err(Failure::Output)?;
        for definition in definitions {
            for plugin in networks.missing(definition) {
                let name = &definition.network.name;
                note(
                    context.err,
                    format_args!("ls: network {name}: plugin \"{plugin}\" is not installed"),
                );
            }
        }
        for (_, error) in &networks.catalog.errors {
            note(context.err, format_args!("ls: {error}"));
        }
        Ok(())
    }
}

/// The chain in short: `bridge+portmap`.
fn plugins(chain: &[PluginConf]) -> String {
    let names: Vec<&str> = chain.iter().map(|plugin| plugin.kind.as_str()).collect();
    names.join("+")
}
