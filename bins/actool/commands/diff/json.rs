//! Differences as a document for programs.

use std::path::Path;

use gantry_ops::diff::{AttributeChange, Differences, FileChange, FileDifference, Reason, Value};
use gantry_types::ManifestChange;
use gantry_types::show::hex;
use serde_json::{Map, json};

use super::{same_id, shown};
use crate::commands::{json_bytes, path_text};
use crate::times::time;

/// The whole document, indented.
pub(super) fn document(differences: &Differences, paths: [&Path; 2]) -> String {
    let images = differences.sides.iter().zip(paths).map(|(side, path)| {
        json!({
            "path": path_text(path),
            "compression": side.compression.map(|known| known.name()),
            "imageID": side.image_id.map(|id| id.to_string()),
        })
    });
    let order = differences.order.as_ref().map(|order| {
        let mut object = Map::new();
        json_bytes(&mut object, "old", &order.old);
        json_bytes(&mut object, "new", &order.new);
        object
    });
    let document = json!({
        "equal": differences.is_empty(),
        "images": images.collect::<Vec<_>>(),
        "manifest": differences.manifest.iter().map(manifest_change).collect::<Vec<_>>(),
        "manifestEntry": attributes(&differences.manifest_entry),
        "files": differences.files.iter().map(file).collect::<Vec<_>>(),
        "order": order,
        "sameImageID": same_id(differences),
        "reasons": differences.reasons.iter().map(|one| reason(*one)).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn manifest_change(change: &ManifestChange) -> serde_json::Value {
    let mut object = Map::new();
    object.insert("path".to_owned(), change.path.as_str().into());
    for (key, text) in [("old", &change.old), ("new", &change.new)] {
        if let Some(text) = text {
            object.insert(key.to_owned(), manifest_value(text));
        }
    }
    object.into()
}

/// A value of a manifest; a number that programs may not hold exactly stays the text it is.
fn manifest_value(text: &str) -> serde_json::Value {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Number(number)) if number.to_string() != text => text.into(),
        Ok(value) => value,
        Err(_) => text.into(),
    }
}

fn file(difference: &FileDifference) -> serde_json::Value {
    let mut object = Map::new();
    json_bytes(&mut object, "path", &shown(&difference.path));
    let mut add = |key: &str, value: serde_json::Value| object.insert(key.to_owned(), value);
    match &difference.change {
        FileChange::Removed(kind) => {
            add("change", "removed".into());
            add("type", (*kind).into());
        }
        FileChange::Added(kind) => {
            add("change", "added".into());
            add("type", (*kind).into());
        }
        FileChange::Changed(changes) => {
            add("change", "changed".into());
            add("attributes", attributes(changes));
        }
    }
    object.into()
}

fn attributes(changes: &[AttributeChange]) -> serde_json::Value {
    let object = |change: &AttributeChange| {
        let mut object = Map::new();
        object.insert("attribute".to_owned(), change.attribute.name().into());
        if let Some(name) = &change.xattr {
            json_bytes(&mut object, "name", name);
        }
        insert(&mut object, "old", &change.old);
        insert(&mut object, "new", &change.new);
        serde_json::Value::from(object)
    };
    changes.iter().map(object).collect()
}

/// Adds a value; one that is not there is `null`.
fn insert(object: &mut Map<String, serde_json::Value>, key: &str, value: &Value) {
    let plain: serde_json::Value = match value {
        Value::Type(name) => (*name).into(),
        Value::Mode(mode) => format!("{mode:04o}").into(),
        Value::Owner(uid, gid) => json!({"uid": uid, "gid": gid}),
        Value::Size(size) => (*size).into(),
        Value::Digest(digest) => format!("sha256:{}", hex(digest)).into(),
        Value::Device(major, minor) => json!({"major": major, "minor": minor}),
        Value::Time(at) => time(*at).into(),
        Value::OtherName(None) | Value::Xattr(None) => serde_json::Value::Null,
        Value::Target(bytes) | Value::Xattr(Some(bytes)) => {
            return json_bytes(object, key, bytes);
        }
        Value::OtherName(Some(path)) => return json_bytes(object, key, &shown(path)),
    };
    object.insert(key.to_owned(), plain);
}

/// The name of a reason; an ignored attribute stands behind a colon.
fn reason(reason: Reason) -> String {
    match reason {
        Reason::Manifest => "manifest".to_owned(),
        Reason::ManifestText => "manifest-text".to_owned(),
        Reason::Files => "files".to_owned(),
        Reason::Ignored(attribute) => format!("ignored:{attribute}"),
        Reason::Order => "order".to_owned(),
        Reason::Archive => "archive".to_owned(),
    }
}
