//! Scripts: files with one acbuild command per line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use gantry_types::{Diagnostic, Kind};

/// A command of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptCommand {
    /// The number of the line in the file that it begins on, from 1.
    pub line: usize,
    /// The command's name in lower case, and its arguments.
    pub words: Vec<OsString>,
}

/// A script cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: ScriptProblem,
}

/// What can be wrong with a line of a script.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum ScriptProblem {
    /// It ends in a backslash that has nothing to escape.
    #[error("ended with an escape")]
    Escape,
    /// A `'` is never closed.
    #[error("unterminated single quote block")]
    SingleQuote,
    /// A `"` is never closed.
    #[error("unterminated double quote block")]
    DoubleQuote,
    /// It ends the build itself.
    #[error("calling end is unnecessary in a script, cleanup is done automatically")]
    End,
    /// It holds a zero byte, which no argument can.
    #[error("holds a zero byte")]
    ZeroByte,
}

impl Diagnostic for ScriptError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self.problem {
            ScriptProblem::Escape => Some("write \\\\ for a backslash".to_owned()),
            ScriptProblem::SingleQuote | ScriptProblem::DoubleQuote => {
                Some("write a backslash before a quote that stands for itself".to_owned())
            }
            ScriptProblem::End => Some("leave the line out".to_owned()),
            ScriptProblem::ZeroByte => None,
        }
    }
}

/// The commands of a script, in order.
///
/// Lines are trimmed; a backslash at the end of one joins the next to it with a blank between. Words are
/// separated by blanks and tabs, `'` and `"` hold them together, a backslash takes the character after it
/// for itself, within both kinds of quotes too, and `#` outside quotes begins a comment, within a word too.
/// The arguments of `run` and `set-exec` are kept from being taken for flags.
///
/// Source: containers/build ce911a7, Documentation/subcommands/script.md.
///
/// # Errors
///
/// [`ScriptError`] for the first line that is wrong; nothing of the script should be done then.
pub fn parse_script(text: &[u8]) -> Result<Vec<ScriptCommand>, ScriptError> {
    let mut commands = Vec::new();
    for (line, joined) in join_lines(text) {
        let fail = |problem| ScriptError { line, problem };
        let words = words(&joined).map_err(fail)?;
        let Some((name, arguments)) = words.split_first() else {
            continue;
        };
        if words.iter().any(|word| word.contains(&0)) {
            return Err(fail(ScriptProblem::ZeroByte));
        }
        let name = name.to_ascii_lowercase();
        if name == b"end" {
            return Err(fail(ScriptProblem::End));
        }
        let mut words = vec![OsString::from_vec(name)];
        words.extend(
            arguments
                .iter()
                .map(|word| OsStr::from_bytes(word).to_owned()),
        );
        keep_from_flags(&mut words);
        commands.push(ScriptCommand { line, words });
    }
    Ok(commands)
}

/// Trimmed lines with their numbers, those that end in a backslash joined with what follows.
fn join_lines(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut joined: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut goes_on = false;
    let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    // What follows the last line feed is no line if it is empty.
    let count = lines.len() - usize::from(lines.last().is_some_and(|line| line.is_empty()));
    for (index, line) in lines.into_iter().take(count).enumerate() {
        let line = line.trim_ascii();
        match joined.last_mut() {
            Some((_, begun)) if goes_on => {
                begun.pop();
                begun.push(b' ');
                begun.extend(line);
            }
            _ => joined.push((index + 1, line.to_vec())),
        }
        goes_on = line.ends_with(b"\\");
    }
    joined
}

/// The words of a line.
fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, ScriptProblem> {
    let mut words = Vec::new();
    // `None` between words: quotes make a word even of nothing.
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => {
                let escaped = bytes.next().ok_or(ScriptProblem::Escape)?;
                word.get_or_insert_default().push(escaped);
            }
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().push(byte),
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (b'#', None) => break,
            (b' ' | b'\t', None) => words.extend(word.take()),
            (_, None) => word.get_or_insert_default().push(byte),
        }
    }
    match quote {
        Some(b'\'') => return Err(ScriptProblem::SingleQuote),
        Some(_) => return Err(ScriptProblem::DoubleQuote),
        None => words.extend(word),
    }
    Ok(words)
}

/// Puts `--` before the first argument of `run` and `set-exec` that is no flag, unless there is one.
fn keep_from_flags(words: &mut Vec<OsString>) {
    if !matches!(words[0].as_bytes(), b"run" | b"set-exec") {
        return;
    }
    let mut arguments = words.iter().skip(1);
    let first = arguments.position(|word| word == "--" || !word.as_bytes().starts_with(b"-"));
    match first.map(|index| index + 1) {
        Some(index) if words[index] != "--" => words.insert(index, "--".into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<Vec<String>, String> {
        let commands = parse_script(text.as_bytes()).map_err(|error| error.to_string())?;
        let show = |command: &ScriptCommand| {
            let words = command
                .words
                .iter()
                .map(|word| format!("[{}]", word.display()));
            format!("{}:{}", command.line, words.collect::<String>())
        };
        Ok(commands.iter().map(show).collect())
    }

    #[test]
    fn lines_become_commands() {
        let table: [(&str, &[&str]); 24] = [
            ("", &[]),
            ("\n\n  \t \n# nothing\n", &[]),
            ("begin", &["1:[begin]"]),
            ("begin\n", &["1:[begin]"]),
            (
                "BEGIN\r\nWrite a.aci\r\n",
                &["1:[begin]", "2:[write][a.aci]"],
            ),
            (
                "\n\tset-name  a.test/b\t# name",
                &["2:[set-name][a.test/b]"],
            ),
            (
                "copy \\\n  a \\\n\tb\nport",
                &["1:[copy][a][b]", "4:[port]"],
            ),
            ("copy a\\\nb", &["1:[copy][a][b]"]),
            ("copy 'a b' \"c d\"", &["1:[copy][a b][c d]"]),
            ("copy 'a'\"b\"c d", &["1:[copy][abc][d]"]),
            ("label add a ''", &["1:[label][add][a][]"]),
            ("copy a\\ b \\#c", &["1:[copy][a b][#c]"]),
            ("copy 'it\\'s' \"a\\\"b\"", &["1:[copy][it's][a\"b]"]),
            ("copy '\\n' \\\\x", &["1:[copy][n][\\x]"]),
            ("copy a#b c", &["1:[copy][a]"]),
            ("copy 'a#b' \"c#\"", &["1:[copy][a#b][c#]"]),
            ("copy grün 日本", &["1:[copy][grün][日本]"]),
            ("run ls -l", &["1:[run][--][ls][-l]"]),
            (
                "run --engine=ns ls -l",
                &["1:[run][--engine=ns][--][ls][-l]"],
            ),
            ("run -- ls -l", &["1:[run][--][ls][-l]"]),
            ("set-exec /a --b", &["1:[set-exec][--][/a][--b]"]),
            ("set-exec", &["1:[set-exec]"]),
            ("set-exec --help", &["1:[set-exec][--help]"]),
            ("endpoint", &["1:[endpoint]"]),
        ];
        for (text, commands) in table {
            let expected: Vec<String> = commands.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(parsed(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        for (text, error) in [
            ("begin\ncopy 'a", "line 2: unterminated single quote block"),
            ("copy \"a\n\"", "line 1: unterminated double quote block"),
            ("copy 'a\\'", "line 1: unterminated single quote block"),
            ("begin\ncopy a \\", "line 2: ended with an escape"),
            (
                "begin\nEND",
                "line 2: calling end is unnecessary in a script, cleanup is done automatically",
            ),
            ("copy a\0b c", "line 1: holds a zero byte"),
        ] {
            assert_eq!(parsed(text), Err(error.to_owned()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text: Vec<u8>) {
            let _ = parse_script(&text);
        }

        #[test]
        fn words_in_quotes_come_as_they_are(words in proptest::collection::vec("[^\0\n]{0,8}", 0..5)) {
            let mut text = "copy".to_owned();
            for word in &words {
                text.push_str(&format!(" '{}'", word.replace('\\', "\\\\").replace('\'', "\\'")));
            }
            let commands = parse_script(text.as_bytes()).unwrap();
            let expected: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            prop_assert_eq!(&commands[0].words[1..], &expected[..]);
        }
    }
}
