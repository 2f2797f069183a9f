//! `actrust export`

use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_ops::Scope;
use gantry_ops::trust::{self, Bundle, Fingerprint, digits, keyring_digest};
use gantry_types::AcIdentifier;

use serde_json::json;

use crate::cli::Globals;
use crate::json::{self, Format};

/// Write the trusted keys into one file, for hosts without a network
///
/// The file holds the keys that count here, with what they are trusted for; the same keys make the same
/// bytes. Its SHA-256 is printed, to be compared when it is imported.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Where to write; by default to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print for programs what was written; needs --output
    #[arg(long, value_name = "FORMAT", requires = "output")]
    format: Option<Format>,
    /// Only keys trusted for this name or names beneath it
    #[arg(long, value_name = "PREFIX")]
    prefix: Vec<AcIdentifier>,
    /// Only these keys: fingerprints, or at least eight digits of their start or end
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
}

impl ExportArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let keys = self.keys.iter().map(|text| digits(text));
        let keys: Vec<String> = keys.collect::<Result<_, _>>()?;
        let wanted = |scope: &Scope, name: &Fingerprint| {
            let named = |text: &String| {
                name.as_str().starts_with(text.as_str()) || name.as_str().ends_with(text.as_str())
            };
            let inside = |wide: &AcIdentifier| match scope {
                Scope::Root => false,
                Scope::Prefix(prefix) => wide.covers(prefix),
            };
            (keys.is_empty() || keys.iter().any(named))
                && (self.prefix.is_empty() || self.prefix.iter().any(inside))
        };
        let bundle: Bundle = trust::export(&globals.keystore(), &wanted);
        if bundle.is_empty() {
            return Err(Failure::usage("there is no such key to export")
                .with_hint("see `actrust list` for keys that count"));
        }
        let bytes = bundle.to_bytes();
        match &self.output {
            None => context.out.write_all(&bytes).map_err(Failure::Output)?,
            Some(path) => trust::write_keyring(path, &bytes)?,
        }
        let (count, digest) = (bundle.len(), keyring_digest(&bytes));
        note(context.err, format_args!("keys: {count}\nsha256: {digest}"));
        match (self.format, &self.output) {
            (Some(format), Some(path)) => {
                let path = path.display().to_string();
                let written = json!({ "path": path, "keys": count, "sha256": digest });
                json::print(context, format, &written)
            }
            _ => Ok(()),
        }
    }
}
