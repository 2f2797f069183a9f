//! The text forms of isolators on actool's command line.

use gantry_types::{
    AcIdentifier, AcIdentifierError, Isolator, IsolatorError, IsolatorValue, ManifestError,
    SeccompSet,
};
use serde_json::Value;

/// An isolator's text cannot be taken. The words are those of the original.
#[derive(Debug, thiserror::Error)]
pub enum IsolatorTextError {
    /// Its name is none.
    #[error("cannot parse isolator {text:?}")]
    Name {
        /// The text.
        text: String,
        /// Why.
        source: AcIdentifierError,
    },
    /// What follows the name is not a list of `key=value`.
    #[error("cannot parse isolator {text:?}: {reason}")]
    Pairs {
        /// The text.
        text: String,
        /// Why.
        reason: String,
    },
    /// Its value has another form than one word.
    #[error("isolator {0}: invalid format")]
    Format(AcIdentifier),
    /// It can only be set by a whole manifest.
    #[error("isolator {0} is not supported for patching")]
    Unsupported(AcIdentifier),
    /// Its value is none for its name.
    #[error("cannot unmarshal isolator {name} {value}")]
    Value {
        /// The isolator.
        name: AcIdentifier,
        /// The value, as JSON.
        value: String,
        /// Why.
        source: Box<ManifestError>,
    },
}

/// Reads `NAME,KEY=VALUE,...` of a resource, `os/linux/no-new-privileges,true` or
/// `os/linux/oom-score-adj,N`.
///
/// Values are those of a URL's query, with `%XX` for what cannot stand there and `+` for a blank, and become
/// JSON texts; only `default` is a truth value. Source: actool, manifest.go, `isolatorStrFromString`.
pub(super) fn isolator(text: &str) -> Result<Isolator, IsolatorTextError> {
    let malformed = |reason| IsolatorTextError::Pairs {
        text: text.to_owned(),
        reason,
    };
    let mut pairs = query(&format!("name={text}")).map_err(malformed)?;
    if let Some((key, values)) = repeated(&pairs) {
        let values: Vec<_> = values.map(|value| format!("{value:?}")).collect();
        let values = values.join(" ");
        return Err(malformed(format!(
            "label {key} with multiple values [{values}]"
        )));
    }
    let (_, name) = pairs.remove(0);
    let name: AcIdentifier = name.parse().map_err(|source| IsolatorTextError::Name {
        text: text.to_owned(),
        source,
    })?;
    let value = pairs.into_iter().map(|(key, text)| {
        let value = match (&*key, &*text) {
            ("default", "true" | "false") => Value::Bool(text == "true"),
            _ => Value::String(text),
        };
        (key, value)
    });
    let value = match name.as_str() {
        "os/linux/no-new-privileges" | "os/linux/oom-score-adj" => {
            let mut words = text.split(',').skip(1);
            match (words.next(), words.next()) {
                (Some(word), None) => word.to_owned(),
                _ => return Err(IsolatorTextError::Format(name)),
            }
        }
        "resource/block-bandwidth"
        | "resource/block-iops"
        | "resource/cpu"
        | "resource/memory"
        | "resource/network-bandwidth" => Value::Object(value.collect()).to_string(),
        _ => return Err(IsolatorTextError::Unsupported(name)),
    };
    Isolator::from_json_value(name.clone(), value.as_bytes()).map_err(|source| {
        IsolatorTextError::Value {
            name,
            value,
            source: Box::new(source),
        }
    })
}

/// The first key that comes again, with all its values.
fn repeated(pairs: &[(String, String)]) -> Option<(&str, impl Iterator<Item = &str>)> {
    let is_earlier = |at: usize| pairs[..at].iter().any(|(key, _)| *key == pairs[at].0);
    let at = (1..pairs.len()).find(|at| is_earlier(*at))?;
    let key = pairs[at].0.as_str();
    let values = pairs.iter().filter(move |(other, _)| other == key);
    Some((key, values.map(|(_, value)| value.as_str())))
}

/// Splits a query whose separator is a comma, or `&`.
fn query(text: &str) -> Result<Vec<(String, String)>, String> {
    let pieces = text.split([',', '&']).filter(|piece| !piece.is_empty());
    let pair = |piece: &str| {
        if piece.contains(';') {
            return Err("invalid semicolon separator in query".to_owned());
        }
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        Ok((unescape(key)?, unescape(value)?))
    };
    pieces.map(pair).collect()
}

fn unescape(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                let byte = hex
                    .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                rest = after.get(2..).unwrap_or_default();
                byte.ok_or_else(|| format!("invalid URL escape in {text:?}"))?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| format!("{text:?} does not stand for UTF-8"))
}

/// The flags for seccomp cannot be taken. The words are those of the original.
#[derive(Debug, thiserror::Error)]
pub enum SeccompTextError {
    /// There is a key other than `errno`.
    #[error("invalid seccomp-mode optional argument: {0}")]
    Key(String),
    /// There is more than one `=`.
    #[error("cannot parse seccomp-mode argument: {0}")]
    Argument(String),
    /// The mode is neither of the two.
    #[error("cannot parse seccomp isolator: unknown seccomp mode {0}")]
    Mode(String),
    /// There is no set, or an `errno` that is none.
    #[error("cannot parse seccomp isolator")]
    Set(#[source] IsolatorError),
}

/// Reads `remove` or `retain`, with `errno=NAME` beside it if wanted, and the set `CALL,CALL,...`.
pub(super) fn seccomp(mode: &str, set: &str) -> Result<Isolator, SeccompTextError> {
    let (mut kind, mut errno) = ("", "");
    for piece in mode.split(',') {
        let words: Vec<_> = piece.split('=').collect();
        match words[..] {
            [word] => kind = word,
            ["errno", value] => errno = value,
            [_, _] => return Err(SeccompTextError::Key(piece.to_owned())),
            _ => return Err(SeccompTextError::Argument(piece.to_owned())),
        }
    }
    // Without a set the original takes one whose only system call has no name.
    let calls = set.split(',').filter(|_| !set.is_empty());
    let calls = || SeccompSet::new(calls.map(str::to_owned).collect(), errno);
    let value = match kind {
        "remove" => calls().map(IsolatorValue::SeccompRemoveSet),
        "retain" => calls().map(IsolatorValue::SeccompRetainSet),
        other => return Err(SeccompTextError::Mode(other.to_owned())),
    };
    value.and_then(Isolator::new).map_err(SeccompTextError::Set)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use proptest::prelude::*;

    fn told(error: impl Error) -> String {
        match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    fn read(text: &str) -> Result<String, String> {
        let isolator = isolator(text).map_err(told)?;
        Ok(format!("{} {}", isolator.name(), isolator.value_json()))
    }

    #[test]
    fn isolators_are_read_as_the_original_does() {
        for (text, isolator) in [
            (
                "resource/cpu,request=50m,limit=100m",
                r#"resource/cpu {"request":"50m","limit":"100m"}"#,
            ),
            (
                "resource/memory,limit=1.5G",
                r#"resource/memory {"limit":"1.5G"}"#,
            ),
            (
                "resource/memory,limit=1%4di",
                r#"resource/memory {"limit":"1Mi"}"#,
            ),
            ("resource/memory", "resource/memory {}"),
            ("resource/cpu,x=1", r#"resource/cpu {"x":"1"}"#),
            // The original writes `default` as a text, which is not valid.
            (
                "resource/block-iops,default=true,limit=100",
                r#"resource/block-iops {"default":true,"limit":"100"}"#,
            ),
            (
                "resource/cpu,default=false",
                r#"resource/cpu {"default":false}"#,
            ),
            (
                "os/linux/no-new-privileges,true",
                "os/linux/no-new-privileges true",
            ),
            ("os/linux/oom-score-adj,-5", "os/linux/oom-score-adj -5"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(isolator), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_patched_is_refused_in_the_words_of_the_original() {
        for (text, message) in [
            (
                "",
                "cannot parse isolator \"\": ACIdentifier cannot be empty",
            ),
            (
                "Cpu",
                "cannot parse isolator \"Cpu\": ACIdentifier must contain only lower case \
                 alphanumeric characters plus \"-._~/\"",
            ),
            (
                "resource/cpu,limit=1,limit=2",
                "cannot parse isolator \"resource/cpu,limit=1,limit=2\": \
                 label limit with multiple values [\"1\" \"2\"]",
            ),
            (
                "resource/cpu,name=a",
                "cannot parse isolator \"resource/cpu,name=a\": \
                 label name with multiple values [\"resource/cpu\" \"a\"]",
            ),
            (
                "resource/cpu,limit=%zz",
                "cannot parse isolator \"resource/cpu,limit=%zz\": invalid URL escape in \"%zz\"",
            ),
            (
                "resource/cpu,limit=1;2",
                "cannot parse isolator \"resource/cpu,limit=1;2\": \
                 invalid semicolon separator in query",
            ),
            (
                "os/linux/cpu-shares,5",
                "isolator os/linux/cpu-shares is not supported for patching",
            ),
            (
                "os/linux/seccomp-retain-set,set=read",
                "isolator os/linux/seccomp-retain-set is not supported for patching",
            ),
            (
                "resource/ponies,limit=1",
                "isolator resource/ponies is not supported for patching",
            ),
            (
                "os/linux/oom-score-adj",
                "isolator os/linux/oom-score-adj: invalid format",
            ),
            (
                "os/linux/oom-score-adj,1,2",
                "isolator os/linux/oom-score-adj: invalid format",
            ),
            (
                "os/linux/oom-score-adj,1001",
                "cannot unmarshal isolator os/linux/oom-score-adj 1001: \
                 os/linux/oom-score-adj must be between -1000 and 1000, not 1001",
            ),
            (
                "resource/block-iops,limit=100",
                "cannot unmarshal isolator resource/block-iops {\"limit\":\"100\"}: \
                 default must be true",
            ),
        ] {
            let found = read(text).unwrap_err();
            assert_eq!(found, message, "{text}");
        }
        assert!(read("resource/cpu,limit=x").is_err());
        assert!(read("os/linux/no-new-privileges,1").is_err());
        assert!(read("resource/cpu,limit=1\"").is_err());
        assert!(read("os/linux/oom-score-adj,1}").is_err());
    }

    #[test]
    fn seccomp_flags_are_read_as_the_original_does() {
        let read = |mode: &str, set: &str| {
            let isolator = seccomp(mode, set).map_err(told)?;
            Ok(format!("{} {}", isolator.name(), isolator.value_json()))
        };
        for (mode, set, expected) in [
            (
                "retain",
                "read,write",
                Ok(r#"os/linux/seccomp-retain-set {"set":["read","write"],"errno":""}"#),
            ),
            (
                "remove,errno=EPERM",
                "@appc.io/all",
                Ok(r#"os/linux/seccomp-remove-set {"set":["@appc.io/all"],"errno":"EPERM"}"#),
            ),
            (
                "errno=EPERM,retain,remove",
                "a",
                Ok(r#"os/linux/seccomp-remove-set {"set":["a"],"errno":"EPERM"}"#),
            ),
            (
                "keep",
                "a",
                Err("cannot parse seccomp isolator: unknown seccomp mode keep"),
            ),
            (
                "errno=EPERM",
                "a",
                Err("cannot parse seccomp isolator: unknown seccomp mode "),
            ),
            (
                "retain,x=y",
                "a",
                Err("invalid seccomp-mode optional argument: x=y"),
            ),
            (
                "retain,errno=a=b",
                "a",
                Err("cannot parse seccomp-mode argument: errno=a=b"),
            ),
            (
                "retain,errno=perm",
                "a",
                Err("cannot parse seccomp isolator: errno must start with an 'E' character"),
            ),
            (
                "retain",
                "",
                Err("cannot parse seccomp isolator: set must be non-empty"),
            ),
        ] {
            assert_eq!(
                read(mode, set),
                expected.map(str::to_owned).map_err(str::to_owned)
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}", list in "[a-z/,=%&+;0-9]{0,60}") {
            for text in [&text, &list] {
                if let Ok(isolator) = isolator(text) {
                    prop_assert!(Isolator::from_json_value(
                        isolator.name().clone(),
                        isolator.value_json().as_bytes(),
                    ).is_ok());
                }
                let _ = seccomp(text, text);
            }
        }
    }
}
