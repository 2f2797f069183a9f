//! Bytes to a tree of values with their offsets.

/// Deepest nesting of arrays and objects accepted. Real manifests need six levels.
const MAX_DEPTH: usize = 128;

/// Most values accepted in one document, so that four megabytes of `[0,0,…` stay cheap in memory.
const MAX_VALUES: usize = 1 << 18;

/// One value and the byte offset at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) offset: usize,
    pub(crate) value: Value,
}

/// A JSON value. Numbers keep their literal text: whether `1e3` is an integer is the reader's question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    Array(Vec<Node>),
    Object(Vec<(Box<str>, Node)>),
}

/// The text is not JSON. `offset` is that of the offending byte, or the length of the text at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Parses one JSON value that fills `text` apart from white space.
///
/// Invalid UTF-8 and lone surrogates inside strings become U+FFFD, as Go has it.
pub(crate) fn parse(text: &[u8]) -> Result<Node, SyntaxError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        values: 0,
    };
    let node = parser.value()?;
    parser.space();
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected("after top-level value")),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    values: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn fail(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            offset: self.at,
            message: message.into(),
        }
    }

    /// The error for the byte at hand, or for the end of the text.
    fn unexpected(&self, context: &str) -> SyntaxError {
        match self.peek() {
            None => self.fail("unexpected end of JSON input"),
            Some(byte) => self.fail(format!(
                "invalid character {} {context}",
                quote_char(self.text, self.at, byte)
            )),
        }
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        self.space();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.fail(format!("more than {MAX_VALUES} values")));
        }
        let offset = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b't') => self.literal("true", Value::Bool(true))?,
            Some(b'f') => self.literal("false", Value::Bool(false))?,
            Some(b'n') => self.literal("null", Value::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.unexpected("looking for beginning of value")),
        };
        Ok(Node { offset, value })
    }

    fn nested(
        &mut self,
        inner: fn(&mut Self) -> Result<Value, SyntaxError>,
    ) -> Result<Value, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.fail(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.at += 1; // the opening bracket
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, SyntaxError> {
        let mut members = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            members.push((key, self.value()?));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn array(&mut self) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn literal(&mut self, word: &'static str, value: Value) -> Result<Value, SyntaxError> {
        for (index, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
                let wanted = &word[index..=index];
                return Err(self.unexpected(&format!("in literal {word} (expecting '{wanted}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected("after decimal point in numeric literal"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected("in exponent of numeric literal"));
            }
            self.digits();
        }
        // Every byte of the literal was matched as ASCII above.
        Ok(Value::Number(
            String::from_utf8_lossy(&self.text[start..self.at]).into(),
        ))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<Box<str>, SyntaxError> {
        self.at += 1; // the opening quote
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text_of(&bytes));
                }
                Some(b'\\') => {
                    self.at += 1;
                    let decoded = self.escape()?;
                    bytes.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte) if byte >= 0x20 => {
                    self.at += 1;
                    bytes.push(byte);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let decoded = match self.peek() {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(decoded)
    }

    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let resume = self.at;
        if self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        // A lone first half: the escape after it, if any, stands for itself.
        self.at = resume;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Text of bytes; each byte that is no part of a character becomes U+FFFD, as Go has it.
fn text_of(bytes: &[u8]) -> Box<str> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text.into()
}

/// The character at `at` in single quotes, for a message.
fn quote_char(text: &[u8], at: usize, byte: u8) -> String {
    let end = text.len().min(at + 4);
    let shown = match std::str::from_utf8(&text[at..end]) {
        Ok(valid) => valid.chars().next(),
        Err(error) => std::str::from_utf8(&text[at..at + error.valid_up_to()])
            .ok()
            .and_then(|valid| valid.chars().next()),
    };
    match shown {
        Some(character) if !character.is_ascii_control() || "\t\n\r".contains(character) => {
            format!("{character:?}")
        }
        _ => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::Writer;

    fn again(text: &[u8]) -> String {
        Writer::text_of(&parse(text).unwrap_or_else(|error| panic!("{error:?}")))
    }

    #[test]
    fn values_are_read_as_go_reads_them() {
        let table: [(&[u8], &str); 13] = [
            (b" null\r\n\t", "null"),
            (b"[]", "[]"),
            (b"{ }", "{}"),
            (
                br#"{"a":{"b":[1,-0,1.50,1E+3,true,false,null]}}"#,
                r#"{"a":{"b":[1,-0,1.50,1E+3,true,false,null]}}"#,
            ),
            (br#""\"\\\/\b\f\n\r\t""#, r#""\"\\/\u0008\u000c\n\r\t""#),
            (br#""<a&b>\u00e9""#, "\"\\u003ca\\u0026b\\u003e\u{e9}\""),
            ("\"\u{2028}\"".as_bytes(), r#""\u2028""#),
            (br#""\ud83d\ude00""#, "\"\u{1f600}\""),
            (br#""\ud83dx""#, "\"\u{fffd}x\""),
            (br#""\ud83d\u0041\udc00""#, "\"\u{fffd}A\u{fffd}\""),
            (b"\"\xff\"", "\"\u{fffd}\""),
            (b"\"\xe2\x80x\"", "\"\u{fffd}\u{fffd}x\""),
            (br#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        ];
        for (text, written) in table {
            assert_eq!(again(text), written, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn errors_name_the_character_and_the_context() {
        let table: [(&[u8], usize, &str); 20] = [
            (b"", 0, "unexpected end of JSON input"),
            (b"  ", 2, "unexpected end of JSON input"),
            (b"{", 1, "unexpected end of JSON input"),
            (b"[1,", 3, "unexpected end of JSON input"),
            (br#"{"a"#, 3, "unexpected end of JSON input"),
            (
                b"{'a':1}",
                1,
                "invalid character '\\'' looking for beginning of object key string",
            ),
            (
                br#"{"a":1,}"#,
                7,
                "invalid character '}' looking for beginning of object key string",
            ),
            (
                b"[1,]",
                3,
                "invalid character ']' looking for beginning of value",
            ),
            (b"[1 2]", 3, "invalid character '2' after array element"),
            (br#"{"a" 1}"#, 5, "invalid character '1' after object key"),
            (
                br#"{"a":1 "b":2}"#,
                7,
                "invalid character '\"' after object key:value pair",
            ),
            (b"{} x", 3, "invalid character 'x' after top-level value"),
            (b"nul", 3, "unexpected end of JSON input"),
            (
                b"nulx",
                3,
                "invalid character 'x' in literal null (expecting 'l')",
            ),
            (b"01", 1, "invalid character '1' after top-level value"),
            (b"-", 1, "unexpected end of JSON input"),
            (
                b"1.x",
                2,
                "invalid character 'x' after decimal point in numeric literal",
            ),
            (b"1e+", 3, "unexpected end of JSON input"),
            (b"\"\n\"", 1, "invalid character '\\n' in string literal"),
            (br#""\x""#, 2, "invalid character 'x' in string escape code"),
        ];
        for (text, offset, message) in table {
            let expected = SyntaxError {
                offset,
                message: message.to_owned(),
            };
            assert_eq!(
                parse(text),
                Err(expected),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(
            parse(nested(MAX_DEPTH + 1).as_bytes())
                .unwrap_err()
                .message
                .contains("nested")
        );
        assert!(parse("[".repeat(1 << 20).as_bytes()).is_err());
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(
            parse(many.as_bytes())
                .unwrap_err()
                .message
                .contains("values")
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(text in "\\PC{0,40}") {
            let node = Node { offset: 0, value: Value::String(text.as_str().into()) };
            prop_assert_eq!(parse(Writer::text_of(&node).as_bytes()), Ok(node));
        }

        #[test]
        fn no_bytes_panic(text in "[\\[\\]{}\",:0-9eE.+\\\\untrfalsd \n-]{0,60}") {
            let _ = parse(text.as_bytes());
        }
    }
}
