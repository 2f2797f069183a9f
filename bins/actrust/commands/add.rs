//! `actrust add`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_ops::trust::{self, KnownKeys, Location, ReviewPolicy, TrustRequest};
use gantry_types::Kind;

use crate::cli::{Globals, ScopeArgs, Target};
use crate::json::{self, Format};
use crate::offline::Offline;
use crate::terminal::Terminal;

/// Trust the keys in files
///
/// Each key's fingerprint is shown and has to be accepted. To fetch keys over the network use `rkt trust`.
#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Do not ask
    #[arg(long)]
    skip_fingerprint_review: bool,
    /// Accept the old algorithms of these keys: SHA-1, DSA, RSA from 1024 bits
    #[arg(long)]
    legacy: bool,
    #[command(flatten)]
    target: Target,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Files with one ASCII-armoured public key each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl AddArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let request = TrustRequest {
            keys: self.files.iter().cloned().map(Location::File).collect(),
            scope: self.scope.required()?,
            review: match self.skip_fingerprint_review {
                true => ReviewPolicy::Skip,
                false => ReviewPolicy::Ask,
            },
            known: KnownKeys::Replace,
            allow_http: false,
            legacy: self.legacy,
        };
        for file in &self.files {
            // A URL would be looked for as a file of that name, and not found.
            if file.to_str().is_some_and(|text| text.contains("://")) {
                return Err(Failure::usage("actrust uses no network")
                    .with_hint("fetch keys with `rkt trust`, or give a file"));
            }
        }
        let keystore = globals.keystore_to_change(&self.target)?;
        let mut terminal = Terminal {
            context: &mut *context,
        };
        let now = SystemTime::now();
        let added = trust::add(&request, &keystore, &Offline, &mut terminal, now)?;
        let changes = added
            .iter()
            .map(|key| json::change("added", &key.fingerprint, &key.scope, Some(&key.path)));
        json::print_changes(context, self.format, &changes.collect::<Vec<_>>())?;
        match added.len() < self.files.len() {
            true => Err(Failure::Message {
                kind: Kind::Refused,
                text: "not every key was accepted".to_owned(),
                hint: None,
            }),
            false => Ok(()),
        }
    }
}
