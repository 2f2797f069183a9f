//! The filter of an app's system calls.
//!
//! That of an app that says nothing about them is made beforehand: making it takes a twentieth of the time
//! in which a whole pod starts.

#[cfg(target_arch = "x86_64")]
mod default;

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
    #[cfg(target_arch = "x86_64")]
    if !isolators.iter().any(|one| is_about(one.name().as_str())) {
        return Ok(Some(Filter::made_before(&default::PROGRAM)));
    }
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
    make(&rules).map(Some)
}

fn make(rules: &SeccompRules) -> Result<Filter, SeccompError> {
    let errno = match &rules.errno {
        Some(name) => Some(errno_number(name).ok_or_else(|| SeccompError::Errno(name.clone()))?),
        None => None,
    };
    let names: Vec<&str> = rules.names.iter().map(String::as_str).collect();
    Ok(Filter::new(&Rules {
        retain: rules.retain,
        names: &names,
        errno,
        namespaces_kept: rules.namespaces_kept,
    }))
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

    /// `GANTRY_WRITE_FILTER=1 cargo test -p gantry-stage1 the_default_filter` writes it anew, which is needed
    /// when the lists change.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_default_filter_is_that_of_the_default_rules() {
        let made = make(&SeccompRules::default_rules()).unwrap().program();
        if std::env::var_os("GANTRY_WRITE_FILTER").is_some() {
            let rows: Vec<String> = made.iter().map(|row| format!("{row:?},")).collect();
            let lines: Vec<String> = rows.chunks(5).map(|line| line.join(" ")).collect();
            let text = format!(
                "//! The filter of an app that says nothing about system calls. Written by a test beside it.\n\n\
                 #[rustfmt::skip]\npub(super) static PROGRAM: [(u16, u8, u8, u32); {}] = [\n    {}\n];\n",
                rows.len(),
                lines.join("\n    ")
            );
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/seccomp/default.rs");
            std::fs::write(path, text).unwrap();
            return;
        }
        assert_eq!(made, default::PROGRAM);
        let none = Isolators::new(Vec::new()).unwrap();
        let filter = filter(&none, &mut |line| panic!("{line}"))
            .unwrap()
            .unwrap();
        assert_eq!(filter.program(), made);
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
