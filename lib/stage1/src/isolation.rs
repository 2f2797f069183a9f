//! What the isolators of an app mean for the process that becomes it.

use gantry_sys::capability::Capabilities;
use gantry_types::{DEFAULT_CAPABILITIES, Isolators};

use crate::limits;

/// The isolators, decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Isolation {
    pub(crate) capabilities: Capabilities,
    pub(crate) no_new_privileges: bool,
    /// Names of isolators that are asked for and that nothing here enforces.
    pub(crate) not_enforced: Vec<String>,
    /// Names in capability sets that no kernel known here has.
    pub(crate) unknown_capabilities: Vec<String>,
}

/// The isolators of an app cannot be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IsolationError {
    /// The value of an isolator has another form.
    #[error("isolator {name} has a malformed value")]
    Value { name: String },
    /// Both sets are there.
    #[error("an app has either a retain set or a remove set of capabilities, not both or several")]
    TwoSets,
}

/// Decides the isolators of an app.
pub(crate) fn of(isolators: &Isolators) -> Result<Isolation, IsolationError> {
    let default: Capabilities = DEFAULT_CAPABILITIES
        .iter()
        .filter_map(|name| Capabilities::from_name(name))
        .collect();
    let mut capabilities = None;
    let mut isolation = Isolation {
        capabilities: default,
        no_new_privileges: false,
        not_enforced: Vec::new(),
        unknown_capabilities: Vec::new(),
    };
    for isolator in isolators.iter() {
        let name = isolator.name().as_str();
        let malformed = || IsolationError::Value {
            name: name.to_owned(),
        };
        let value: serde_json::Value =
            serde_json::from_str(isolator.value_json()).map_err(|_| malformed())?;
        match name {
            "os/linux/capabilities-retain-set" | "os/linux/capabilities-remove-set" => {
                let set = set(&value, &mut isolation.unknown_capabilities).ok_or_else(malformed)?;
                let set = if name.ends_with("retain-set") {
                    set
                } else {
                    default.without(set)
                };
                if capabilities.replace(set).is_some() {
                    return Err(IsolationError::TwoSets);
                }
            }
            "os/linux/no-new-privileges" => {
                isolation.no_new_privileges |= value.as_bool().ok_or_else(malformed)?;
            }
            // Decided there, as a whole.
            name if crate::seccomp::is_about(name)
                || crate::label::is_about(name)
                || name == crate::sysctl::ISOLATOR => {}
            _ if limits::enforces(isolator.value()) => {}
            _ => isolation.not_enforced.push(name.to_owned()),
        }
    }
    isolation.capabilities = capabilities.unwrap_or(default);
    Ok(isolation)
}

/// Reads `{"set": [NAME…]}`.
fn set(value: &serde_json::Value, unknown: &mut Vec<String>) -> Option<Capabilities> {
    let mut capabilities = Capabilities::NONE;
    for name in value.get("set")?.as_array()? {
        let name = name.as_str()?;
        match Capabilities::from_name(name) {
            Some(capability) => capabilities = capabilities.union(capability),
            None => unknown.push(name.to_owned()),
        }
    }
    Some(capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_types::PodManifest;

    fn isolation(isolators: &str) -> Result<Isolation, IsolationError> {
        let id = "0".repeat(128);
        let text = format!(
            r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{{"name":"a",
            "image":{{"id":"sha512-{id}"}},
            "app":{{"exec":["/a"],"user":"0","group":"0","isolators":{isolators}}}}}]}}"#
        );
        let pod = PodManifest::from_json(text.as_bytes()).unwrap();
        of(&pod.apps[0].app.as_ref().unwrap().isolators)
    }

    fn named(names: &[&str]) -> Capabilities {
        names
            .iter()
            .map(|name| Capabilities::from_name(name).unwrap())
            .collect()
    }

    #[test]
    fn without_isolators_there_are_fourteen_capabilities() {
        let isolation = isolation("[]").unwrap();
        assert_eq!(isolation.capabilities.bits().count_ones(), 14);
        assert_eq!(isolation.capabilities.bits(), 0xa804_25fb);
        assert!(!isolation.no_new_privileges);
    }

    #[test]
    fn sets_retain_and_remove() {
        let retain = r#"[{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_KILL","CAP_SYS_ADMIN"]}}]"#;
        let retained = isolation(retain).unwrap().capabilities;
        assert_eq!(retained, named(&["CAP_KILL", "CAP_SYS_ADMIN"]));
        let remove = r#"[{"name":"os/linux/capabilities-remove-set","value":{"set":["CAP_KILL","CAP_PONIES"]}}]"#;
        let removed = isolation(remove).unwrap();
        assert_eq!(removed.capabilities.bits().count_ones(), 13);
        assert_eq!(removed.unknown_capabilities, ["CAP_PONIES"]);
        let both = format!("{},{}", &retain[..retain.len() - 1], &remove[1..]);
        assert!(matches!(isolation(&both), Err(IsolationError::TwoSets)));
    }

    #[test]
    fn what_is_not_enforced_is_named() {
        let isolation = isolation(
            r#"[{"name":"os/linux/no-new-privileges","value":true},
            {"name":"resource/memory","value":{"limit":"1G"}},
            {"name":"resource/network-bandwidth","value":{"default":true,"limit":"1G"}}]"#,
        )
        .unwrap();
        assert!(isolation.no_new_privileges);
        assert_eq!(isolation.not_enforced, ["resource/network-bandwidth"]);
    }
}
