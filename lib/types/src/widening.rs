//! What isolators give an app beyond what every app has.

use std::collections::BTreeSet;
use std::fmt;

use crate::isolator::{CapabilitySet, DEFAULT_CAPABILITIES, Isolator, IsolatorValue};
use crate::seccomp::SeccompRules;

/// An isolator that gives an app more than it would have without; `Display` says what.
///
/// What the manifest wrote is escaped and cut: there are no control characters in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widening {
    /// Name of the isolator.
    pub isolator: String,
    /// What it does, as the rest of a sentence whose subject it is.
    pub gives: String,
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.isolator, self.gives)
    }
}

/// Those of the isolators of an app that widen the defaults, in their order.
///
/// Limits of resources, shares of the processor and requests do not: an app takes with them at most from
/// the other apps of its pod. Neither does `os/linux/no-new-privileges`, which is off by default.
#[must_use]
pub fn widenings<'a>(isolators: impl IntoIterator<Item = &'a Isolator>) -> Vec<Widening> {
    let widening = |isolator: &Isolator| {
        gives(isolator.value()).map(|gives| Widening {
            isolator: isolator.name().to_string(),
            gives,
        })
    };
    isolators.into_iter().filter_map(widening).collect()
}

fn gives(value: &IsolatorValue) -> Option<String> {
    match value {
        IsolatorValue::CapabilitiesRetainSet(set) => capabilities(set),
        IsolatorValue::SeccompRetainSet(_) | IsolatorValue::SeccompRemoveSet(_) => {
            system_calls(value)
        }
        IsolatorValue::OomScoreAdj(score) if *score < 0 => Some(format!(
            "has other processes killed before the app when memory is short ({score})"
        )),
        IsolatorValue::SelinuxContext(context) => Some(format!(
            "chooses the SELinux context {}",
            quoted(&context.to_string())
        )),
        IsolatorValue::ApparmorProfile(profile) => Some(format!(
            "chooses the AppArmor profile {}",
            quoted(profile.profile())
        )),
        IsolatorValue::Sysctl(parameters) if !parameters.is_empty() => {
            let names = listed(parameters.keys().map(String::as_str));
            Some(format!("sets {names} for the whole pod"))
        }
        // What nobody knows does nothing, and no app can have it.
        IsolatorValue::CapabilitiesRemoveSet(_)
        | IsolatorValue::NoNewPrivileges(_)
        | IsolatorValue::OomScoreAdj(_)
        | IsolatorValue::CpuShares(_)
        | IsolatorValue::Sysctl(_)
        | IsolatorValue::BlockBandwidth(_)
        | IsolatorValue::BlockIops(_)
        | IsolatorValue::NetworkBandwidth(_)
        | IsolatorValue::Cpu(_)
        | IsolatorValue::Memory(_)
        | IsolatorValue::Unknown => None,
    }
}

fn capabilities(set: &CapabilitySet) -> Option<String> {
    let names: BTreeSet<&str> = set
        .names()
        .iter()
        .map(String::as_str)
        .filter(|name| !DEFAULT_CAPABILITIES.contains(name))
        .collect();
    let any = !names.is_empty();
    any.then(|| format!("gives {} beyond the default capabilities", listed(names)))
}

fn system_calls(value: &IsolatorValue) -> Option<String> {
    let Some(rules) = SeccompRules::of_value(value)?.rules else {
        return Some("allows every system call".to_owned());
    };
    if !rules.widen() {
        return None;
    }
    if !rules.retain {
        return Some("allows every system call that it does not name".to_owned());
    }
    let default = SeccompRules::default_rules().names;
    let beyond: Vec<&str> = rules
        .names
        .difference(&default)
        .map(String::as_str)
        .collect();
    Some(match beyond.is_empty() {
        true => "allows clone to make namespaces".to_owned(),
        false => format!("allows {} beyond the default system calls", listed(beyond)),
    })
}

/// How many names are spelled out.
const MOST_NAMES: usize = 4;
/// How long what the manifest wrote may get, in characters.
const MOST_CHARACTERS: usize = 60;

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| cut(name))
        .collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(MOST_CHARACTERS).collect();
    let whole = kept.len() == text.len();
    kept = kept.escape_debug().to_string();
    if !whole {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn isolator(name: &str, json: &str) -> Isolator {
        Isolator::from_json_value(name.parse().unwrap(), json.as_bytes()).unwrap()
    }

    fn told(name: &str, json: &str) -> Vec<String> {
        let found = widenings(&[isolator(name, json)]);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_widens_is_named() {
        for (name, json, expected) in [
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["CAP_KILL","CAP_SYS_ADMIN","CAP_BPF"]}"#,
                "gives CAP_BPF, CAP_SYS_ADMIN beyond the default capabilities",
            ),
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["A","B","C","D","E","F","A"]}"#,
                "gives A, B, C, D and 2 more beyond the default capabilities",
            ),
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["\u001b[2J\n"]}"#,
                r"gives \u{1b}[2J\n beyond the default capabilities",
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["@appc.io/all"]}"#,
                "allows every system call",
            ),
            (
                "os/linux/seccomp-remove-set",
                r#"{"set":["mount"]}"#,
                "allows every system call that it does not name",
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["@rkt/default-whitelist","mount","bpf"],"errno":"EPERM"}"#,
                "allows bpf, mount beyond the default system calls",
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["clone"]}"#,
                "allows clone to make namespaces",
            ),
            (
                "os/linux/oom-score-adj",
                "-1",
                "has other processes killed before the app when memory is short (-1)",
            ),
            (
                "os/linux/selinux-context",
                r#"{"user":"u","role":"r","type":"t","level":"s0:c1"}"#,
                r#"chooses the SELinux context "u:r:t:s0:c1""#,
            ),
            (
                "os/linux/apparmor-profile",
                r#"{"profile":"unconfined"}"#,
                r#"chooses the AppArmor profile "unconfined""#,
            ),
            (
                "os/unix/sysctl",
                r#"{"net.ipv4.ip_forward":"1","kernel.msgmax":"2"}"#,
                "sets kernel.msgmax, net.ipv4.ip_forward for the whole pod",
            ),
        ] {
            assert_eq!(told(name, json), [format!("{name} {expected}")]);
        }
        let long = format!(r#"{{"profile":"{}"}}"#, "é".repeat(1000));
        let told = told("os/linux/apparmor-profile", &long).concat();
        assert!(
            told.ends_with("é…\"") && told.chars().count() < 120,
            "{told}"
        );
    }

    #[test]
    fn what_narrows_or_changes_nothing_is_not() {
        for (name, json) in [
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["CAP_KILL"]}"#,
            ),
            // Taken from the default ones, whatever it names.
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":["CAP_SYS_ADMIN"]}"#,
            ),
            ("os/linux/seccomp-retain-set", r#"{"set":["read","write"]}"#),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["@rkt/default-whitelist"]}"#,
            ),
            (
                "os/linux/seccomp-remove-set",
                r#"{"set":["@appc.io/empty"]}"#,
            ),
            ("os/linux/seccomp-remove-set", r#"{"set":["@appc.io/all"]}"#),
            ("os/linux/no-new-privileges", "true"),
            ("os/linux/no-new-privileges", "false"),
            ("os/linux/oom-score-adj", "0"),
            ("os/linux/oom-score-adj", "1000"),
            ("os/linux/cpu-shares", "262144"),
            ("os/unix/sysctl", "{}"),
            ("resource/memory", r#"{"request":"1G","limit":"1G"}"#),
            ("resource/cpu", r#"{"limit":"500m"}"#),
            ("resource/block-iops", r#"{"default":true,"limit":"5"}"#),
        ] {
            assert_eq!(told(name, json), [""; 0], "{name} {json}");
        }
        let all = serde_json::to_string(&DEFAULT_CAPABILITIES).unwrap();
        let all = format!(r#"{{"set":{all}}}"#);
        assert_eq!(told("os/linux/capabilities-retain-set", &all), [""; 0]);
    }

    fn set(names: &[String]) -> String {
        serde_json::json!({ "set": names }).to_string()
    }

    fn default_calls() -> Vec<String> {
        let calls = SeccompRules::default_rules().names.into_iter();
        calls.filter(|name| name != "clone").collect()
    }

    proptest! {
        #[test]
        fn parts_of_the_defaults_never_widen_and_anything_more_does(
            capabilities in proptest::sample::subsequence(DEFAULT_CAPABILITIES.to_vec(), 1..14),
            calls in proptest::sample::subsequence(default_calls(), 1..50),
            removed in proptest::collection::vec("CAP_[A-Z_]{1,9}", 1..5),
            score in 0..=1000_i32,
            shares in 2..=262_144_u32,
            more in "[0-9][a-z0-9]{0,9}",
        ) {
            let mut capabilities: Vec<String> =
                capabilities.into_iter().map(str::to_owned).collect();
            let mut calls = calls;
            let retain = "os/linux/capabilities-retain-set";
            let narrow = [
                isolator(retain, &set(&capabilities)),
                isolator("os/linux/seccomp-retain-set", &set(&calls)),
                isolator("os/linux/capabilities-remove-set", &set(&removed)),
                isolator("os/linux/oom-score-adj", &score.to_string()),
                isolator("os/linux/cpu-shares", &shares.to_string()),
            ];
            prop_assert_eq!(widenings(&narrow), vec![]);
            capabilities.push(more.clone());
            calls.push(more.clone());
            let wide = [
                isolator(retain, &set(&capabilities)),
                isolator("os/linux/seccomp-retain-set", &set(&calls)),
            ];
            let found = widenings(&wide);
            prop_assert_eq!(found.len(), 2);
            prop_assert!(found.iter().all(|widening| widening.gives.contains(&more)));
        }

        #[test]
        fn the_text_is_short_and_has_no_control_characters(
            names in proptest::collection::vec("\\PC*|[\\x00-\\x1f]{1,99}", 1..20),
        ) {
            let names: Vec<String> = names;
            for widening in widenings(&[isolator("os/linux/capabilities-retain-set", &set(&names))]) {
                let text = widening.to_string();
                prop_assert!(!text.contains(char::is_control), "{:?}", text);
                prop_assert!(text.chars().count() < 3000);
            }
        }
    }
}
