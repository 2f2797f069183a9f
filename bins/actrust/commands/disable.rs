//! `actrust disable`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_ops::trust::{self, Change, KeyRow, KeyStatus};

use super::{rows_of, scopes_of};
use crate::cli::{Globals, ScopeArgs, Target};
use crate::json::{self, Format};

/// Take the trust in a key back, also in one of the vendor
///
/// An empty file in this host's keystore does it, as for rkt. Without --prefix and --root the key is
/// disabled wherever it is trusted.
#[derive(Args, Debug)]
pub(crate) struct DisableArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    target: Target,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Fingerprint, or at least eight digits of its start or end
    #[arg(value_name = "KEY")]
    key: String,
}

impl DisableArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let given = self.scope.given()?;
        let keystore = globals.keystore_to_change(&self.target)?;
        let (name, rows) = rows_of(trust::list(&keystore, SystemTime::now()), &self.key)?;
        let scopes = match given {
            // A narrower scope than the key's own is a use of its own: not for these names.
            Some(scope) => vec![scope],
            None => {
                let trusted = |row: &&KeyRow| row.status != KeyStatus::Disabled;
                let rows: Vec<&KeyRow> = rows.iter().filter(trusted).collect();
                scopes_of(&rows, None, "trusted")?
            }
        };
        let mut changes = Vec::new();
        for scope in scopes {
            match keystore.disable(&scope, &name)? {
                Change::Disabled(path) => {
                    changes.push(json::change("disabled", &name, &scope, Some(&path)));
                }
                _ => note(
                    context.err,
                    format_args!("the key is disabled for {scope} already"),
                ),
            }
        }
        json::print_changes(context, self.format, &changes)
    }
}
