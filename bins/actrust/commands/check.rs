//! `actrust check`

use std::time::{Duration, SystemTime};

use clap::Args;
use gantry_cli::{Context, Failure, Statuses, note, say};
use gantry_ops::trust::{Finding, Severity, check};
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::json::{self, Format};
use crate::period::period;

/// Look for keys and files that need somebody's attention
///
/// Errors: keys that are expired, revoked, weak or of a kind that cannot be checked, files that are
/// unreadable, misnamed, or writable by everybody. Warnings: keys that soon expire, lie in several places or
/// are marked as legacy, and empty files that take nothing back. Exit status 3 if there is an error.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// Warn about keys that expire within this time: a number and one of h, d, w, y
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = period)]
    within: Duration,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl CheckArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let findings = check(&globals.keystore(), self.within, SystemTime::now());
        match self.format {
            Some(format) => {
                let findings: Value = findings.iter().map(data).collect();
                json::print(context, format, &findings)?;
            }
            None => {
                for finding in &findings {
                    let Finding {
                        severity,
                        kind,
                        path,
                        text,
                        ..
                    } = finding;
                    let path = path.display();
                    say(
                        context.out,
                        format_args!("{severity}: {kind}: {path}: {text}"),
                    )?;
                    if let Some(hint) = &finding.hint {
                        note(context.err, format_args!("hint: {hint}"));
                    }
                }
            }
        }
        match findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            true => Err(Failure::Status(Statuses::NEW.refused)),
            false => Ok(()),
        }
    }
}

fn data(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.to_string(),
        "kind": finding.kind,
        "path": finding.path.display().to_string(),
        "fingerprint": finding.fingerprint.as_ref().map(ToString::to_string),
        "text": finding.text,
        "hint": finding.hint,
    })
}
