//! Everything that is to be said of a file or directory.

use std::path::Path;

use gantry_archive::aci::{self, AciError};
use gantry_archive::list::{ListOptions, survey};
use gantry_archive::tar::TarError;
use gantry_types::check::{Finding, Findings, Rule, Severity, findings};
use gantry_types::show::one_line;
use gantry_types::{AcKind, Diagnostic};

use super::input::{Source, Target};
use super::{LayoutError, Subject, Valid, ValidateError, image, layout, manifest, rules};
use crate::layout::read_manifest;

/// Most names of a layout listed as strays.
const MAX_STRAYS: usize = 100;

/// All that is to be said of a file or directory.
#[derive(Debug)]
pub struct Report {
    /// What it was taken for; `None` if it is nothing known, or could not be looked at.
    pub subject: Option<Subject>,
    /// The kind of its manifest, as far as that can be told.
    pub manifest: Option<AcKind>,
    /// Whether it is valid: the verdict of [`validate`](super::validate).
    pub valid: bool,
    /// What was found; at least one error exactly if it is not valid.
    pub findings: Vec<ReportFinding>,
    /// How many findings there were besides.
    pub more: usize,
}

/// One finding.
#[derive(Debug)]
pub struct ReportFinding {
    /// What it means for the verdict.
    pub severity: Severity,
    /// The rule it is about.
    pub rule: &'static Rule,
    /// The file of a layout or entry of an archive it is about, if it is one.
    pub entry: Option<String>,
    /// The place in a manifest.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place in a manifest.
#[derive(Debug)]
pub struct Place {
    /// As JSONPath has it.
    pub path: String,
    /// The line, from 1; 0 if it is about the text as a whole.
    pub line: usize,
    /// The column in bytes, from 1; 0 if it is about the text as a whole.
    pub column: usize,
}

/// Looks at a file or directory and does not end at the first error.
///
/// Of an image that comes through a pipe only the first error is told, and no warnings.
pub fn report(path: &Path, subject: Option<Subject>) -> Report {
    let target = match Target::find(path, subject) {
        Ok(target) => target,
        Err(error) => return Report::new(subject, Err(error), Vec::new()),
    };
    match target {
        Target::Layout => {
            let mut report = Report::new(Some(Subject::Layout), layout(path), in_layout(path));
            report.manifest = Some(AcKind::ImageManifest);
            report
        }
        Target::Manifest(text) => {
            let Findings { kind, list, more } = findings(&text, None);
            let list = list.into_iter().map(|finding| of_manifest(finding, None));
            let verdict = manifest(path, &text);
            let mut report = Report::new(Some(Subject::Manifest), verdict, list.collect());
            (report.manifest, report.more) = (kind, more);
            report
        }
        Target::Image(mut source) => {
            let verdict = image(path, &mut source);
            let list = if source.rewind() {
                in_image(&mut source, verdict.is_ok())
            } else {
                Vec::new()
            };
            let mut report = Report::new(Some(Subject::Image), verdict, list);
            report.manifest = Some(AcKind::ImageManifest);
            report
        }
    }
}

impl Report {
    /// Puts the verdict and what was found together, so that they agree.
    fn new(
        subject: Option<Subject>,
        verdict: Result<Valid, ValidateError>,
        mut findings: Vec<ReportFinding>,
    ) -> Self {
        let error = |finding: &ReportFinding| finding.severity == Severity::Error;
        match &verdict {
            Ok(_) => {
                for finding in &mut findings {
                    finding.severity = Severity::Warning;
                }
            }
            Err(cause) if !findings.iter().any(error) => findings.push(of_error(cause)),
            Err(_) => {}
        }
        Self {
            subject,
            manifest: None,
            valid: verdict.is_ok(),
            findings,
            more: 0,
        }
    }
}

fn of_error(error: &ValidateError) -> ReportFinding {
    let rule = rules::of_error(error);
    let (entry, hint) = match error {
        ValidateError::Image { source, .. } => (entry_of(source), source.hint()),
        ValidateError::Layout { .. } => (None, None),
        _ => (None, error.hint()),
    };
    // The file is named beside the finding, so only the causes are told.
    let message = match error {
        ValidateError::Access { source, .. } | ValidateError::Open { source, .. } => {
            source.to_string()
        }
        ValidateError::Directory { .. } => "it is a directory".to_owned(),
        ValidateError::Unknown { .. } => "neither an image nor text".to_owned(),
        ValidateError::Decompress { source, .. } => one_line(source),
        ValidateError::Image { source, .. } => one_line(source),
        ValidateError::Layout { source, .. } => one_line(source),
        ValidateError::Unmarshal { source, .. } | ValidateError::Manifest { source, .. } => {
            source.to_string()
        }
    };
    finding(rule, entry, message, hint)
}

fn finding(
    rule: &'static Rule,
    entry: Option<String>,
    message: String,
    hint: Option<String>,
) -> ReportFinding {
    let own = (!rule.hint.is_empty()).then(|| rule.hint.to_owned());
    ReportFinding {
        severity: rule.severity,
        rule,
        entry,
        place: None,
        message,
        hint: hint.or(own),
    }
}

fn of_manifest(finding: Finding, entry: Option<&str>) -> ReportFinding {
    ReportFinding {
        severity: finding.rule.severity,
        rule: finding.rule,
        entry: entry.map(str::to_owned),
        place: Some(Place {
            path: finding.path,
            line: finding.line,
            column: finding.column,
        }),
        message: finding.message,
        hint: finding.hint,
    }
}

/// Everything about the manifest of an image or layout.
fn in_manifest(text: &[u8]) -> impl Iterator<Item = ReportFinding> {
    let found = findings(text, Some(AcKind::ImageManifest));
    let list = found.list.into_iter();
    list.map(|finding| of_manifest(finding, Some("manifest")))
}

/// Everything about a layout.
fn in_layout(path: &Path) -> Vec<ReportFinding> {
    let mut list = Vec::new();
    let mut add = |entry: Option<String>, error: LayoutError| {
        list.push(finding(
            rules::of_layout(&error),
            entry,
            one_line(&error),
            None,
        ));
    };
    let mut strays = Vec::new();
    let (mut has_manifest, mut has_rootfs) = (false, false);
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(_) => return list, // the verdict says so
    };
    for entry in entries.flatten() {
        match entry.file_name() {
            name if name == "manifest" => has_manifest = true,
            name if name == "rootfs" => has_rootfs = true,
            name => strays.push(name),
        }
    }
    if !has_rootfs {
        add(None, LayoutError::RootfsMissing);
    } else if !std::fs::symlink_metadata(path.join("rootfs")).is_ok_and(|found| found.is_dir()) {
        add(Some("rootfs".to_owned()), LayoutError::RootfsNotDirectory);
    }
    if !has_manifest {
        add(None, LayoutError::ManifestMissing);
    }
    strays.sort();
    for stray in strays.into_iter().take(MAX_STRAYS) {
        let entry = stray.to_string_lossy().into_owned();
        add(
            Some(entry),
            LayoutError::Unrecognized { path: stray.into() },
        );
    }
    let manifest = path.join("manifest");
    if std::fs::metadata(&manifest).is_ok_and(|found| found.is_file())
        && let Ok(text) = std::fs::File::open(&manifest).and_then(read_manifest)
    {
        list.extend(in_manifest(&text));
    }
    list
}

/// Everything about an image. Of a valid one only the manifest is looked at again.
fn in_image(source: &mut Source, valid: bool) -> Vec<ReportFinding> {
    if valid {
        return match aci::read_manifest(source) {
            Ok(text) => in_manifest(&text).collect(),
            Err(_) => Vec::new(),
        };
    }
    let Ok(survey) = survey(source, &ListOptions::default()) else {
        return Vec::new(); // the verdict says so
    };
    let problems = survey.problems.iter();
    let mut list: Vec<_> = problems
        .map(|problem| {
            let rule = rules::of_aci(problem);
            finding(rule, entry_of(problem), one_line(problem), problem.hint())
        })
        .collect();
    if let Some((text, _)) = survey.manifest {
        list.extend(in_manifest(&text));
    }
    list
}

/// The entry that a problem is about.
fn entry_of(problem: &AciError) -> Option<String> {
    let entry = match problem {
        AciError::Archive(TarError::Refused(refusal)) => &refusal.entry,
        AciError::Archive(TarError::TruncatedEntry { entry }) | AciError::Duplicate { entry } => {
            entry
        }
        AciError::Unrecognized { path } => path,
        AciError::RootfsNotDirectory => return Some("rootfs".to_owned()),
        AciError::ManifestNotFile | AciError::Manifest { .. } => {
            return Some("manifest".to_owned());
        }
        _ => return None,
    };
    Some(entry.to_string())
}
