//! What is wrong with a keystore, or soon will be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use gantry_trust::{Fingerprint, KeyContent, Keystore, Scope};

use super::status::{KeyRow, KeyStatus, list};

/// One thing that somebody should look at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is: one word.
    pub kind: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The key, if one is known.
    pub fingerprint: Option<Fingerprint>,
    /// What is wrong, in words.
    pub text: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is refused for it today.
    Warning,
    /// Images are refused for it, or could be accepted that should not.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Looks at every file of the keystore; keys that expire `within` this time are warned about.
///
/// Errors are: keys that do not count (expired, revoked, weak, of an unknown kind), files that cannot be
/// used, and files that everybody may write. Keys that are disabled are nobody's trouble.
pub fn check(keystore: &Keystore, within: Duration, now: SystemTime) -> Vec<Finding> {
    let rows = list(keystore, now);
    let mut findings = Vec::new();
    for row in &rows {
        findings.extend(of_key(row, within, now));
        if row.exposed {
            let text =
                "everybody may write to this file or its directory, and so decide whom to trust";
            let hint = format!("chmod o-w {}", row.path.display());
            let mut finding = finding(row, Severity::Error, "writable", text.to_owned());
            finding.hint = Some(hint);
            findings.push(finding);
        }
    }
    findings.extend(duplicates(&rows));
    findings.extend(idle(keystore, &rows, now));
    findings
}

fn finding(row: &KeyRow, severity: Severity, kind: &'static str, text: String) -> Finding {
    Finding {
        severity,
        kind,
        path: row.path.clone(),
        fingerprint: row.fingerprint.clone(),
        text,
        hint: None,
    }
}

fn of_key(row: &KeyRow, within: Duration, now: SystemTime) -> Option<Finding> {
    let kind = match row.status {
        KeyStatus::Masked | KeyStatus::Disabled => return None,
        KeyStatus::Good => {
            let expires = row.facts.as_ref().and_then(|facts| facts.expires)?;
            let left = expires.duration_since(now).ok()?;
            let days = left.as_secs() / 86_400;
            let text = format!("key expires in {days} days");
            return (left <= within).then(|| finding(row, Severity::Warning, "expires-soon", text));
        }
        KeyStatus::Unreadable if row.fingerprint.is_none() => "misnamed",
        KeyStatus::Unreadable => "unreadable",
        KeyStatus::Expired => "expired",
        KeyStatus::Future => "future",
        KeyStatus::Revoked => "revoked",
        KeyStatus::Weak => "weak",
        KeyStatus::Unsupported => "unsupported",
        KeyStatus::CannotSign => "cannot-sign",
        KeyStatus::Invalid => "invalid",
    };
    let text = row.reason.clone().unwrap_or_default();
    let mut finding = finding(row, Severity::Error, kind, text);
    finding.hint.clone_from(&row.hint);
    Some(finding)
}

/// Keys that lie in several places, of which one would do.
fn duplicates(rows: &[KeyRow]) -> Vec<Finding> {
    let trusted = |row: &&KeyRow| row.facts.is_some() && row.status != KeyStatus::Disabled;
    let mut places: BTreeMap<&Fingerprint, Vec<&KeyRow>> = BTreeMap::new();
    for row in rows.iter().filter(trusted) {
        if let Some(name) = &row.fingerprint {
            places.entry(name).or_default().push(row);
        }
    }
    let mut findings = Vec::new();
    for rows in places.values() {
        for row in rows {
            let covers = |other: &&&KeyRow| {
                other.path != row.path && other.status != KeyStatus::Masked && wider(other, row)
            };
            if row.status != KeyStatus::Masked
                && let Some(other) = rows.iter().find(covers)
            {
                let text = format!(
                    "the key is trusted for {} already, by {}",
                    other.scope,
                    other.path.display()
                );
                findings.push(finding(row, Severity::Warning, "duplicate", text));
            }
        }
    }
    findings
}

/// Whether `other` makes `row` needless: it says as much, and of two equal ones it comes first.
fn wider(other: &KeyRow, row: &KeyRow) -> bool {
    let covers = match (&other.scope, &row.scope) {
        (Scope::Root, _) => true,
        (Scope::Prefix(wide), Scope::Prefix(narrow)) => wide.covers(narrow),
        (Scope::Prefix(_), Scope::Root) => false,
    };
    covers && (other.scope != row.scope || other.layer < row.layer)
}

/// Marks and empty files that change nothing.
fn idle(keystore: &Keystore, rows: &[KeyRow], now: SystemTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    let marked = keystore.legacy_keys();
    let mut needed = BTreeSet::new();
    for file in keystore.files() {
        if let KeyContent::Key(key) = &file.content
            && key
                .unfit(now)
                .is_some_and(|_| key.unfit_as_legacy(now).is_none())
        {
            needed.insert(key.fingerprint());
        }
    }
    for row in rows {
        let Some(name) = &row.fingerprint else {
            continue;
        };
        if row.status == KeyStatus::Good && marked.contains(name) {
            let text = match needed.contains(name) {
                true => "old algorithms of this key are accepted, because it is marked as legacy",
                false => "the key is marked as legacy and needs it only for signatures with SHA-1",
            };
            findings.push(finding(row, Severity::Warning, "legacy", text.to_owned()));
        }
        if row.status == KeyStatus::Disabled && row.facts.is_none() {
            let text = "this empty file takes back a key that is not there";
            let of_narrower = rows.iter().any(|other| {
                other.facts.is_some()
                    && other.fingerprint.as_ref() == Some(name)
                    && wider(other, row)
            });
            if !of_narrower {
                findings.push(finding(row, Severity::Warning, "idle", text.to_owned()));
            }
        }
    }
    findings
}
