//! `actrust verify-image`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note, say};
use gantry_ops::trust::{StoredReport, verify_image};
use gantry_ops::{Verdict, open_store};
use serde_json::{Value, json};

use super::verify::{conclude, join};
use crate::cli::Globals;
use crate::json::{self, Format};

/// Verify an image of the store again, with the keys that are trusted today
///
/// The blob has to be the one that was fetched, its content has to have the image's ID, and the signature
/// that was kept with it has to be by a key that may sign the image's name. Exit status 3 if not.
#[derive(Args, Debug)]
pub(crate) struct VerifyImageArgs {
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// ID, a prefix of it, or name of the image
    #[arg(value_name = "IMAGE")]
    image: String,
}

impl VerifyImageArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let store = open_store(&globals.data_dir()?)?;
        let now = SystemTime::now();
        let report = verify_image(&store, &globals.keystore(), &self.image, now)?;
        match self.format {
            Some(format) => json::print(context, format, &data(&report))?,
            None => {
                let (id, name) = (report.id.short(), &report.name);
                say(
                    context.out,
                    format_args!("{id} {name}: {}", report.decision),
                )?;
                for problem in &report.problems {
                    let cause = &problem.source;
                    note(context.err, format_args!("warning: {problem}: {cause}"));
                }
            }
        }
        conclude(&report.decision, context)
    }
}

fn data(report: &StoredReport) -> Value {
    let recorded = match &report.recorded {
        Verdict::Signed { by } => {
            let by = by.iter().map(|signer| {
                json!({
                    "fingerprint": signer.fingerprint,
                    "identity": signer.user_id,
                    "legacy": signer.legacy,
                })
            });
            json!({ "signed": by.collect::<Value>() })
        }
        Verdict::Waived { option } => json!({ "waived": option }),
    };
    let mut data = json!({
        "id": report.id.key(),
        "name": report.name.to_string(),
        "recorded": recorded,
    });
    join(&mut data, json::decision(&report.decision));
    data["problems"] = json::problems(&report.problems);
    data
}
