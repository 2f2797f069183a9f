//! The flags of Go's flag package, put into the form that clap reads.

use std::ffi::OsString;

/// A flag that cannot be used; the words are those of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FlagError {
    /// The command has no such flag.
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    /// The flag's value is missing.
    #[error("flag needs an argument: -{0}")]
    NoValue(String),
    /// The flag has no name.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
}

/// Splits the flags of `command` off the front of `arguments`, as `--name=value` each.
///
/// Flags have one dash or two and end at the first word that is none, or after `--`; a switch takes its
/// value only after `=`. The rest comes back as it is.
pub(crate) fn split<'a>(
    command: &clap::Command,
    arguments: &'a [OsString],
) -> Result<(Vec<OsString>, &'a [OsString]), FlagError> {
    let mut flags = Vec::new();
    let mut rest = arguments;
    while let Some((word, after)) = rest.split_first() {
        let text = word.to_string_lossy();
        if text == "--" {
            rest = after;
            break;
        }
        if !text.starts_with('-') || text == "-" {
            break;
        }
        rest = after;
        let body = text.strip_prefix("--").or(text.strip_prefix('-'));
        let body = body.unwrap_or_default();
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (body, None),
        };
        if name.is_empty() || name.starts_with('-') {
            return Err(FlagError::Syntax(text.into_owned()));
        }
        let known = command.get_arguments().find(|known| {
            known.get_long() == Some(name)
                || known.get_short().map(String::from).as_deref() == Some(name)
        });
        let Some(known) = known else {
            return Err(FlagError::Unknown(name.to_owned()));
        };
        let mut flag = OsString::from(match known.get_long() {
            Some(long) => format!("--{long}"),
            None => format!("-{name}"),
        });
        match value {
            Some(value) => {
                flag.push("=");
                flag.push(value);
            }
            None if known.is_require_equals_set() => {}
            None => {
                let (value, after) = rest
                    .split_first()
                    .ok_or_else(|| FlagError::NoValue(name.to_owned()))?;
                rest = after;
                flag.push("=");
                flag.push(value);
            }
        }
        flags.push(flag);
    }
    Ok((flags, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_discover(words: &[&str]) -> Result<(Vec<String>, Vec<String>), FlagError> {
        let program = crate::cli::parser();
        let command = program.find_subcommand("discover").unwrap();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (flags, rest) = split(command, &words)?;
        let text = |words: &[OsString]| -> Vec<String> {
            words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect()
        };
        Ok((text(&flags), text(rest)))
    }

    #[test]
    fn flags_have_one_dash_or_two_and_end_at_the_first_operand() {
        for (words, flags, rest) in [
            (&["-json", "a", "-x"][..], &["--json"][..], &["a", "-x"][..]),
            (&["--json=false", "a"], &["--json=false"], &["a"]),
            (&["-port", "80", "a"], &["--port=80"], &["a"]),
            (&["--port=80"], &["--port=80"], &[]),
            (&["-json", "--", "-a"], &["--json"], &["-a"]),
            (&["-", "a"], &[], &["-", "a"]),
            (&[], &[], &[]),
        ] {
            let (found, left) = split_discover(words).unwrap();
            assert_eq!(
                (&found[..], &left[..]),
                (&owned(flags)[..], &owned(rest)[..])
            );
        }
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn wrong_flags_are_told_in_the_words_of_go() {
        for (words, text) in [
            (&["-x"][..], "flag provided but not defined: -x"),
            (&["-h"], "flag provided but not defined: -h"),
            (&["--port"], "flag needs an argument: -port"),
            (&["---json"], "bad flag syntax: ---json"),
            (&["-=1"], "bad flag syntax: -=1"),
        ] {
            assert_eq!(split_discover(words).unwrap_err().to_string(), text);
        }
    }
}
