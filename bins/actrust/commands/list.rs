//! `actrust list`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, Table};
use gantry_ops::trust::{self, KeyRow};
use serde_json::Value;

use super::scope_word;
use crate::cli::Globals;
use crate::json::{self, Format};

/// List the keys of the keystore
///
/// Every file is listed, also those that do not count: expired, revoked, weak, masked (taken back by an
/// empty file of another directory), disabled (such an empty file), unreadable.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Whole fingerprints
    #[arg(long)]
    full: bool,
    /// Leave the headings out
    #[arg(long)]
    no_legend: bool,
    /// Data for programs in place of the table
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl ListArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let rows = trust::list(&globals.keystore(), SystemTime::now());
        if let Some(format) = self.format {
            let keys: Value = rows.iter().map(json::key).collect();
            return json::print(context, format, &keys);
        }
        let mut table = Table::new();
        if !self.no_legend {
            table.row([
                "KEY",
                "SCOPE",
                "DIRECTORY",
                "STATUS",
                "ALGORITHM",
                "CREATED",
                "EXPIRES",
                "IDENTITY",
            ]);
        }
        for row in &rows {
            table.row(self.cells(row));
        }
        write!(context.out, "{table}").map_err(Failure::Output)
    }

    fn cells(&self, row: &KeyRow) -> [String; 8] {
        let facts = row.facts.as_ref();
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let key = match &row.fingerprint {
            Some(name) if self.full => name.to_string(),
            Some(name) => name.as_str()[..16].to_owned(),
            None => row.path.display().to_string(),
        };
        let expires = facts.map(|facts| facts.expires.map_or("never".to_owned(), json::day));
        [
            key,
            scope_word(&row.scope),
            row.layer.to_string(),
            status(row),
            text(facts.map(|facts| facts.algorithm.clone())),
            text(facts.map(|facts| json::day(facts.created))),
            text(expires),
            text(facts.and_then(|facts| facts.user_ids.first().cloned())),
        ]
    }
}

/// One word, and whether old algorithms are accepted.
pub(super) fn status(row: &KeyRow) -> String {
    match row.legacy {
        true => format!("{} (legacy key)", row.status),
        false => row.status.to_string(),
    }
}
