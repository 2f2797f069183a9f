//! The filter of an app's system calls.

use gantry_sys::seccomp::{Filter, Rules, errno_number, is_call};
use gantry_types::{Isolators, SeccompRules};

/// The isolators ask for a filter that cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SeccompError {
    /// An error that this system does not have.
    #[error("seccomp: there is no error {0:?}")]
    Errno(String),
}

/// Names of isolators that are decided here.
pub(crate) fn is_about(isolator: &str) -> bool {
    isolator.starts_with("os/linux/seccomp-")
}

/// The filter of an app with these isolators; `None` if it may make every call.
///
/// `warn` gets the names of what is left out.
pub(crate) fn filter(
    isolators: &Isolators,
    warn: &mut dyn FnMut(String),
) -> Result<Option<Filter>, SeccompError> {
    let decision = SeccompRules::of(isolators);
    for set in decision.unknown_sets {
        warn(format!("unknown set of system calls {set}"));
    }
    let Some(rules) = decision.rules else {
        return Ok(None);
    };
    for name in rules.names.iter().filter(|name| !is_call(name)) {
        warn(format!("unknown system call {name}"));
    }
    let errno = match &rules.errno {
        Some(name) => Some(errno_number(name).ok_or_else(|| SeccompError::Errno(name.clone()))?),
        None => None,
    };
    let names: Vec<&str> = rules.names.iter().map(String::as_str).collect();
    Ok(Some(Filter::new(&Rules {
        retain: rules.retain,
        names: &names,
        errno,
        namespaces_kept: rules.namespaces_kept,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_types::{Isolator, IsolatorValue, SeccompSet};

    fn decide(set: &[&str], errno: &str) -> (Result<bool, SeccompError>, Vec<String>) {
        let names = set.iter().map(|name| (*name).to_owned()).collect();
        let set = SeccompSet::new(names, errno).unwrap();
        let isolator = Isolator::new(IsolatorValue::SeccompRetainSet(set)).unwrap();
        let mut said = Vec::new();
        let isolators = Isolators::new(vec![isolator]).unwrap();
        let filter = filter(&isolators, &mut |line| said.push(line));
        (filter.map(|filter| filter.is_some()), said)
    }

    #[test]
    fn what_is_not_known_is_named_or_refused() {
        assert_eq!(
            decide(&["read", "stime", "recv"], "EPERM"),
            (Ok(true), vec![])
        );
        assert_eq!(decide(&["@appc.io/all"], ""), (Ok(false), vec![]));
        let (made, said) = decide(&["read", "reed", "@rkt/ponies"], "");
        assert_eq!(made, Ok(true));
        let expected = [
            "unknown set of system calls @rkt/ponies",
            "unknown system call reed",
        ];
        assert_eq!(said, expected);
        let error = SeccompError::Errno("EPONIES".to_owned());
        assert_eq!(decide(&["read"], "EPONIES").0, Err(error));
    }

    #[test]
    fn the_default_sets_hold_system_calls_only() {
        let (made, said) = decide(&["@rkt/default-whitelist", "@docker/default-whitelist"], "");
        assert_eq!((made, said), (Ok(true), vec![]));
        for set in [
            "clock",
            "mount",
            "network-io",
            "obsolete",
            "privileged",
            "process",
            "raw-io",
        ] {
            let (made, said) = decide(&[&format!("@systemd/{set}")], "");
            assert_eq!((made, said), (Ok(true), vec![]));
        }
    }
}
