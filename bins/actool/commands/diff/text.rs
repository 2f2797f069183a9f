//! Differences in lines for people.

use std::io::Write;
use std::path::Path;

use gantry_cli::{Failure, printable, printable_json, say};
use gantry_ops::diff::{AttributeChange, Differences, FileChange, Reason, Value};
use gantry_types::show::hex;

use super::{same_id, shown};
use crate::commands::path_text;
use crate::times::time;

/// The longest value of an extended attribute that is shown, in bytes.
const SHOWN_VALUE: usize = 64;

/// Prints one line for each difference, and one about the image IDs.
pub(super) fn print(
    differences: &Differences,
    paths: [&Path; 2],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let [old, new] = paths.map(path_text);
    for change in &differences.manifest {
        let value = |json: &Option<String>| match json {
            Some(json) => printable_json(json),
            None => "(none)".to_owned(),
        };
        let (path, before, after) = (
            printable_json(&change.path),
            value(&change.old),
            value(&change.new),
        );
        say(out, format_args!("manifest: {path}: {before} -> {after}"))?;
    }
    for change in &differences.manifest_entry {
        say(out, format_args!("manifest entry: {}", line(change)))?;
    }
    for difference in &differences.files {
        let path = printable(&shown(&difference.path));
        match &difference.change {
            FileChange::Removed(kind) => say(out, format_args!("{path}: only in {old} ({kind})"))?,
            FileChange::Added(kind) => say(out, format_args!("{path}: only in {new} ({kind})"))?,
            FileChange::Changed(changes) => {
                for change in changes {
                    say(out, format_args!("{path}: {}", line(change)))?;
                }
            }
        }
    }
    if let Some(order) = &differences.order {
        let (one, other) = (printable(&order.old), printable(&order.new));
        say(
            out,
            format_args!("order: {one} comes next in {old}, {other} in {new}"),
        )?;
    }
    about_ids(differences, out)
}

fn about_ids(differences: &Differences, out: &mut dyn Write) -> Result<(), Failure> {
    let compressions = differences.sides.each_ref().map(|side| side.compression);
    let [Some(old), Some(new)] = compressions.map(|known| known.map(|known| known.name())) else {
        return Ok(());
    };
    match same_id(differences) {
        Some(true) if old == new => say(out, "image IDs are the same"),
        Some(true) => say(
            out,
            format_args!("image IDs are the same, compression is not: {old} -> {new}"),
        ),
        Some(false) => {
            let reasons = differences
                .reasons
                .iter()
                .map(|reason| reason_text(*reason));
            let reasons: Vec<_> = reasons.collect();
            say(
                out,
                format_args!("image IDs differ: {}", reasons.join(", ")),
            )
        }
        None => Ok(()),
    }
}

/// Why IDs differ, in a few words.
fn reason_text(reason: Reason) -> String {
    match reason {
        Reason::Manifest => "manifest".to_owned(),
        Reason::ManifestText => "the manifest is written in another way".to_owned(),
        Reason::Files => "files".to_owned(),
        Reason::Ignored(attribute) => format!("{attribute} (ignored)"),
        Reason::Order => "order of the entries".to_owned(),
        Reason::Archive => "the archive is written in another way".to_owned(),
    }
}

fn line(change: &AttributeChange) -> String {
    let (old, new) = (value(&change.old), value(&change.new));
    match &change.xattr {
        Some(name) => format!("xattr {}: {old} -> {new}", printable(name)),
        None => format!("{}: {old} -> {new}", change.attribute),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Type(name) => (*name).to_owned(),
        Value::Mode(mode) => format!("{mode:04o}"),
        Value::Owner(uid, gid) => format!("{uid}:{gid}"),
        Value::Size(size) => size.to_string(),
        Value::Digest(digest) => format!("sha256:{}", hex(&digest[..8])),
        Value::Target(target) => printable(target),
        Value::Device(major, minor) => format!("{major}:{minor}"),
        Value::OtherName(Some(path)) => printable(&shown(path)),
        Value::OtherName(None) | Value::Xattr(None) => "(none)".to_owned(),
        Value::Xattr(Some(value)) if value.len() > SHOWN_VALUE => {
            let start = printable(&value[..SHOWN_VALUE]);
            format!("\"{start}\"... ({} bytes)", value.len())
        }
        Value::Xattr(Some(value)) => format!("\"{}\"", printable(value)),
        Value::Time(at) => time(*at),
    }
}
