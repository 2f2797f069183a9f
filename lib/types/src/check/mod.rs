//! Everything that is wrong with a manifest, and everything that is hardly meant.
//!
//! The errors are those of the parser: the same code reads the same text, it only goes on after the first
//! one. So a manifest has errors exactly if its parser refuses it. Warnings are ours; they never decide.

mod cause;
mod lint;
mod lint_app;
pub mod rule;
mod shape;
mod spelling;

pub use rule::{Rule, Severity};

use crate::json::{Cursor, Decode, Entry, Log, Node, Problem};
use crate::manifest_error::{LineIndex, tree};
use crate::{AcKind, ImageManifest, ManifestError, PodManifest};

/// Something about a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule it breaks.
    pub rule: &'static Rule,
    /// The value it is about, as JSONPath has it: `$.app.ports[0].port`. Where a value is missing, it may be
    /// the object that lacks it.
    pub path: String,
    /// The line, from 1; 0 if it is about no place.
    pub line: usize,
    /// The column in bytes, from 1; 0 if it is about no place.
    pub column: usize,
    /// What is wrong, in the parser's words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All that is to be said of a manifest, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What the manifest is, or is taken for; `None` if it is no JSON.
    pub kind: Option<AcKind>,
    /// At most 1,000 errors and 1,000 warnings.
    pub list: Vec<Finding>,
    /// How many there were besides.
    pub more: usize,
}

impl Findings {
    /// Whether the manifest is valid.
    pub fn valid(&self) -> bool {
        let error = |finding: &Finding| finding.rule.severity == Severity::Error;
        !self.list.iter().any(error)
    }
}

/// Looks at a whole manifest. Without `wanted` it is of the kind that it says.
///
/// There is an error among the findings exactly if [`kind_of`](crate::kind_of) or the parser of that kind
/// refuses the text.
pub fn findings(text: &[u8], wanted: Option<AcKind>) -> Findings {
    let root = match tree(text) {
        Ok(root) => root,
        Err(error) => {
            return Findings {
                list: vec![unreadable(text, &error)],
                ..Findings::default()
            };
        }
    };
    let kind = wanted.unwrap_or_else(|| likely_kind(&root));
    let log = Log::default();
    let cursor = Cursor::logged(&root, &log);
    // The manifest itself is not wanted, and that it is bad stands in the log.
    match kind {
        AcKind::ImageManifest => drop(ImageManifest::decode(cursor)),
        AcKind::PodManifest => drop(PodManifest::decode(cursor)),
    }
    let (errors, errors_beyond) = log.into_entries();
    let mut warnings = lint::Warnings::default();
    lint::lint(text, Cursor::root(&root), kind, &mut warnings);
    let (warnings, warnings_beyond) = warnings.into_list();

    let lines = LineIndex::new(text);
    let mut list: Vec<(usize, Finding)> = Vec::with_capacity(errors.len() + warnings.len());
    list.extend(errors.into_iter().map(|entry| of_entry(entry, &lines)));
    list.extend(warnings.into_iter().map(|warning| {
        let (line, column) = lines.position(warning.offset);
        let hint = warning.hint.or_else(|| own_hint(warning.rule));
        let finding = Finding {
            rule: warning.rule,
            path: warning.path,
            line,
            column,
            message: warning.message,
            hint,
        };
        (warning.offset, finding)
    }));
    list.sort_by_key(|(offset, _)| *offset);
    Findings {
        kind: Some(kind),
        list: list.into_iter().map(|(_, finding)| finding).collect(),
        more: errors_beyond + warnings_beyond,
    }
}

fn own_hint(rule: &Rule) -> Option<String> {
    (!rule.hint.is_empty()).then(|| rule.hint.to_owned())
}

fn of_entry(entry: Entry, lines: &LineIndex) -> (usize, Finding) {
    let (line, column) = lines.position(entry.offset);
    let rule = cause::rule_of(&entry.problem);
    let message = match entry.problem {
        Problem::Type { found, expected } => {
            format!("json: cannot unmarshal {found} into a value of type {expected}")
        }
        Problem::Kind(error) => error.to_string(),
        Problem::Invalid(error) => error.to_string(),
    };
    let finding = Finding {
        rule,
        path: entry.path,
        line,
        column,
        message,
        hint: own_hint(rule),
    };
    (entry.offset, finding)
}

/// The finding for a text that is no JSON, or too much of it.
fn unreadable(text: &[u8], error: &ManifestError) -> Finding {
    let (rule, line, column, message) = match error {
        ManifestError::Syntax {
            line,
            column,
            message,
            ..
        } => (&rule::SYNTAX, *line, *column, message.clone()),
        other => (&rule::TOO_LARGE, 0, 0, other.to_string()),
    };
    Finding {
        rule,
        path: "$".to_owned(),
        line,
        column,
        message,
        hint: spelling::syntax_hint(text).or_else(|| own_hint(rule)),
    }
}

/// What a document says it is, or else looks like.
fn likely_kind(root: &Node) -> AcKind {
    let cursor = Cursor::root(root);
    let Ok(fields) = cursor.object() else {
        return AcKind::ImageManifest;
    };
    let said = fields.get("acKind").and_then(|kind| {
        let text = kind.string().ok()?;
        text.parse().ok()
    });
    said.unwrap_or(if fields.get("apps").is_some() {
        AcKind::PodManifest
    } else {
        AcKind::ImageManifest
    })
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
