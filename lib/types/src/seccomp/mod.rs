//! What the isolators of an app say about its system calls.
//!
//! Names only: which numbers they have is the business of whoever makes a filter of them.

mod sets;

use std::collections::BTreeSet;

use crate::isolator::{IsolatorValue, Isolators, SeccompSet};

/// Which system calls an app may make.
///
/// Source: appc spec, ace.md; rkt 1.30, Documentation/seccomp-guide.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeccompRules {
    /// Whether `names` are the calls that are allowed, or those that are not.
    pub retain: bool,
    /// System calls.
    pub names: BTreeSet<String>,
    /// Name of the error that other calls fail with; without one they kill the app.
    pub errno: Option<String>,
    /// Whether clone(2) is allowed for processes and threads, but not for namespaces.
    pub namespaces_kept: bool,
}

/// The rules of an app, and what was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeccompDecision {
    /// The rules; `None` if the app may make every call.
    pub rules: Option<SeccompRules>,
    /// Sets, such as `@rkt/ponies`, that nobody knows.
    pub unknown_sets: Vec<String>,
}

/// A set with a meaning of its own: with it, no calls are named.
const ALL: &str = "@appc.io/all";
const EMPTY: &str = "@appc.io/empty";

/// The calls of a named set.
fn calls_of(name: &str) -> Option<Vec<&'static str>> {
    let lists: &[&'static str] = match name {
        "@docker/default-whitelist" => &[sets::DEFAULT, sets::DEFAULT_SINCE],
        "@rkt/default-whitelist" => &[sets::DEFAULT, sets::DEFAULT_SINCE, sets::DEFAULT_ARM],
        "@docker/default-blacklist" | "@rkt/default-blacklist" => {
            &[sets::DEFAULT_BLACKLIST, sets::DEFAULT_BLACKLIST_SINCE]
        }
        "@systemd/clock" => &[sets::SYSTEMD_CLOCK],
        "@systemd/default-whitelist" => &[sets::SYSTEMD_DEFAULT],
        "@systemd/mount" => &[sets::SYSTEMD_MOUNT],
        "@systemd/network-io" => &[sets::SYSTEMD_NETWORK_IO],
        "@systemd/obsolete" => &[sets::SYSTEMD_OBSOLETE],
        "@systemd/privileged" => &[sets::SYSTEMD_PRIVILEGED],
        "@systemd/process" => &[sets::SYSTEMD_PROCESS],
        "@systemd/raw-io" => &[sets::SYSTEMD_RAW_IO],
        _ => return None,
    };
    Some(
        lists
            .iter()
            .flat_map(|list| list.split_whitespace())
            .collect(),
    )
}

impl SeccompRules {
    /// The rules of an app that says nothing about system calls.
    ///
    /// What is not allowed fails with `EPERM`, as in other container runtimes of today: libraries go
    /// on without it, where a signal would end the app.
    #[must_use]
    pub fn default_rules() -> Self {
        let names = calls_of("@rkt/default-whitelist").unwrap_or_default();
        Self {
            retain: true,
            names: names.into_iter().map(str::to_owned).collect(),
            errno: Some("EPERM".to_owned()),
            namespaces_kept: true,
        }
    }

    /// Decides the isolators of an app. At most one of them is about system calls, see [`Isolators`].
    #[must_use]
    pub fn of(isolators: &Isolators) -> SeccompDecision {
        isolators
            .iter()
            .find_map(|isolator| Self::of_value(isolator.value()))
            .unwrap_or(SeccompDecision {
                rules: Some(Self::default_rules()),
                unknown_sets: Vec::new(),
            })
    }

    /// Decides one isolator; `None` for one that is not about system calls.
    pub(crate) fn of_value(value: &IsolatorValue) -> Option<SeccompDecision> {
        match value {
            IsolatorValue::SeccompRetainSet(set) => Some(Self::of_set(set, true)),
            IsolatorValue::SeccompRemoveSet(set) => Some(Self::of_set(set, false)),
            _ => None,
        }
    }

    fn of_set(set: &SeccompSet, retain: bool) -> SeccompDecision {
        let has = |wanted: &str| set.set().iter().any(|name| name == wanted);
        let mut decision = SeccompDecision {
            rules: None,
            unknown_sets: Vec::new(),
        };
        if has(if retain { ALL } else { EMPTY }) {
            decision.rules = (!retain).then(|| Self {
                errno: set.errno().or(Some("EPERM")).map(str::to_owned),
                ..Self::default_rules()
            });
            return decision;
        }
        let mut rules = Self {
            // All calls removed is no call retained.
            retain: retain || has(ALL),
            names: BTreeSet::new(),
            errno: set.errno().map(str::to_owned),
            namespaces_kept: false,
        };
        let mut clone_in_default = false;
        let mut clone_by_name = false;
        for name in set.set() {
            match calls_of(name) {
                _ if rules.retain && !retain => {}
                Some(calls) => {
                    clone_in_default |= name.ends_with("/default-whitelist");
                    clone_by_name |= name == "@systemd/process";
                    rules.names.extend(calls.into_iter().map(str::to_owned));
                }
                None if name == ALL || name == EMPTY => {}
                None if name.starts_with('@') => decision.unknown_sets.push(name.clone()),
                None => {
                    clone_by_name |= name == "clone";
                    rules.names.insert(name.clone());
                }
            }
        }
        rules.namespaces_kept = rules.retain && clone_in_default && !clone_by_name;
        if rules.retain {
            // Without these not even the program could be executed. Source: systemd.exec(5).
            let always = sets::SYSTEMD_DEFAULT.split_whitespace();
            rules.names.extend(always.map(str::to_owned));
        }
        decision.rules = Some(rules);
        decision
    }

    /// Whether these rules allow a call that the default ones do not.
    #[must_use]
    pub fn widen(&self) -> bool {
        let default = Self::default_rules();
        // A list of what is not allowed allows every call that is yet to be invented.
        !self.retain
            || !self.names.is_subset(&default.names)
            || (self.names.contains("clone") && !self.namespaces_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolator::Isolator;
    use proptest::prelude::*;

    fn decide(retain: bool, set: &[&str], errno: &str) -> SeccompDecision {
        let set = SeccompSet::new(set.iter().map(|name| (*name).to_owned()).collect(), errno);
        let set = set.unwrap();
        let value = match retain {
            true => IsolatorValue::SeccompRetainSet(set),
            false => IsolatorValue::SeccompRemoveSet(set),
        };
        SeccompRules::of(&Isolators::new(vec![Isolator::new(value).unwrap()]).unwrap())
    }

    #[test]
    fn sets_have_the_sizes_of_the_original() {
        let count = |list: &str| list.split_whitespace().count();
        assert_eq!(count(sets::DEFAULT), 309);
        assert_eq!(count(sets::DEFAULT_ARM), 6);
        // Two more stand there as comments: clone and personality, of which only some arguments are meant.
        assert_eq!(count(sets::DEFAULT_BLACKLIST), 50);
        let default: BTreeSet<&str> = sets::DEFAULT
            .split_whitespace()
            .chain(sets::DEFAULT_SINCE.split_whitespace())
            .collect();
        assert_eq!(
            default.len(),
            count(sets::DEFAULT) + count(sets::DEFAULT_SINCE)
        );
        for list in [sets::DEFAULT_BLACKLIST, sets::DEFAULT_BLACKLIST_SINCE] {
            for name in list.split_whitespace() {
                assert!(!default.contains(name), "{name}");
            }
        }
    }

    #[test]
    fn without_an_isolator_the_default_list_holds() {
        let decision = SeccompRules::of(&Isolators::default());
        let rules = decision.rules.unwrap();
        assert_eq!(rules, SeccompRules::default_rules());
        assert!(rules.names.contains("read") && !rules.names.contains("mount"));
        assert!(!rules.widen());
    }

    #[test]
    fn sets_mean_what_they_do_in_rkt() {
        // (retain, set) -> (retain, a name in it, a name not in it, widens)
        let table = [
            (true, &["read"][..], (true, "read", "write", false)),
            (true, &["read"], (true, "execve", "mount", false)),
            (
                true,
                &["@rkt/default-whitelist"],
                (true, "read", "mount", false),
            ),
            (
                true,
                &["@docker/default-whitelist", "mount"],
                (true, "mount", "bpf", true),
            ),
            (true, &["@systemd/clock"], (true, "stime", "read", true)),
            (
                true,
                &["@systemd/default-whitelist"],
                (true, "execve", "read", false),
            ),
            (true, &["@systemd/process"], (true, "setns", "read", true)),
            (
                true,
                &["@systemd/network-io"],
                (true, "socket", "read", false),
            ),
            (true, &["@appc.io/empty"], (true, "execve", "read", false)),
            (true, &["clone"], (true, "clone", "read", true)),
            (false, &["mount"], (false, "mount", "read", true)),
            (
                false,
                &["@docker/default-blacklist"],
                (false, "move_mount", "clone", true),
            ),
            (false, &["@systemd/mount"], (false, "umount2", "read", true)),
            (
                false,
                &["@systemd/obsolete", "@systemd/raw-io"],
                (false, "iopl", "read", true),
            ),
            (
                false,
                &["@systemd/privileged"],
                (false, "chown", "read", true),
            ),
            (
                false,
                &["@appc.io/empty", "read"],
                (true, "read", "mount", false),
            ),
            (
                false,
                &["@appc.io/all", "mount"],
                (true, "execve", "read", false),
            ),
        ];
        for (retain, set, (kept, inside, outside, widens)) in table {
            let decision = decide(retain, set, "");
            let rules = decision.rules.unwrap();
            assert_eq!(rules.retain, kept, "{set:?}");
            assert!(rules.names.contains(inside), "{set:?}");
            assert!(!rules.names.contains(outside), "{set:?}");
            assert_eq!(rules.widen(), widens, "{set:?}");
            assert_eq!(decision.unknown_sets, [""; 0]);
        }
        assert_eq!(decide(true, &["read", "@appc.io/all"], "").rules, None);
    }

    #[test]
    fn errors_are_those_asked_for() {
        let errno = |retain, set: &[&str], errno| decide(retain, set, errno).rules.unwrap().errno;
        assert_eq!(errno(true, &["read"], ""), None);
        assert_eq!(errno(true, &["@rkt/default-whitelist"], ""), None);
        assert_eq!(
            errno(false, &["mount"], "ENOSYS").as_deref(),
            Some("ENOSYS")
        );
        assert_eq!(
            errno(false, &["@appc.io/empty"], "").as_deref(),
            Some("EPERM")
        );
        assert_eq!(
            errno(false, &["@appc.io/empty"], "EIO").as_deref(),
            Some("EIO")
        );
    }

    #[test]
    fn sets_that_nobody_knows_are_named() {
        let set = ["@rkt/ponies", "@systemd/", "@", "read"];
        let decision = decide(false, &set, "");
        assert_eq!(decision.unknown_sets, set[..3]);
        assert_eq!(decision.rules.unwrap().names.len(), 1);
    }

    #[test]
    fn namespaces_are_kept_unless_clone_is_named() {
        let kept = |set: &[&str]| decide(true, set, "").rules.unwrap().namespaces_kept;
        assert!(kept(&["@rkt/default-whitelist"]));
        assert!(kept(&["@docker/default-whitelist", "mount"]));
        assert!(!kept(&["@docker/default-whitelist", "clone"]));
        assert!(!kept(&["@docker/default-whitelist", "@systemd/process"]));
        assert!(!kept(&["clone"]));
    }

    proptest! {
        #[test]
        fn every_set_is_decided(
            retain: bool,
            names in proptest::collection::vec("@?[a-z_/.-]{0,20}", 1..8),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let decision = decide(retain, &names, "");
            if let Some(rules) = decision.rules {
                let plain = |name: &&&str| !name.starts_with('@');
                for name in names.iter().filter(plain) {
                    prop_assert!(!rules.retain || !retain || rules.names.contains(*name));
                }
            }
        }
    }
}
