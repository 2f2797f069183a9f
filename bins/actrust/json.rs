//! What the commands print for programs.

use std::path::Path;
use std::time::SystemTime;

pub(crate) use gantry_cli::JsonFormat as Format;
use gantry_cli::{Context, Failure, json_text, say};
use gantry_ops::Scope;
use gantry_ops::trust::{Decision, Fingerprint, KeyProblem, KeyRow, Signer, Verdict};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Prints a value.
///
/// # Errors
///
/// When standard output cannot be written.
pub(crate) fn print(
    context: &mut Context<'_>,
    format: Format,
    value: &Value,
) -> Result<(), Failure> {
    say(context.out, json_text(value, format)?)
}

/// A key of the keystore.
pub(crate) fn key(row: &KeyRow) -> Value {
    let facts = row.facts.as_ref();
    json!({
        "fingerprint": row.fingerprint.as_ref().map(ToString::to_string),
        "scope": scope_kind(&row.scope),
        "prefix": prefix(&row.scope),
        "directory": row.layer.to_string(),
        "path": row.path.display().to_string(),
        "status": row.status.to_string(),
        "reason": row.reason,
        "legacy": row.legacy,
        "identities": facts.map(|facts| &facts.user_ids),
        "subkeys": facts.map(|facts| facts.subkeys.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "algorithm": facts.map(|facts| &facts.algorithm),
        "version": facts.map(|facts| facts.version),
        "created": facts.map(|facts| time(facts.created)),
        "expires": facts.and_then(|facts| facts.expires).map(time),
    })
}

/// What was decided about a file or image.
pub(crate) fn decision(decision: &Decision) -> Value {
    let (signers, reasons, issuers): (_, _, Vec<String>) = match decision {
        Decision::Accepted { signers }
        | Decision::OutOfScope { signers, .. }
        | Decision::Nameless { signers }
        | Decision::Rejected {
            verdict: Verdict::Good { signers },
        } => (signers.iter().map(signer).collect(), Vec::new(), Vec::new()),
        Decision::Rejected {
            verdict: Verdict::Unknown { issuers },
        } => {
            let issuers = issuers.iter().map(ToString::to_string).collect();
            (Vec::new(), Vec::new(), issuers)
        }
        Decision::Rejected {
            verdict: Verdict::Bad { reasons },
        } => {
            let reasons = reasons.iter().map(|reason| {
                json!({
                    "fingerprint": reason.fingerprint.as_ref().map(ToString::to_string),
                    "text": reason.cause.to_string(),
                })
            });
            (Vec::new(), reasons.collect(), Vec::new())
        }
        Decision::OtherName { .. } | Decision::Unsigned { .. } => Default::default(),
    };
    json!({
        "verdict": decision.word(),
        "text": decision.to_string(),
        "signers": Value::Array(signers),
        "reasons": Value::Array(reasons),
        "issuers": issuers,
    })
}

fn signer(signer: &Signer) -> Value {
    json!({
        "fingerprint": signer.fingerprint.to_string(),
        "identity": signer.user_id,
        "scope": scope_kind(&signer.scope),
        "prefix": prefix(&signer.scope),
        "made": time(signer.created),
        "legacy": signer.legacy,
    })
}

/// Files of the keystore that could not be used.
pub(crate) fn problems(problems: &[KeyProblem]) -> Value {
    let problems = problems.iter().map(|problem| {
        json!({
            "path": problem.path.display().to_string(),
            "text": problem.source.to_string(),
        })
    });
    problems.collect()
}

/// A file of the keystore that was changed: what was done with the key, for which names.
pub(crate) fn change(
    done: &'static str,
    fingerprint: &Fingerprint,
    scope: &Scope,
    path: Option<&Path>,
) -> Value {
    json!({
        "change": done,
        "fingerprint": fingerprint.to_string(),
        "scope": scope_kind(scope),
        "prefix": prefix(scope),
        "path": path.map(|path| path.display().to_string()),
    })
}

/// Prints what was changed: the files, one a line, or all of it for programs.
///
/// # Errors
///
/// As for [`print()`].
pub(crate) fn print_changes(
    context: &mut Context<'_>,
    format: Option<Format>,
    changes: &[Value],
) -> Result<(), Failure> {
    if let Some(format) = format {
        return print(context, format, &changes.iter().cloned().collect());
    }
    let paths = changes.iter().filter_map(|change| change["path"].as_str());
    for path in paths {
        say(context.out, path)?;
    }
    Ok(())
}

/// `root` or `prefix`.
pub(crate) fn scope_kind(scope: &Scope) -> &'static str {
    match scope {
        Scope::Root => "root",
        Scope::Prefix(_) => "prefix",
    }
}

/// The prefix of a scope that has one.
pub(crate) fn prefix(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Root => None,
        Scope::Prefix(prefix) => Some(prefix.to_string()),
    }
}

/// A time as RFC 3339 has it, in UTC; nothing for times that no calendar has.
pub(crate) fn time(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The day of a time, for tables.
pub(crate) fn day(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(
        |_| "?".to_owned(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}
