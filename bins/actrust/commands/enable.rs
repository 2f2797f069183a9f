//! `actrust enable`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_ops::trust::{self, Change, KeyRow, KeyStatus};

use super::{rows_of, scopes_of};
use crate::cli::{Globals, ScopeArgs, Target};
use crate::json::{self, Format};

/// Undo `actrust disable`
#[derive(Args, Debug)]
pub(crate) struct EnableArgs {
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

impl EnableArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let given = self.scope.given()?;
        let keystore = globals.keystore_to_change(&self.target)?;
        let (name, rows) = rows_of(trust::list(&keystore, SystemTime::now()), &self.key)?;
        let layer = keystore.target_layer();
        let disabled = |row: &&KeyRow| row.status == KeyStatus::Disabled && row.layer == layer;
        let rows: Vec<&KeyRow> = rows.iter().filter(disabled).collect();
        let mut changes = Vec::new();
        for scope in scopes_of(&rows, given, "disabled")? {
            if let Change::Enabled(path) = keystore.enable(&scope, &name)? {
                changes.push(json::change("enabled", &name, &scope, Some(&path)));
            }
        }
        json::print_changes(context, self.format, &changes)?;
        let left = trust::list(&keystore, SystemTime::now());
        let same = |row: &KeyRow| row.fingerprint.as_ref() == Some(&name);
        if !left.iter().any(same) {
            note(context.err, "no file trusts this key any more");
        }
        Ok(())
    }
}
