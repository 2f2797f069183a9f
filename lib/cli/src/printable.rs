//! Texts of strangers in lines for people.

/// Makes any bytes, such as a file's name, a text that cannot move the cursor, end the line, turn the
/// direction of writing or pass for another one.
///
/// What has no printed form (control and format characters, blanks other than the plain one, marks that
/// change the character before) becomes `\n`, `\t`, `\u{1b}` and the like, bytes that are no UTF-8 become
/// `\xff`, and a backslash becomes two.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push(&mut text, character);
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// As [`printable`] for text that has its own escapes already, such as JSON: backslashes stay single.
pub fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\\' => text.push('\\'),
            // Escapes of JSON have four digits and no braces.
            _ if is_plain(character) => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

fn push(text: &mut String, character: char) {
    match character {
        '\'' | '"' => text.push(character),
        _ => text.extend(character.escape_debug()),
    }
}

fn is_plain(character: char) -> bool {
    matches!(character, '\'' | '"') || character.escape_debug().count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_forge_lines_or_pass_for_others() {
        for (bytes, text) in [
            (&b"etc/passwd"[..], "etc/passwd"),
            (b"it's \"a\" name", "it's \"a\" name"),
            (
                "gr\u{fc}n/\u{65e5}\u{672c}".as_bytes(),
                "gr\u{fc}n/\u{65e5}\u{672c}",
            ),
            (b"a\nb\tc\x1b[2J\x7f\0", r"a\nb\tc\u{1b}[2J\u{7f}\0"),
            (b"\xff\xfe", r"\xff\xfe"),
            (br"\xff", r"\\xff"),
            (
                "\u{202e}txt\u{2028}\u{a0}e\u{301}".as_bytes(),
                r"\u{202e}txt\u{2028}\u{a0}e\u{301}",
            ),
        ] {
            assert_eq!(printable(bytes), text);
        }
    }

    #[test]
    fn json_stays_json() {
        for (json, text) in [
            (r#"{"a":"\n\\"}"#, r#"{"a":"\n\\"}"#),
            (
                "\"\u{7f}\u{202e}\u{e0001}\"",
                r#""\u007f\u202e\udb40\udc01""#,
            ),
        ] {
            assert_eq!(printable_json(json), text);
        }
    }
}
