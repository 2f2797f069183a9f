//! What differs between two manifests.

use std::collections::HashMap;

use crate::json::{Node, Value, Writer};
use crate::manifest_error::{ManifestError, tree};

/// One value that differs between two manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestChange {
    /// The way to it, such as `app.user` or `labels["version"].value`.
    pub path: String,
    /// What the first manifest has there, as compact JSON; `None` for nothing.
    pub old: Option<String>,
    /// What the second one has there.
    pub new: Option<String>,
}

/// Compares two manifests, of whatever kind, value by value.
///
/// Neither is checked against the rules for manifests, so that broken ones can be compared and fields of
/// other tools count. White space and the order of an object's members mean nothing; keys match without
/// regard to case and the last of several equal ones counts, as where manifests are read. Lists whose
/// elements have names of their own (labels, ports, dependencies ...) are compared by these; a list that
/// has the same names in another order is a change of the list, `old` and `new` being the names. Other
/// lists of plain values are one value, and lists of lists or nameless objects go by position. Numbers
/// are compared as they are written.
///
/// # Errors
///
/// [`ManifestError::Syntax`] and [`ManifestError::TooLarge`], with 0 or 1 for the manifest at fault.
pub fn manifest_changes(
    old: &[u8],
    new: &[u8],
) -> Result<Vec<ManifestChange>, (usize, ManifestError)> {
    let old = tree(old).map_err(|error| (0, error))?;
    let new = tree(new).map_err(|error| (1, error))?;
    let mut changes = Vec::new();
    compare("", Some(&old), Some(&new), &mut changes);
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(changes)
}

fn compare(path: &str, old: Option<&Node>, new: Option<&Node>, changes: &mut Vec<ManifestChange>) {
    if let (Some(old), Some(new)) = (old, new) {
        match (&old.value, &new.value) {
            (Value::Object(old), Value::Object(new)) => {
                return compare_objects(path, old, new, changes);
            }
            (Value::Array(old), Value::Array(new)) => {
                if let (Some(old), Some(new)) = (Named::new(old), Named::new(new)) {
                    return compare_named(path, &old, &new, changes);
                }
                if !(old.iter().all(is_plain) && new.iter().all(is_plain)) {
                    for index in 0..old.len().max(new.len()) {
                        let path = format!("{path}[{index}]");
                        compare(&path, old.get(index), new.get(index), changes);
                    }
                    return;
                }
            }
            _ => {}
        }
    }
    let (old, new) = (old.map(Writer::text_of), new.map(Writer::text_of));
    if old != new {
        let path = match path {
            "" => "(manifest)".to_owned(),
            path => path.to_owned(),
        };
        changes.push(ManifestChange { path, old, new });
    }
}

fn is_plain(node: &Node) -> bool {
    !matches!(node.value, Value::Array(_) | Value::Object(_))
}

type Member = (Box<str>, Node);

fn compare_objects(path: &str, old: &[Member], new: &[Member], changes: &mut Vec<ManifestChange>) {
    let (old, new) = (by_key(old), by_key(new));
    for (folded, (key, value)) in &old {
        let other = new.get(folded).map(|(_, value)| *value);
        compare(&member_path(path, key), Some(value), other, changes);
    }
    for (folded, (key, value)) in &new {
        if !old.contains_key(folded) {
            compare(&member_path(path, key), None, Some(value), changes);
        }
    }
}

/// Members by their keys without regard to case; of equal ones the last.
fn by_key(members: &[Member]) -> HashMap<String, (&str, &Node)> {
    let members = members.iter();
    members
        .map(|(key, value)| (key.to_ascii_lowercase(), (&**key, value)))
        .collect()
}

fn member_path(path: &str, key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match (path, !key.is_empty() && key.bytes().all(plain)) {
        ("", true) => key.to_owned(),
        (path, true) => format!("{path}.{key}"),
        (path, false) => element_path(path, key),
    }
}

fn element_path(path: &str, name: &str) -> String {
    format!("{path}[{}]", Writer::text_of(&name.to_owned()))
}

/// A list whose elements all have names, and each another one.
struct Named<'a> {
    names: Vec<&'a str>,
    nodes: HashMap<&'a str, &'a Node>,
}

impl<'a> Named<'a> {
    fn new(items: &'a [Node]) -> Option<Self> {
        let names: Option<Vec<&str>> = items.iter().map(name).collect();
        let names = names?;
        let nodes: HashMap<_, _> = names.iter().copied().zip(items).collect();
        (nodes.len() == names.len()).then_some(Self { names, nodes })
    }
}

/// The name of a list's element: `name`, or `imageName` of a dependency.
fn name(node: &Node) -> Option<&str> {
    let Value::Object(members) = &node.value else {
        return None;
    };
    let found = |wanted: &str| {
        let mut members = members.iter().rev();
        members.find(|(key, _)| key.eq_ignore_ascii_case(wanted))
    };
    match found("name").or_else(|| found("imageName")) {
        Some((_, node)) => match &node.value {
            Value::String(name) => Some(name),
            _ => None,
        },
        None => None,
    }
}

fn compare_named(path: &str, old: &Named<'_>, new: &Named<'_>, changes: &mut Vec<ManifestChange>) {
    for name in &old.names {
        let other = new.nodes.get(name).copied();
        let path = element_path(path, name);
        compare(&path, old.nodes.get(name).copied(), other, changes);
    }
    for name in &new.names {
        if !old.nodes.contains_key(name) {
            let path = element_path(path, name);
            compare(&path, None, new.nodes.get(name).copied(), changes);
        }
    }
    let common = |list: &Named<'_>, other: &Named<'_>| -> Vec<String> {
        let names = list.names.iter();
        let names = names.filter(|name| other.nodes.contains_key(*name));
        names.map(|name| (*name).to_owned()).collect()
    };
    let (old_names, new_names) = (common(old, new), common(new, old));
    if old_names != new_names {
        changes.push(ManifestChange {
            path: format!("{path} (order)"),
            old: Some(Writer::text_of(&old_names)),
            new: Some(Writer::text_of(&new_names)),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changed(old: &str, new: &str) -> Vec<String> {
        let changes = manifest_changes(old.as_bytes(), new.as_bytes()).unwrap();
        let none = || "none".to_owned();
        let line = |change: ManifestChange| {
            let (old, new) = (change.old, change.new);
            format!(
                "{}: {} -> {}",
                change.path,
                old.unwrap_or_else(none),
                new.unwrap_or_else(none)
            )
        };
        changes.into_iter().map(line).collect()
    }

    #[test]
    fn values_that_differ_are_named_by_their_path() {
        let cases: [(&str, &str, &[&str]); 17] = [
            (r#"{"a":1,"b":2}"#, r#" { "b" : 2, "A" : 1 } "#, &[]),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, &[]),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, &["a: 1 -> 1.0"]),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, &[r#"a: 1 -> "1""#]),
            (r#"{"a":null}"#, "{}", &["a: null -> none"]),
            ("{}", "[]", &["(manifest): {} -> []"]),
            (
                r#"{"app":{"user":"0"}}"#,
                r#"{"app":{"user":"1","group":"0"}}"#,
                &[r#"app.group: none -> "0""#, r#"app.user: "0" -> "1""#],
            ),
            (
                r#"{"exec":["/a"]}"#,
                r#"{"exec":["/a","-x"]}"#,
                &[r#"exec: ["/a"] -> ["/a","-x"]"#],
            ),
            (
                r#"{"labels":[{"name":"version","value":"1"},{"name":"os","value":"linux"}]}"#,
                r#"{"labels":[{"name":"version","value":"2"}]}"#,
                &[
                    r#"labels["os"]: {"name":"os","value":"linux"} -> none"#,
                    r#"labels["version"].value: "1" -> "2""#,
                ],
            ),
            (
                r#"{"l":[{"name":"a"},{"name":"b"}]}"#,
                r#"{"l":[{"name":"b"},{"name":"c"},{"name":"a"}]}"#,
                &[
                    r#"l (order): ["a","b"] -> ["b","a"]"#,
                    r#"l["c"]: none -> {"name":"c"}"#,
                ],
            ),
            (
                r#"{"dependencies":[{"imageName":"a.test/b","size":1}]}"#,
                r#"{"dependencies":[{"imageName":"a.test/b","size":2}]}"#,
                &[r#"dependencies["a.test/b"].size: 1 -> 2"#],
            ),
            // One name twice: by position.
            (
                r#"{"l":[{"name":"a","v":1},{"name":"a","v":2}]}"#,
                r#"{"l":[{"name":"a","v":1},{"name":"a","v":3}]}"#,
                &["l[1].v: 2 -> 3"],
            ),
            (
                r#"{"l":[[1],[2]]}"#,
                r#"{"l":[[1]]}"#,
                &["l[1]: [2] -> none"],
            ),
            (
                r#"{"l":[{"name":1}]}"#,
                r#"{"l":[{"name":2}]}"#,
                &["l[0].name: 1 -> 2"],
            ),
            (r#"{"a b":1}"#, r#"{"a b":2}"#, &[r#"["a b"]: 1 -> 2"#]),
            (
                r#"{"n":18446744073709551616}"#,
                r#"{"n":18446744073709551617}"#,
                &["n: 18446744073709551616 -> 18446744073709551617"],
            ),
            (r#""x""#, r#""x""#, &[]),
        ];
        for (old, new, expected) in cases {
            assert_eq!(changed(old, new), expected, "{old} {new}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_side() {
        assert_eq!(manifest_changes(b"{", b"{}").unwrap_err().0, 0);
        assert_eq!(manifest_changes(b"{}", b"}").unwrap_err().0, 1);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u8>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]|name", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_manifest_differs_from_others_only_and_both_ways(old in json(), new in json()) {
            let (old, new) = (old.to_string(), new.to_string());
            let there = manifest_changes(old.as_bytes(), new.as_bytes()).unwrap();
            let back = manifest_changes(new.as_bytes(), old.as_bytes()).unwrap();
            prop_assert_eq!(there.is_empty(), old == new);
            let turned: Vec<_> = back
                .into_iter()
                .map(|change| ManifestChange { old: change.new, new: change.old, ..change })
                .collect();
            prop_assert_eq!(there, turned);
        }
    }
}
