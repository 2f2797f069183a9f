//! The value of `--seccomp`.

use gantry_cli::Failure;
use gantry_types::{Isolator, IsolatorValue, SeccompSet};

/// Reads `mode=retain|remove[,errno=NAME],CALL,…`; the parts may stand in any order.
///
/// # Errors
///
/// Usage errors that begin as rkt's do. Source: rkt 1.30, Documentation/subcommands/run.md.
pub(crate) fn isolator(text: &str) -> Result<Isolator, Failure> {
    let bad = |why: String| {
        Failure::usage(format!(
            "invalid seccomp command-line override {text:?}: {why}"
        ))
        .with_hint("write --seccomp mode=retain|remove[,errno=NAME],CALL,…")
    };
    let (mut retain, mut errno, mut calls) = (None, None, Vec::new());
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("mode", mode)) => {
                let mode = match mode {
                    "retain" => true,
                    "remove" => false,
                    _ => {
                        return Err(Failure::usage(format!(
                            "invalid seccomp mode command-line override {mode:?}"
                        ))
                        .with_hint("the mode is retain or remove"));
                    }
                };
                if retain.replace(mode).is_some() {
                    return Err(bad("mode is given twice".to_owned()));
                }
            }
            Some(("errno", name)) => {
                if errno.replace(name).is_some() {
                    return Err(bad("errno is given twice".to_owned()));
                }
            }
            Some((key, _)) => return Err(bad(format!("unknown key {key:?}"))),
            None if part.is_empty() => return Err(bad("a system call has no name".to_owned())),
            None => calls.push(part.to_owned()),
        }
    }
    let retain = retain.ok_or_else(|| bad("no mode".to_owned()))?;
    let set = SeccompSet::new(calls, errno.unwrap_or_default());
    set.and_then(|set| {
        Isolator::new(match retain {
            true => IsolatorValue::SeccompRetainSet(set),
            false => IsolatorValue::SeccompRemoveSet(set),
        })
    })
    .map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let table = [
            (
                "mode=retain,read,write",
                "os/linux/seccomp-retain-set",
                r#"{"set":["read","write"],"errno":""}"#,
            ),
            (
                "mode=remove,errno=ENOSYS,@rkt/default-blacklist",
                "os/linux/seccomp-remove-set",
                r#"{"set":["@rkt/default-blacklist"],"errno":"ENOSYS"}"#,
            ),
            (
                "read,errno=EPERM,mode=retain",
                "os/linux/seccomp-retain-set",
                r#"{"set":["read"],"errno":"EPERM"}"#,
            ),
            (
                "mode=retain,@appc.io/all",
                "os/linux/seccomp-retain-set",
                r#"{"set":["@appc.io/all"],"errno":""}"#,
            ),
        ];
        for (text, name, json) in table {
            let isolator = isolator(text).unwrap();
            assert_eq!(isolator.name().as_str(), name, "{text}");
            assert_eq!(isolator.value_json(), json, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let mode = "invalid seccomp mode command-line override";
        let other = "invalid seccomp command-line override";
        for (text, begins, says) in [
            ("", other, "no name"),
            ("read", other, "no mode"),
            ("mode=retain", other, "set must be non-empty"),
            ("mode=allow,read", mode, "\"allow\""),
            ("mode=,read", mode, "\"\""),
            ("mode=retain,mode=remove,read", other, "mode is given twice"),
            (
                "mode=retain,errno=EIO,errno=EIO,read",
                other,
                "errno is given twice",
            ),
            ("mode=retain,errno=PERM,read", other, "errno must start"),
            ("mode=retain,arg=1,read", other, "unknown key \"arg\""),
            ("mode=retain,read,", other, "no name"),
        ] {
            let error = isolator(text).unwrap_err().to_string();
            assert!(
                error.starts_with(begins) && error.contains(says),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn no_text_panics() {
        // A short alphabet reaches every branch.
        let parts = ["mode=", "retain", "errno=", "E", ",", "=", "@", "read"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = texts
                .iter()
                .flat_map(|text| parts.map(|part| format!("{text}{part}")));
            texts.extend(longer.collect::<Vec<_>>());
        }
        let good = texts.iter().filter(|text| isolator(text).is_ok()).count();
        assert!(good > 0 && good < texts.len());
    }
}
