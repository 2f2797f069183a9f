//! The picture of an image as a document for programs.

use std::path::Path;

use gantry_ops::inspect::{
    Check, DependencyLine, Inspection, Notable, Resolution, SignatureInfo, SignatureReport, Trait,
    Verdict,
};
use serde_json::{Map, Value, json};

use super::text::{moment, trait_text};
use crate::commands::{json_bytes, path_text};

/// The whole document, indented.
pub(super) fn document(inspection: &Inspection, image: &Path) -> String {
    let counts = &inspection.counts;
    let manifest = inspection.manifest_text.as_ref();
    let manifest = manifest.and_then(|text| serde_json::from_slice::<Value>(text).ok());
    let document = json!({
        "path": path_text(image),
        "kind": if inspection.compression.is_some() { "image" } else { "layout" },
        "fileSize": inspection.file_size,
        "compression": inspection.compression.map(|known| known.name()),
        "archiveSize": inspection.archive_size,
        "imageID": inspection.image_id.map(|id| id.to_string()),
        "manifestValid": inspection.manifest.is_some(),
        "manifest": manifest,
        "contents": {
            "files": counts.files,
            "hardLinks": counts.hard_links,
            "symlinks": counts.symlinks,
            "directories": counts.directories,
            "devices": counts.devices,
            "fifos": counts.fifos,
            "bytes": counts.bytes,
        },
        "directories": list(&inspection.directories, |directory| {
            with_path(&directory.path, json!({
                "bytes": directory.bytes,
                "entries": directory.entries,
            }))
        }),
        "largest": list(&inspection.largest, |file| {
            with_path(&file.path, json!({"bytes": file.bytes}))
        }),
        "special": list(&inspection.notable, notable),
        "dependencies": list(&inspection.dependencies, dependency),
        "signature": inspection.signature.as_ref().map(signature),
        "problems": inspection.problems,
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn list<T>(items: &[T], value: impl Fn(&T) -> Value) -> Value {
    items.iter().map(value).collect()
}

/// Puts the path before other members.
fn with_path(path: &[u8], rest: Value) -> Value {
    let mut object = Map::new();
    json_bytes(&mut object, "path", &[b"/", path].concat());
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    object.into()
}

fn notable(file: &Notable) -> Value {
    let names = list(&file.traits, |found| match found {
        Trait::Setuid => "setuid".into(),
        Trait::Setgid => "setgid".into(),
        Trait::Capabilities(_) => "capabilities".into(),
        Trait::CharDevice(..) => "character-device".into(),
        Trait::BlockDevice(..) => "block-device".into(),
        Trait::WorldWritable => "world-writable".into(),
    });
    let rest = json!({
        "traits": names,
        "details": list(&file.traits, |found| trait_text(found).into()),
        "mode": format!("{:04o}", file.mode),
        "uid": file.uid,
        "gid": file.gid,
    });
    with_path(&file.path, rest)
}

fn dependency(line: &DependencyLine) -> Value {
    let wanted = &line.dependency;
    let labels = wanted.labels.iter();
    let labels: Map<String, Value> = labels
        .map(|label| (label.name.to_string(), label.value.clone().into()))
        .collect();
    let (state, file, found) = match &line.resolution {
        Resolution::NotGiven => ("not-given", None, None),
        Resolution::Mismatch(_) => ("mismatch", None, None),
        Resolution::Found(path, id) => ("found", Some(path), Some(id)),
        Resolution::Repeated(path, id) => ("repeated", Some(path), Some(id)),
        Resolution::Cycle(path, id) => ("cycle", Some(path), Some(id)),
    };
    let mismatches = match &line.resolution {
        Resolution::Mismatch(files) => files.as_slice(),
        _ => &[],
    };
    json!({
        "level": line.level,
        "imageName": wanted.image_name.as_str(),
        "labels": labels,
        "imageID": wanted.image_id.as_ref().map(ToString::to_string),
        "size": wanted.size,
        "state": state,
        "file": file.map(|path| path_text(path)),
        "foundImageID": found.map(ToString::to_string),
        "mismatches": list(mismatches, |(path, reason)| {
            json!({"file": path_text(path), "reason": reason})
        }),
    })
}

fn signature(report: &SignatureReport) -> Value {
    let (verdict, details) = match &report.check {
        Check::Done(verdict) => {
            let name = match verdict {
                Verdict::Good { .. } => "good",
                Verdict::Bad { .. } => "bad",
                Verdict::Unknown { .. } => "not-verified",
            };
            (name, verdict.to_string())
        }
        Check::NotVerified(reason) => ("not-verified", reason.clone()),
        Check::Unreadable(reason) => ("unreadable", reason.clone()),
    };
    json!({
        "path": path_text(&report.path),
        "armored": report.armored,
        "signatures": list(&report.signatures, made),
        "verdict": verdict,
        "details": details,
    })
}

fn made(signature: &SignatureInfo) -> Value {
    json!({
        "issuers": list(&signature.issuers, |issuer| issuer.to_string().into()),
        "created": signature.created.map(moment),
        "expires": signature.expires.map(moment),
        "hash": signature.hash,
    })
}
