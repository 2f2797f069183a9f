//! `actrust verify`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, Statuses, note, say};
use gantry_ops::trust::{Decision, FileReport, FileRequest, verify_file};
use gantry_types::AcIdentifier;
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::json::{self, Format};

/// Verify a file against its signature and the keys trusted for its name
///
/// The name is read from the image, once a signature by a trusted key is found good. Exit status 3 if the
/// file would be refused.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The signature; by default FILE.asc, FILE.aci.asc or FILE.sig
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The name whose keys count; an image has to have this name
    #[arg(long, value_name = "NAME")]
    name: Option<AcIdentifier>,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl VerifyArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let request = FileRequest {
            file: self.file.clone(),
            signature: self.signature.clone(),
            name: self.name.clone(),
        };
        let report = verify_file(&request, &globals.keystore(), SystemTime::now())?;
        match self.format {
            Some(format) => json::print(context, format, &data(&self.file, &report))?,
            None => {
                let file = self.file.display();
                say(context.out, format_args!("{file}: {}", report.decision))?;
                for problem in &report.problems {
                    let cause = &problem.source;
                    note(context.err, format_args!("warning: {problem}: {cause}"));
                }
            }
        }
        conclude(&report.decision, context)
    }
}

/// The report on a file, for programs.
pub(super) fn data(file: &std::path::Path, report: &FileReport) -> Value {
    let mut data = json!({
        "file": file.display().to_string(),
        "signature": report.signature.display().to_string(),
        "name": report.name.as_ref().map(ToString::to_string),
    });
    join(&mut data, json::decision(&report.decision));
    data["problems"] = json::problems(&report.problems);
    data
}

/// Adds the fields of one object to another.
pub(super) fn join(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// The exit status for a decision; what to try next goes to standard error.
///
/// # Errors
///
/// The decision is not to accept.
pub(super) fn conclude(decision: &Decision, context: &mut Context<'_>) -> Result<(), Failure> {
    if decision.is_accepted() {
        return Ok(());
    }
    if let Some(hint) = decision.hint() {
        note(context.err, format_args!("hint: {hint}"));
    }
    Err(Failure::Status(Statuses::NEW.refused))
}
