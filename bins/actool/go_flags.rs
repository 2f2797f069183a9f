//! The flags of Go's flag package, put into the form that clap reads.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};

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
    /// A switch is neither on nor off.
    #[error("invalid boolean value {value:?} for -{name}: parse error")]
    Switch {
        /// The flag.
        name: String,
        /// What was given.
        value: String,
    },
    /// The flag cannot have that value.
    #[error("invalid value {value:?} for flag -{name}: {reason}")]
    Value {
        /// The flag.
        name: String,
        /// What was given.
        value: String,
        /// Why.
        reason: String,
    },
    /// The help for flags was asked for, which every command of the original takes for an error.
    #[error("flag: help requested")]
    Help,
}

/// Splits the flags of `command` off the front of `arguments`, as `--name=value` each.
///
/// Flags have one dash or two and end at the first word that is none, or after `--`; a switch takes its
/// value only after `=`; of a flag given twice the last counts. The rest comes back as it is.
pub(crate) fn split<'a>(
    command: &Command,
    arguments: &'a [OsString],
) -> Result<(Vec<OsString>, &'a [OsString]), FlagError> {
    let mut flags: Vec<(&Arg, OsString)> = Vec::new();
    let mut rest = arguments;
    while let Some((word, after)) = rest.split_first() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            rest = after;
            break;
        }
        if !bytes.starts_with(b"-") || bytes == b"-" {
            break;
        }
        rest = after;
        let body = bytes.strip_prefix(b"--").unwrap_or(&bytes[1..]);
        let mut halves = body.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().map(OsStr::from_bytes);
        if name.is_empty() || name.starts_with(b"-") {
            return Err(FlagError::Syntax(word.to_string_lossy().into_owned()));
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let known = command.get_arguments().find(|known| {
            let short = known.get_short().map(String::from);
            known.get_long() == Some(name.as_str()) || short.as_ref() == Some(&name)
        });
        let Some(known) = known else {
            return Err(match name.as_str() {
                "h" | "help" => FlagError::Help,
                _ => FlagError::Unknown(name),
            });
        };
        let value = match value {
            Some(value) => value,
            None if is_switch(known) => OsStr::new("true"),
            None => {
                let first = rest.split_first();
                let (value, after) = first.ok_or_else(|| FlagError::NoValue(name.clone()))?;
                rest = after;
                value
            }
        };
        if is_switch(known) {
            let value = value.to_string_lossy();
            if gantry_types::go_bool::parse(&value).is_err() {
                let value = value.into_owned();
                return Err(FlagError::Switch { name, value });
            }
        }
        if !matches!(known.get_action(), ArgAction::Append) {
            flags.retain(|(earlier, _)| earlier.get_id() != known.get_id());
        }
        let long = known.get_long().unwrap_or(&name);
        let text = [b"--", long.as_bytes(), b"=", value.as_bytes()].concat();
        flags.push((known, OsString::from_vec(text)));
    }
    Ok((flags.into_iter().map(|(_, flag)| flag).collect(), rest))
}

/// Reads an unsigned number as Go does: decimal, or with the prefix `0x`, `0b`, `0o` or `0`.
pub(crate) fn unsigned<T: TryFrom<u64>>(text: &str) -> Result<T, &'static str> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (&*lower, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err("parse error");
    }
    let number = u64::from_str_radix(digits, radix).ok();
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or("value out of range")
}

/// Whether a flag is a switch as [`gantry_cli::with_go_booleans`] makes them.
fn is_switch(flag: &Arg) -> bool {
    flag.is_require_equals_set()
}

/// The flags of a command in the order and form in which Go lists them after an error.
pub(crate) fn listing(command: &Command) -> String {
    let mut text = String::new();
    for flag in sorted(command) {
        let name = flag.get_long().unwrap_or_default();
        let kind = if is_switch(flag) {
            ""
        } else if is_number(flag.get_value_parser()) {
            " uint"
        } else {
            " string"
        };
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("  -{name}{kind}\n    \t{help}\n"));
    }
    text
}

fn is_number(parser: &ValueParser) -> bool {
    let kind = parser.type_id();
    [TypeId::of::<u16>(), TypeId::of::<u64>()]
        .into_iter()
        .any(|number| kind == number)
}

/// The visible flags of a command by name.
pub(crate) fn sorted(command: &Command) -> Vec<&Arg> {
    let mut flags: Vec<_> = command
        .get_opts()
        .filter(|flag| !flag.is_hide_set())
        .collect();
    flags.sort_by_key(|flag| flag.get_long());
    flags
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
            (
                &["-json", "a", "-x"][..],
                &["--json=true"][..],
                &["a", "-x"][..],
            ),
            (&["--json=false", "a"], &["--json=false"], &["a"]),
            (&["--json", "false"], &["--json=true"], &["false"]),
            (&["-port", "80", "a"], &["--port=80"], &["a"]),
            (&["--port=80"], &["--port=80"], &[]),
            (&["--port", "--", "a"], &["--port=--"], &["a"]),
            (&["--port="], &["--port="], &[]),
            (&["-json", "--", "-a"], &["--json=true"], &["-a"]),
            (&["--json", "--json=0"], &["--json=0"], &[]),
            (
                &["--connect-to=a", "--connect-to=b"],
                &["--connect-to=a", "--connect-to=b"],
                &[],
            ),
            (&["-", "a"], &[], &["-", "a"]),
            (&["", "--json"], &[], &["", "--json"]),
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
            (&["--x=1"], "flag provided but not defined: -x"),
            (&["-h"], "flag: help requested"),
            (&["--help"], "flag: help requested"),
            (&["--port"], "flag needs an argument: -port"),
            (&["---json"], "bad flag syntax: ---json"),
            (&["-=1"], "bad flag syntax: -=1"),
            (&["--=1"], "bad flag syntax: --=1"),
            (
                &["--json=maybe"],
                "invalid boolean value \"maybe\" for -json: parse error",
            ),
            (
                &["--json="],
                "invalid boolean value \"\" for -json: parse error",
            ),
        ] {
            assert_eq!(split_discover(words).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("0", Ok(0)),
            ("80", Ok(80)),
            ("0x50", Ok(80)),
            ("0X50", Ok(80)),
            ("0b11", Ok(3)),
            ("0o17", Ok(15)),
            ("017", Ok(15)),
            ("65536", Err("value out of range")),
            ("99999999999999999999", Err("value out of range")),
            ("", Err("parse error")),
            ("-1", Err("parse error")),
            ("+1", Err("parse error")),
            ("0x", Err("parse error")),
            ("08", Err("parse error")),
            ("x", Err("parse error")),
        ] {
            assert_eq!(unsigned::<u16>(text), number, "{text:?}");
        }
    }
}
