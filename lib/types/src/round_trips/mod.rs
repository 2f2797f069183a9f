//! Whatever is printed reads back the same: every type, as text and as JSON.

mod strategies;

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;

use crate::json::{Decode, Encode, Writer, indent, parse};
use crate::manifest_error::from_json;
use crate::{
    AcIdentifier, AcKind, AcName, Date, ExposedPort, Hash, ImageId, ImageManifest, ImageName, Port,
    Quantity, SemVer, Uuid, Volume, check, key_value, kind_of,
};
use strategies as any;

type Outcome = Result<(), TestCaseError>;

/// Text and back, twice: the second text is the first one.
fn through_text<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(value: &T) -> Outcome {
    let text = value.to_string();
    let again = text.parse::<T>();
    prop_assert!(again.is_ok(), "{text:?}: {again:?}");
    let again = again.unwrap();
    prop_assert_eq!(&again, value, "{:?}", text);
    prop_assert_eq!(again.to_string(), text);
    Ok(())
}

/// JSON and back, compact and laid out; the JSON is also what a parser of others reads.
fn through_json<T: Encode + Decode + PartialEq + Debug>(value: &T) -> Outcome {
    let text = Writer::text_of(value);
    for form in [text.clone(), indent(&text, "    "), indent(&text, "\t")] {
        let again = from_json::<T>(form.as_bytes());
        prop_assert!(again.is_ok(), "{form}: {again:?}");
        let again = again.unwrap();
        prop_assert_eq!(&again, value, "{}", &form);
        prop_assert_eq!(Writer::text_of(&again), text.clone());
        let compact = Writer::text_of(&parse(form.as_bytes()).unwrap());
        prop_assert_eq!(compact, text.clone());
        prop_assert!(
            serde_json::from_str::<serde_json::Value>(&form).is_ok(),
            "{form}"
        );
    }
    Ok(())
}

/// Serde's form and back.
fn through_serde<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug>(
    value: &T,
) -> Outcome {
    let text = serde_json::to_string(value).unwrap();
    prop_assert_eq!(
        &serde_json::from_str::<T>(&text).unwrap(),
        value,
        "{}",
        text
    );
    Ok(())
}

macro_rules! text_types {
    ($($test:ident: $type:ty = $strategy:expr;)+) => {
        proptest! {
            $(#[test]
            fn $test(value in $strategy) {
                let value: $type = value;
                through_text(&value)?;
                through_json(&value)?;
                through_serde(&value)?;
            })+
        }
    };
}

text_types! {
    identifiers: AcIdentifier = any::identifier();
    names: AcName = any::name();
    kinds: AcKind = any::kind();
    versions: SemVer = any::sem_ver();
    hashes: Hash = any::hash();
    image_ids: ImageId = any::image_id();
    uuids: Uuid = any::uuid();
}

macro_rules! json_types {
    ($($test:ident: $strategy:expr;)+) => {
        proptest! {
            $(#[test]
            fn $test(value in $strategy) {
                through_json(&value)?;
            })+
        }
    };
}

json_types! {
    labels: any::labels();
    annotations: any::annotations();
    environments: any::environment();
    event_handlers: any::event_handler();
    mount_points: any::mount_point_of(any::text());
    ports: any::port();
    exposed_ports: any::exposed_port();
    volumes: any::volume();
    mounts: any::mount();
    dependencies: any::dependency();
    isolators_alone: any::isolator();
    isolators_together: any::isolators();
    quantities: any::quantity();
    apps: any::app();
    runtime_apps: any::runtime_app();
}

proptest! {
    #[test]
    fn dates(date in any::date()) {
        through_text::<Date>(&date)?;
    }

    #[test]
    fn amounts(quantity in any::quantity()) {
        through_text::<Quantity>(&quantity)?;
    }

    #[test]
    fn volumes_as_text(volume in any::volume_of(any::plain_text())) {
        through_text::<Volume>(&volume)?;
    }

    #[test]
    fn mount_points_as_text(point in any::mount_point_of(any::plain_text())) {
        prop_assume!(!point.path.is_empty());
        through_text(&point)?;
    }

    #[test]
    fn mounts_as_text(mut mount in any::mount(), path in any::plain_text()) {
        // The text form names a volume and a path alone.
        (mount.app_volume, mount.path) = (None, format!("/{path}"));
        through_text(&mount)?;
    }

    #[test]
    fn ports_as_text(port in any::port(), counted: bool) {
        // Without a count the text form says 0.
        let count = if counted { port.count } else { 0 };
        through_text(&Port { count, ..port })?;
    }

    #[test]
    fn exposed_ports_as_text(port in any::exposed_port(), number in 1..=65535_u64) {
        through_text(&ExposedPort { host_port: number, pod_port: None, ..port })?;
    }

    #[test]
    fn image_names(name in any::image_name_of(any::plain_text())) {
        through_text::<ImageName>(&name)?;
        through_serde(&name)?;
    }

    #[test]
    fn image_names_with_any_values_are_kept_by_serde(name in any::image_name_of(any::text())) {
        through_serde(&name)?;
    }

    #[test]
    fn pairs(pairs in proptest::collection::btree_map("[^,=]{1,4}", "[^,]{0,6}", 1..4)) {
        let pieces: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let text = pieces.join(",");
        let read = key_value::parse(&text).unwrap();
        let expected: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn image_manifests(manifest in any::image_manifest()) {
        through_json(&manifest)?;
        prop_assert_eq!(kind_of(&manifest.to_json()).unwrap(), AcKind::ImageManifest);
        prop_assert!(check::findings(&manifest.to_json(), None).valid());
    }

    #[test]
    fn pod_manifests(manifest in any::pod_manifest()) {
        through_json(&manifest)?;
        prop_assert_eq!(kind_of(&manifest.to_json()).unwrap(), AcKind::PodManifest);
        prop_assert!(check::findings(&manifest.to_json(), None).valid());
    }

    /// Damage anywhere: parser and findings agree, and what still reads back prints the same.
    #[test]
    fn damaged_manifests_have_findings_exactly_if_they_are_refused(
        manifest in any::image_manifest(),
        at: prop::sample::Index,
        byte in prop::sample::select(b"{}[]\",:0\\ -xA/\x00\xff".to_vec()),
        twice: bool,
    ) {
        let mut bytes = manifest.to_json();
        let at = at.index(bytes.len());
        if twice {
            bytes.insert(at, byte);
        } else {
            bytes[at] = byte;
        }
        let parsed = ImageManifest::from_json(&bytes);
        let found = check::findings(&bytes, Some(AcKind::ImageManifest));
        prop_assert_eq!(found.valid(), parsed.is_ok(), "{:?} {:?}", found, parsed);
        if let Ok(manifest) = parsed {
            through_json(&manifest)?;
        }
    }
}
