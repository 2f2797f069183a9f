//! As much of the D-Bus protocol as it takes to call a method and to see that it was answered.
//!
//! Source: D-Bus Specification 0.43, "Marshaling" and "Message Format".

/// A call of a method.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
    pub(crate) arguments: Arguments,
}

/// Bytes that are aligned from their beginning.
#[derive(Clone, Debug, Default)]
struct Marshalled(Vec<u8>);

impl Marshalled {
    fn pad(&mut self, to: usize) {
        let length = self.0.len().next_multiple_of(to);
        self.0.resize(length, 0);
    }

    fn number(&mut self, number: u32) {
        self.pad(4);
        self.0.extend(number.to_le_bytes());
    }

    fn length(&mut self, bytes: &[u8]) {
        // Names and paths: nothing that is marshalled here comes near the limit.
        self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }

    fn string(&mut self, text: &[u8]) {
        self.length(text);
        self.0.extend(text);
        self.0.push(0);
    }

    fn signature(&mut self, signature: &str) {
        // One of those below, of a few bytes.
        self.0
            .push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend(signature.bytes());
        self.0.push(0);
    }
}

/// The arguments of a call, with their signature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    body: Marshalled,
    signature: String,
}

impl Arguments {
    /// Adds a string, which must be UTF-8 without zero bytes, else the bus hangs up.
    pub(crate) fn string(&mut self, text: &[u8]) {
        self.signature.push('s');
        self.body.string(text);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u32) {
        self.signature.push('u');
        self.body.number(number);
    }

    /// Adds an array of bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.signature.push_str("ay");
        self.body.length(bytes);
        self.body.0.extend(bytes);
    }
}

const LITTLE_ENDIAN: u8 = b'l';
const BIG_ENDIAN: u8 = b'B';
const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const VERSION: u8 = 1;

impl Call<'_> {
    /// The message of the call, which has number `serial` on its connection.
    pub(crate) fn message(&self, serial: u32) -> Vec<u8> {
        let body = &self.arguments.body.0;
        let mut fields = Marshalled::default();
        for (code, kind, text) in [
            (1, "o", self.path),
            (2, "s", self.interface),
            (3, "s", self.member),
            (6, "s", self.service),
        ] {
            fields.pad(8);
            fields.0.push(code);
            fields.signature(kind);
            fields.string(text.as_bytes());
        }
        if !body.is_empty() {
            fields.pad(8);
            fields.0.push(8);
            fields.signature("g");
            fields.signature(&self.arguments.signature);
        }
        let mut message = Marshalled(vec![LITTLE_ENDIAN, METHOD_CALL, 0, VERSION]);
        message.length(body);
        message.number(serial);
        // The fields begin at a multiple of 8, so that they are aligned as they were by themselves.
        message.length(&fields.0);
        message.0.extend(&fields.0);
        message.pad(8);
        message.0.extend(body);
        message.0
    }
}

/// Bytes of a message before its fields.
const HEAD_BYTES: usize = 16;

/// Longest line of the authentication, in bytes; ours are much shorter.
const MAX_LINE_BYTES: usize = 4096;

/// Largest message that is waited for, in bytes. Nothing that we are sent comes near it.
const MAX_MESSAGE_BYTES: u64 = 1024 * 1024;

/// What comes from the bus is no message, or none for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// What a bus sends, of which only the answers to calls are counted.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What has been read of the next message, unless it is skipped.
    begun: Vec<u8>,
    /// Bytes left of the message that is being read.
    rest: u64,
    accepted: bool,
    count: u32,
}

impl Answers {
    /// How many calls have been answered, whatever the answer.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Takes what has come, in pieces of any size. Holds at most a line of the authentication.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<(), Garbled> {
        while let Some((first, others)) = bytes.split_first() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len() as u64);
                self.rest -= skipped;
                bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                continue;
            }
            self.begun.push(*first);
            bytes = others;
            if !self.accepted {
                self.line()?;
            } else if self.begun.len() == HEAD_BYTES {
                self.head()?;
            }
        }
        Ok(())
    }

    fn line(&mut self) -> Result<(), Garbled> {
        if self.begun.ends_with(b"\r\n") {
            if !self.begun.starts_with(b"OK") {
                return Err(Garbled);
            }
            self.accepted = true;
            self.begun.clear();
        }
        (self.begun.len() < MAX_LINE_BYTES)
            .then_some(())
            .ok_or(Garbled)
    }

    fn head(&mut self) -> Result<(), Garbled> {
        let word = |at: usize| -> [u8; 4] { std::array::from_fn(|i| self.begun[at + i]) };
        let number = |at| match self.begun[0] {
            LITTLE_ENDIAN => Ok(u64::from(u32::from_le_bytes(word(at)))),
            BIG_ENDIAN => Ok(u64::from(u32::from_be_bytes(word(at)))),
            _ => Err(Garbled),
        };
        let (body, fields) = (number(4)?, number(12)?);
        let rest = fields.next_multiple_of(8) + body;
        if self.begun[3] != VERSION || rest > MAX_MESSAGE_BYTES {
            return Err(Garbled);
        }
        if matches!(self.begun[1], METHOD_RETURN | ERROR) {
            self.count += 1;
        }
        self.rest = rest;
        self.begun.clear();
        Ok(())
    }
}

/// How many calls a bus has answered that sent `bytes`; `None` if those are no messages.
#[must_use]
pub fn answers(bytes: &[u8]) -> Option<u32> {
    let mut answers = Answers::default();
    answers.read(bytes).ok()?;
    Some(answers.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message of some type, with fields and a body that nobody looks at.
    fn message(big: bool, kind: u8, fields: u32, body: u32) -> Vec<u8> {
        let number = |n: u32| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let mut bytes = vec![if big { b'B' } else { b'l' }, kind, 0, 1];
        bytes.extend(number(body));
        bytes.extend(number(7));
        bytes.extend(number(fields));
        let rest = fields.next_multiple_of(8) + body;
        bytes.resize(bytes.len() + rest as usize, b'x');
        bytes
    }

    #[test]
    fn only_answers_are_counted() {
        let ok = b"OK 1234\r\n".to_vec();
        for (messages, expected) in [
            (vec![], Some(0)),
            (
                vec![message(false, 2, 24, 9), message(false, 4, 100, 0)],
                Some(1),
            ),
            (
                vec![message(true, 3, 13, 5), message(false, 2, 0, 0)],
                Some(2),
            ),
            // Only the beginning has come, which tells.
            (vec![message(false, 2, 24, 900)[..20].to_vec()], Some(1)),
            (vec![message(false, 2, 24, 900)[..15].to_vec()], Some(0)),
            (vec![message(false, 2, 1 << 20, 900)[..16].to_vec()], None),
            (
                vec![message(false, 2, 8, u32::MAX - 8)[..16].to_vec()],
                None,
            ),
            (vec![b"x2\0\x01aaaabbbbcccc".to_vec()], None),
            (vec![b"l2\0\x02\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()], None),
        ] {
            let bytes = [ok.clone(), messages.concat()].concat();
            assert_eq!(answers(&bytes), expected, "{bytes:?}");
        }
        assert_eq!(answers(b"REJECTED EXTERNAL\r\n"), None);
        assert_eq!(answers(&[b'O'; MAX_LINE_BYTES]), None);
    }

    #[test]
    fn a_call_is_what_the_specification_says() {
        let mut arguments = Arguments::default();
        arguments.string(b"ab");
        arguments.bytes(&[9]);
        arguments.number(5);
        let call = Call {
            service: "s.s",
            path: "/p",
            interface: "i.i",
            member: "M",
            arguments,
        };
        let expected: Vec<u8> = [
            &b"l\x01\0\x01\x14\0\0\0\x02\0\0\0\x4a\0\0\0"[..],
            b"\x01\x01o\0\x02\0\0\0/p\0\0\0\0\0\0",
            b"\x02\x01s\0\x03\0\0\0i.i\0\0\0\0\0",
            b"\x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0",
            b"\x06\x01s\0\x03\0\0\0s.s\0\0\0\0\0",
            b"\x08\x01g\0\x04sayu\0",
            b"\0\0\0\0\0\0",
            b"\x02\0\0\0ab\0\0\x01\0\0\0\x09\0\0\0\x05\0\0\0",
        ]
        .concat();
        assert_eq!(call.message(2), expected);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(parts: Vec<(bool, u8, u8, u8)>, mut tail: Vec<u8>, cut: u8) {
            let mut bytes = b"OK\r\n".to_vec();
            for (big, kind, fields, body) in parts {
                bytes.extend(message(big, kind % 5, fields.into(), body.into()));
            }
            bytes.append(&mut tail);
            let mut by_pieces = Answers::default();
            let read = bytes.chunks(usize::from(cut) + 1).try_for_each(|piece| by_pieces.read(piece));
            prop_assert_eq!(read.ok().map(|()| by_pieces.count()), answers(&bytes));
        }
    }
}
