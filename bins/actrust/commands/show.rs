//! `actrust show`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_ops::trust;
use serde_json::Value;

use super::list::status;
use super::rows_of;
use crate::cli::Globals;
use crate::json::{self, Format};

/// Show one key, and everywhere it is trusted
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Fingerprint, or at least eight digits of its start or end
    #[arg(value_name = "KEY")]
    key: String,
}

impl ShowArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let rows = trust::list(&globals.keystore(), SystemTime::now());
        let (name, rows) = rows_of(rows, &self.key)?;
        if let Some(format) = self.format {
            let keys: Value = rows.iter().map(json::key).collect();
            return json::print(context, format, &keys);
        }
        let out = &mut *context.out;
        say(out, format_args!("fingerprint: {}", name.spaced()))?;
        if let Some(facts) = rows.iter().find_map(|row| row.facts.as_ref()) {
            for user_id in &facts.user_ids {
                say(out, format_args!("identity: {user_id}"))?;
            }
            for subkey in &facts.subkeys {
                say(out, format_args!("subkey: {}", subkey.spaced()))?;
            }
            let (algorithm, version) = (&facts.algorithm, facts.version);
            say(
                out,
                format_args!("algorithm: {algorithm} (version {version})"),
            )?;
            say(out, format_args!("created: {}", json::day(facts.created)))?;
            let expires = facts.expires.map_or("never".to_owned(), json::day);
            say(out, format_args!("expires: {expires}"))?;
        }
        for row in &rows {
            let (path, scope) = (row.path.display(), &row.scope);
            let (layer, status) = (row.layer, status(row));
            say(out, format_args!("{status} for {scope}: {path} ({layer})"))?;
            if let Some(reason) = &row.reason {
                say(out, format_args!("    {reason}"))?;
            }
        }
        Ok(())
    }
}
