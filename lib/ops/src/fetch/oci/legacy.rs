//! Archives of `docker save` before Docker 1.10: `repositories`, and a directory for every layer.

use std::collections::BTreeMap;
use std::collections::HashSet;

use gantry_types::oci::{ImageConfig, MAX_LAYERS};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::SourceError;
use super::docker_archive::{Parts, examine, is_called, several};
use super::tar_file::{Member, TarFile};

const FORMAT: &str = "archive of docker save";

/// Images of the old format become what current ones are.
pub(super) struct Legacy;

/// The file `ID/json` of a layer.
#[derive(Deserialize)]
struct Layer {
    #[serde(default)]
    parent: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Legacy {
    /// Finds the image with the name, or the only one, and makes a configuration of what its layers say.
    pub(super) fn parts(archive: &TarFile, name: Option<&str>) -> Result<Parts, SourceError> {
        let malformed = |reason: String| SourceError::Format {
            path: archive.path().to_owned(),
            format: FORMAT,
            reason,
        };
        if archive.member("repositories").is_none() {
            return Err(malformed(
                "it has neither manifest.json nor repositories".to_owned(),
            ));
        }
        let json = archive.document("repositories", FORMAT)?;
        let repositories: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_slice(&json)
                .map_err(|error| malformed(format!("repositories: {error}")))?;
        let images: Vec<(String, &String)> = repositories
            .iter()
            .flat_map(|(name, tags)| {
                tags.iter()
                    .map(move |(tag, id)| (format!("{name}:{tag}"), id))
            })
            .collect();
        let found = match name {
            None if images.len() == 1 => images.first(),
            None => None,
            Some(name) => images.iter().find(|(tag, _)| is_called(tag, name)),
        };
        let Some((name, id)) = found else {
            let offered = images.into_iter().map(|(tag, _)| tag).take(64).collect();
            return Err(several(archive.path(), name, offered));
        };
        let mut chain: Vec<(Member, Map<String, Value>)> = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some((*id).clone());
        while let Some(id) = next {
            let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !digits {
                return Err(malformed(format!("invalid layer ID {id:?}")));
            }
            if !seen.insert(id.clone()) {
                return Err(malformed(format!(
                    "dependency loop detected at image {id:?}"
                )));
            }
            if chain.len() == MAX_LAYERS {
                return Err(malformed(format!("it has more than {MAX_LAYERS} layers")));
            }
            let json = archive.document(&format!("{id}/json"), FORMAT)?;
            let layer: Layer = serde_json::from_slice(&json)
                .map_err(|error| malformed(format!("{id}/json: {error}")))?;
            let name = format!("{id}/layer.tar");
            let member = archive.member(&name);
            chain.push((
                member.ok_or_else(|| malformed(format!("it has no {name}")))?,
                layer.rest,
            ));
            next = layer.parent.filter(|parent| !parent.is_empty());
        }
        let Some((_, top)) = chain.first() else {
            return Err(malformed("it has no layers".to_owned()));
        };
        let top = top.clone();
        chain.reverse();
        let layers: Vec<Member> = chain.into_iter().map(|(member, _)| member).collect();
        let mut diff_ids = Vec::new();
        for member in &layers {
            diff_ids.push(examine(archive, *member)?.0.to_string());
        }
        let text = |key: &str, default: &str| match top.get(key).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => default.to_owned(),
        };
        let config = json!({
            "created": text("created", ""),
            "author": text("author", ""),
            "comment": text("comment", ""),
            "architecture": text("architecture", "amd64"),
            "os": text("os", "linux"),
            "config": top.get("config").cloned().unwrap_or(Value::Null),
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = ImageConfig::from_json(config.to_string().as_bytes())
            .map_err(|error| malformed(format!("{id}/json: {error}")))?;
        Ok(Parts {
            config: config.to_json(),
            layers,
            name: Some(name.clone()),
        })
    }
}
