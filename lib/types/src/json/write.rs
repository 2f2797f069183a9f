//! Values to text, byte for byte as Go's encoder writes it.

use super::{Node, Value};

/// Builds compact JSON text.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: String,
    /// Whether a member or element stands before the next one on this level.
    more: bool,
}

/// A type that a manifest holds.
pub(crate) trait Encode {
    fn encode(&self, out: &mut Writer);
}

impl Writer {
    /// Encodes `value` alone.
    pub(crate) fn text_of(value: &impl Encode) -> String {
        let mut writer = Self::default();
        value.encode(&mut writer);
        writer.out
    }

    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.nest('{', members, '}');
    }

    pub(crate) fn array<'a, T: Encode + 'a>(&mut self, items: impl IntoIterator<Item = &'a T>) {
        let items = items.into_iter();
        self.nest(
            '[',
            |out| {
                for item in items {
                    out.comma();
                    item.encode(out);
                }
            },
            ']',
        );
    }

    /// Writes one member of an object.
    pub(crate) fn member(&mut self, key: &str, value: &(impl Encode + ?Sized)) {
        self.key(key);
        value.encode(self);
    }

    /// Writes a member unless `absent`: Go's `omitempty`.
    pub(crate) fn member_unless(
        &mut self,
        absent: bool,
        key: &str,
        value: &(impl Encode + ?Sized),
    ) {
        if !absent {
            self.member(key, value);
        }
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.comma();
        self.string(key);
        self.out.push(':');
    }

    /// Writes text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.out.push_str(json);
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                // Go escapes what could end a script element or a JavaScript line.
                '<' | '>' | '&' | '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                    self.out
                        .push_str(&format!("\\u{:04x}", u32::from(character)));
                }
                plain => self.out.push(plain),
            }
        }
        self.out.push('"');
    }

    fn nest(&mut self, open: char, inner: impl FnOnce(&mut Self), close: char) {
        self.out.push(open);
        self.more = false;
        inner(self);
        self.out.push(close);
        self.more = true;
    }

    fn comma(&mut self) {
        if self.more {
            self.out.push(',');
        }
        self.more = true;
    }
}

impl Encode for Node {
    fn encode(&self, out: &mut Writer) {
        match &self.value {
            Value::Null => out.raw("null"),
            Value::Bool(value) => value.encode(out),
            Value::Number(literal) => out.raw(literal),
            Value::String(text) => out.string(text),
            Value::Array(items) => out.array(items),
            Value::Object(members) => out.object(|out| {
                for (key, value) in members {
                    out.member(key, value);
                }
            }),
        }
    }
}

impl Encode for str {
    fn encode(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl Encode for bool {
    fn encode(&self, out: &mut Writer) {
        out.raw(if *self { "true" } else { "false" });
    }
}

macro_rules! encode_integers {
    ($($name:ty),+) => {
        $(impl Encode for $name {
            fn encode(&self, out: &mut Writer) {
                out.raw(&self.to_string());
            }
        })+
    };
}
encode_integers!(u16, i32, u32, i64, u64);

impl<T: Encode> Encode for [T] {
    fn encode(&self, out: &mut Writer) {
        out.array(self);
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut Writer) {
        out.array(self);
    }
}

impl Encode for std::collections::BTreeMap<String, String> {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            for (key, value) in self {
                out.member(key, value);
            }
        });
    }
}

/// Lays compact JSON out over lines, as Go's `MarshalIndent` does with an empty prefix.
pub(crate) fn indent(compact: &str, step: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut characters = compact.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth, step);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth, step);
                out.push(character);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth, step);
            }
            ':' => out.push_str(": "),
            other => {
                in_string = other == '"';
                out.push(other);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize, step: &str) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn laying_out_over_lines_looks_like_go() {
        let table = [
            ("{}", "{}"),
            ("[]", "[]"),
            ("null", "null"),
            (
                r#"{"a":[],"b":{},"c":null}"#,
                "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": null\n}",
            ),
            (
                r#"{"a":[1,"x:y,{"]}"#,
                "{\n  \"a\": [\n    1,\n    \"x:y,{\"\n  ]\n}",
            ),
            (r#"["\"[\\"]"#, "[\n  \"\\\"[\\\\\"\n]"),
        ];
        for (compact, laid_out) in table {
            let text = Writer::text_of(&parse(compact.as_bytes()).unwrap());
            assert_eq!(text, compact);
            assert_eq!(indent(&text, "  "), laid_out, "{compact}");
        }
    }
}
