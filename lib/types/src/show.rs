//! Texts for people: errors on one line, words of strangers without power, bytes as digits.

use std::error::Error;

/// An error with all its causes on one line, from the outermost to the innermost, nothing twice.
pub fn one_line<E: Error + ?Sized>(error: &E) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// A stranger's text, such as a user ID or a version, that cannot end the line, command a terminal, turn
/// the direction of writing or hide a part of itself: such characters become `\u{a}` and the like.
///
/// All that people write with stays, so this is for names and not for file names or whole documents.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() || is_unseen(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    shown
}

/// Characters without a form of their own that no script needs: marks that turn the direction of writing,
/// other ends of lines, blanks of no width, tags. Joiners stay, since Persian and Indian names have them.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Bytes as hexadecimal digits in lower case.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Told {
        text: &'static str,
        source: Option<Box<Told>>,
    }

    fn told(texts: &[&'static str]) -> Told {
        let (text, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(told(rest)));
        Told { text, source }
    }

    #[test]
    fn causes_are_told_once() {
        for (texts, line) in [
            (&["a"][..], "a"),
            (&["a", "b", "c"], "a: b: c"),
            (&["cannot do it: b", "b", "c"], "cannot do it: b: c"),
        ] {
            assert_eq!(one_line(&told(texts)), line);
        }
    }

    #[test]
    fn a_name_cannot_forge_lines_command_a_terminal_or_pass_for_another() {
        for (text, shown) in [
            ("1\nsha512-00\tother", r"1\u{a}sha512-00\u{9}other"),
            ("\u{1b}[2J\u{9b}2J", r"\u{1b}[2J\u{9b}2J"),
            ("1\u{202e}0\u{61c}1", r"1\u{202e}0\u{61c}1"),
            ("a\u{2028}b\u{2029}c", r"a\u{2028}b\u{2029}c"),
            (
                "al\u{200b}i\u{feff}ce\u{2060}\u{e0041}",
                r"al\u{200b}i\u{feff}ce\u{2060}\u{e0041}",
            ),
            ("gru\u{308}n+1 \\ <a@b.test>", "gru\u{308}n+1 \\ <a@b.test>"),
            ("می\u{200c}خواهم हिन्दी", "می\u{200c}خواهم हिन्दी"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn digits_have_zeros_in_front() {
        assert_eq!(hex(&[0, 0x0f, 0xa5, 0xff]), "000fa5ff");
        assert_eq!(hex(&[]), "");
    }
}
