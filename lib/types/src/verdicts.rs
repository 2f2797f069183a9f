//! The table of verdicts in fixtures/appc/verdicts.json against the types.
//!
//! What the original makes of each input stands in the table; its head says how that was found out.

use crate::json::{Decode, Encode, Writer};
use crate::manifest_error::from_json;
use crate::{
    AcIdentifier, AcKind, AcName, Annotations, App, Date, Dependency, Environment, EventHandler,
    ExposedPort, Hash, ImageManifest, ImageName, Isolator, Isolators, Labels, Mount, MountPoint,
    PodManifest, Port, Quantity, RuntimeApp, SemVer, Uuid, Volume, http_url, key_value, kind_of,
    lastditch, os_arch,
};

/// Reads `input` as `kind` says and gives its canonical form, or the error.
fn verdict(kind: &str, input: &str) -> Result<String, String> {
    match kind {
        "ac-identifier" => printed::<AcIdentifier>(input),
        "ac-name" => printed::<AcName>(input),
        "ac-kind" => printed::<AcKind>(input),
        "sem-ver" => printed::<SemVer>(input),
        "date" => printed::<Date>(input),
        "uuid" => printed::<Uuid>(input),
        "hash" => printed::<Hash>(input),
        "quantity" => printed::<Quantity>(input),
        "volume" => printed::<Volume>(input),
        "app-string" => text(ImageName::split(input).map(|(name, mut labels)| {
            labels.sort_by(|a, b| a.name.cmp(&b.name));
            let labels = labels
                .iter()
                .map(|label| format!(",{}={}", label.name, label.value));
            name.to_string() + &labels.collect::<String>()
        })),
        "sanitize-identifier" => text(AcIdentifier::sanitize(input)),
        "sanitize-name" => text(AcName::sanitize(input)),
        "url" => text(http_url::check(input).map(|()| input)),
        "port" => written(input.parse::<Port>()),
        "mount-point" => written(input.parse::<MountPoint>()),
        "key-value" => text(key_value::parse(input).map(|mut pairs| {
            pairs.sort_unstable();
            let pieces = pairs.iter().map(|(key, value)| format!("{key}={value}"));
            pieces.collect::<Vec<_>>().join(",")
        })),
        "appc-os-arch" => {
            let [os, arch, variant] = parts(input);
            text(os_arch::from_go(os, arch, variant).map(|arch| format!("{os},{arch}")))
        }
        "go-os-arch" => {
            let [os, arch] = parts(input);
            text(os_arch::to_go(os, arch).map(|(arch, variant)| format!("{arch},{variant}")))
        }
        "json-kind" => text(kind_of(input.as_bytes())),
        "json-labels" => json::<Labels>(input),
        "json-annotations" => json::<Annotations>(input),
        "json-environment" => json::<Environment>(input),
        "json-event-handler" => json::<EventHandler>(input),
        "json-mount-point" => json::<MountPoint>(input),
        "json-port" => json::<Port>(input),
        "json-exposed-port" => json::<ExposedPort>(input),
        "json-volume" => json::<Volume>(input),
        "json-mount" => json::<Mount>(input),
        "json-dependency" => json::<Dependency>(input),
        "json-isolator" => json::<Isolator>(input),
        "json-isolators" => json::<Isolators>(input),
        "json-app" => json::<App>(input),
        "json-runtime-app" => json::<RuntimeApp>(input),
        "json-image-manifest" => json::<ImageManifest>(input),
        "json-pod-manifest" => json::<PodManifest>(input),
        "lastditch-image" => {
            text(lastditch::ImageManifest::from_json(input.as_bytes()).map(|image| image.name))
        }
        "lastditch-pod" => text(
            lastditch::PodManifest::from_json(input.as_bytes()).map(|pod| {
                let names = pod.apps.into_iter().map(|app| app.name);
                names.collect::<Vec<_>>().join(",")
            }),
        ),
        other => panic!("the table has a kind {other:?} that this test does not know"),
    }
}

fn text<T: ToString, E: ToString>(result: Result<T, E>) -> Result<String, String> {
    match result {
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn printed<T: std::str::FromStr<Err: ToString> + ToString>(input: &str) -> Result<String, String> {
    text(input.parse::<T>())
}

fn written<T: Encode, E: ToString>(result: Result<T, E>) -> Result<String, String> {
    text(result.map(|value| Writer::text_of(&value)))
}

fn json<T: Decode + Encode>(input: &str) -> Result<String, String> {
    written(from_json::<T>(input.as_bytes()))
}

fn parts<const N: usize>(input: &str) -> [&str; N] {
    let parts: Vec<_> = input.split(',').collect();
    parts.try_into().expect("as many parts as the kind has")
}

const TABLE: &str = include_str!("../../../fixtures/appc/verdicts.json");

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    about: Vec<String>,
    rows: Vec<Row>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    rule: String,
    input: String,
    accept: Option<String>,
    reject: Option<String>,
    #[serde(rename = "worded")]
    _worded: Option<String>,
    original: Option<String>,
    why: Option<String>,
}

#[test]
fn every_verdict_of_the_table_is_ours() {
    let table: Table = serde_json::from_str(TABLE).expect("the table is JSON");
    assert!(table.rows.len() > 1000 && !table.about.is_empty());
    let mut wrong = Vec::new();
    for row in &table.rows {
        let Row { kind, input, .. } = row;
        assert_eq!(row.original.is_some(), row.why.is_some(), "{kind} {input}");
        let right = match (verdict(kind, input), &row.accept, &row.reject) {
            (Ok(found), Some(canonical), None) => found == *canonical,
            (Err(found), None, Some(says)) => found.contains(says),
            _ => false,
        };
        if !right {
            let found = verdict(kind, input);
            wrong.push(format!("{kind} {input:?} ({}): {found:?}", row.rule));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_accepted_prints_so_that_it_is_accepted_again() {
    let table: Table = serde_json::from_str(TABLE).expect("the table is JSON");
    for row in table.rows {
        let translated = matches!(&*row.kind, "appc-os-arch" | "go-os-arch" | "json-kind");
        let partly =
            row.kind.starts_with("lastditch") || matches!(&*row.kind, "port" | "mount-point");
        if let (Some(canonical), false) = (row.accept, translated || partly) {
            assert_eq!(
                verdict(&row.kind, &canonical).as_ref(),
                Ok(&canonical),
                "{}",
                row.input
            );
        }
    }
}
