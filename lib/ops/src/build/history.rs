//! The annotations that record which commands made an image.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use gantry_types::{Diagnostic, Kind};

use super::context::Build;
use super::edit::EditError;
use super::oci::OciBuildError;

/// Annotation names are this and a number that counts from 1.
pub(super) const PREFIX: &str = "coreos.com/acbuild/command-";

/// The number after the highest one among `names`.
///
/// Names that only look like a history annotation, such as `…/command-x`, are not counted.
pub(super) fn next_number<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let highest = names
        .filter_map(|name| name.strip_prefix(PREFIX))
        .filter_map(|number| number.parse::<u64>().ok())
        .max();
    highest.unwrap_or(0).saturating_add(1)
}

/// A command could not be recorded in the image.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// In the manifest of an App Container image.
    #[error(transparent)]
    Appc(#[from] EditError),
    /// In that of an OCI image.
    #[error(transparent)]
    Oci(#[from] OciBuildError),
}

impl Diagnostic for RecordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Appc(error) => error.kind(),
            Self::Oci(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Appc(error) => error.hint(),
            Self::Oci(error) => error.hint(),
        }
    }
}

impl Build {
    /// Records a command that has changed files alone.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub fn record(&self, history: Option<&str>) -> Result<(), RecordError> {
        match history {
            None => Ok(()),
            Some(_) if self.is_oci() => Ok(self.edit_oci(history, |_| Ok(()))?),
            Some(_) => Ok(self.edit(history, |_| Ok(()))?),
        }
    }
}

/// The value of a history annotation: `acbuild label add "version" "1.0.0"`.
///
/// Flags are not part of it. Arguments are quoted as Go's `%q` does, because readers of existing
/// images expect that form.
pub fn command_line<'a>(command: &str, arguments: impl Iterator<Item = &'a OsStr>) -> String {
    let mut line = format!("acbuild {command}");
    for argument in arguments {
        line.push(' ');
        quote(argument.as_bytes(), &mut line);
    }
    line
}

fn quote(argument: &[u8], line: &mut String) {
    line.push('"');
    for chunk in argument.utf8_chunks() {
        for c in chunk.valid().chars() {
            quote_char(c, line);
        }
        for byte in chunk.invalid() {
            push(line, format_args!("\\x{byte:02x}"));
        }
    }
    line.push('"');
}

fn quote_char(c: char, line: &mut String) {
    match c {
        '"' => line.push_str("\\\""),
        '\\' => line.push_str("\\\\"),
        '\x07' => line.push_str("\\a"),
        '\x08' => line.push_str("\\b"),
        '\x0c' => line.push_str("\\f"),
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        '\x0b' => line.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => push(line, format_args!("\\x{:02x}", u32::from(c))),
        c if c.is_ascii() || is_printable(c) => line.push(c),
        c if u32::from(c) < 0x1_0000 => push(line, format_args!("\\u{:04x}", u32::from(c))),
        c => push(line, format_args!("\\U{:08x}", u32::from(c))),
    }
}

/// Whether `c` has a shape of its own: not a control, format, separator or unassigned character.
///
/// The standard library knows, but says so only by escaping. A character that merely combines with
/// the one before it is escaped at the start of a string alone, hence the letter in front.
fn is_printable(c: char) -> bool {
    let text: String = ['a', c].iter().collect();
    text.escape_debug().count() == 2
}

fn push(line: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = line.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_as_go_quotes_them() {
        for (argument, quoted) in [
            ("plain".as_bytes(), r#""plain""#),
            (b"", r#""""#),
            (b"a b", r#""a b""#),
            (br#"say "hi" \o/"#, r#""say \"hi\" \\o/""#),
            (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            (b"\x00\x1b\x7f", r#""\x00\x1b\x7f""#),
            (
                "grün, 日本, e\u{301}".as_bytes(),
                "\"grün, 日本, e\u{301}\"",
            ),
            (
                "\u{a0}\u{200b}\u{feff}".as_bytes(),
                r#""\u00a0\u200b\ufeff""#,
            ),
            ("\u{e0001}".as_bytes(), r#""\U000e0001""#),
            (b"broken \xff\xc3", r#""broken \xff\xc3""#),
            (b"it's", r#""it's""#),
        ] {
            let line = command_line("copy", [OsStr::from_bytes(argument)].into_iter());
            assert_eq!(line, format!("acbuild copy {quoted}"));
        }
    }

    #[test]
    fn numbers_go_on_from_the_highest() {
        assert_eq!(next_number([].into_iter()), 1);
        let names = [
            "coreos.com/acbuild/command-2",
            "coreos.com/acbuild/command-10",
            "created",
        ];
        assert_eq!(next_number(names.into_iter()), 11);
        assert_eq!(next_number(["coreos.com/acbuild/command-x"].into_iter()), 1);
    }
}
