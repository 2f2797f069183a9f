//! The findings as one JSON document.

use std::path::Path;

use gantry_ops::validate::{Report, ReportFinding, Subject};
use serde::Serialize;

use crate::commands::text_and_hex;

/// What is said of one file.
#[derive(Serialize)]
struct File {
    file: String,
    /// The bytes of its name where that is no text.
    #[serde(rename = "fileHex", skip_serializing_if = "Option::is_none")]
    file_hex: Option<String>,
    /// As `--type` has it.
    r#type: Option<&'static str>,
    /// The kind of its manifest.
    manifest: Option<&'static str>,
    valid: bool,
    findings: Vec<Finding>,
    omitted: usize,
}

#[derive(Serialize)]
struct Finding {
    severity: &'static str,
    rule: &'static str,
    entry: Option<String>,
    path: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    hint: Option<String>,
}

/// The document, and whether all files are valid.
pub(super) fn document<'a>(reports: impl Iterator<Item = (&'a Path, Report)>) -> (String, bool) {
    let files: Vec<File> = reports
        .map(|(file, report)| of_file(file, report))
        .collect();
    let valid = files.iter().all(|file| file.valid);
    // Strings and numbers always serialise.
    let text = serde_json::to_string_pretty(&files).unwrap_or_default();
    (text, valid)
}

fn of_file(file: &Path, report: Report) -> File {
    let (name, file_hex) = text_and_hex(file.as_os_str().as_encoded_bytes());
    File {
        file: name,
        file_hex,
        r#type: report.subject.map(|subject| match subject {
            Subject::Image => "appimage",
            Subject::Layout => "layout",
            Subject::Manifest => "manifest",
        }),
        manifest: report.manifest.map(|kind| kind.as_str()),
        valid: report.valid,
        findings: report.findings.into_iter().map(of_finding).collect(),
        omitted: report.more,
    }
}

fn of_finding(finding: ReportFinding) -> Finding {
    let place = finding.place;
    let number = |number: usize| (number > 0).then_some(number);
    Finding {
        severity: finding.severity.as_str(),
        rule: finding.rule.id,
        entry: finding.entry,
        line: place.as_ref().and_then(|place| number(place.line)),
        column: place.as_ref().and_then(|place| number(place.column)),
        path: place.map(|place| place.path),
        message: finding.message,
        hint: finding.hint,
    }
}
