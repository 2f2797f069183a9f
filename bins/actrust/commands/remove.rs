//! `actrust remove`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_ops::trust::{self, Change, KeyRow};

use super::{rows_of, scopes_of};
use crate::cli::{Globals, ScopeArgs, Target};
use crate::json::{self, Format};

/// Remove a key from this host's keystore
///
/// Keys of the vendor cannot be removed; `actrust disable` takes them back.
#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Leave the key, but accept its old algorithms no more
    #[arg(long)]
    legacy: bool,
    #[command(flatten)]
    target: Target,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Fingerprint, or at least eight digits of its start or end
    #[arg(value_name = "KEY")]
    key: String,
}

impl RemoveArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let given = self.scope.given()?;
        let keystore = globals.keystore_to_change(&self.target)?;
        let (name, rows) = rows_of(trust::list(&keystore, SystemTime::now()), &self.key)?;
        if self.legacy {
            return match keystore.unmark_legacy(&name)? {
                true if self.format.is_some() => {
                    let scopes = rows.iter().map(|row| &row.scope);
                    let change = |scope| json::change("legacy mark removed", &name, scope, None);
                    let changes: Vec<_> = scopes.map(change).collect();
                    json::print_changes(context, self.format, &changes)
                }
                true => say(
                    context.out,
                    format_args!("{name} is no legacy key any more"),
                ),
                false => Err(Failure::usage("the key is not marked as legacy")),
            };
        }
        let layer = keystore.target_layer();
        let own: Vec<&KeyRow> = rows.iter().filter(|row| row.layer == layer).collect();
        if own.is_empty() {
            return Err(
                Failure::usage("the key lies in a directory that is not changed here")
                    .with_hint("take it back with `actrust disable`"),
            );
        }
        let one_of_many = given.is_none();
        let scopes = scopes_of(&own, given, "there")?;
        if one_of_many && scopes.len() > 1 {
            let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
            let text = format!("the key is trusted for {}", scopes.join(" and "));
            return Err(Failure::usage(text).with_hint("say which, with --prefix or --root"));
        }
        let mut changes = Vec::new();
        for scope in scopes {
            if let Change::Removed(path) = keystore.remove(&scope, &name)? {
                changes.push(json::change("removed", &name, &scope, Some(&path)));
            }
        }
        json::print_changes(context, self.format, &changes)?;
        // A mark without a key would wait for the key to come back.
        let left = trust::list(&keystore, SystemTime::now());
        let same = |row: &KeyRow| row.fingerprint.as_ref() == Some(&name);
        if !left.iter().any(same) {
            keystore.unmark_legacy(&name)?;
        }
        Ok(())
    }
}
