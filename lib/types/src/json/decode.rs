//! From values to types, keeping the path so that an error can say where.

use std::collections::BTreeMap;
use std::error::Error;

use super::log::{Entry, Log, Noted};
use super::{Node, Value};

/// A type that a manifest holds.
pub(crate) trait Decode: Sized {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError>;
}

/// What is wrong with a value.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The value has another JSON type, or is a number out of range.
    Type {
        found: String,
        expected: &'static str,
    },
    /// The document says to be of another kind.
    Kind(crate::AcKindError),
    /// The value breaks a rule.
    Invalid(Box<dyn Error + Send + Sync>),
}

/// A value that cannot be taken, with its place.
#[derive(Debug)]
pub(crate) struct DecodeError {
    pub(crate) offset: usize,
    pub(crate) path: String,
    pub(crate) problem: Problem,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a Cursor<'a>, &'a str),
    Index(&'a Cursor<'a>, usize),
}

/// One value of the document and the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    node: &'a Node,
    step: Step<'a>,
    /// Where errors go if the reader wants all of them.
    log: Option<&'a Log>,
}

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    of: &'a Cursor<'a>,
    members: &'a [(Box<str>, Node)],
}

impl<'a> Cursor<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self {
            node,
            step: Step::Root,
            log: None,
        }
    }

    /// As [`Cursor::root`], for a reader that goes on after an error and notes all of them in `log`.
    pub(crate) fn logged(node: &'a Node, log: &'a Log) -> Self {
        Self {
            log: Some(log),
            ..Self::root(node)
        }
    }

    fn beneath(&self, node: &'a Node, step: Step<'a>) -> Self {
        Self {
            node,
            step,
            log: self.log,
        }
    }

    /// Whether the reader wants more than the first error.
    pub(crate) fn goes_on(&self) -> bool {
        self.log.is_some()
    }

    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    pub(crate) fn is_null(&self) -> bool {
        self.node.value == Value::Null
    }

    /// The text of a string; empty for `null`.
    pub(crate) fn string(&self) -> Result<&'a str, DecodeError> {
        match &self.node.value {
            Value::String(text) => Ok(text),
            Value::Null => Ok(""),
            _ => Err(self.mistyped("string")),
        }
    }

    /// The members of an object; none for `null`.
    pub(crate) fn object(&'a self) -> Result<Fields<'a>, DecodeError> {
        match &self.node.value {
            Value::Object(members) => Ok(Fields { of: self, members }),
            Value::Null => Ok(Fields {
                of: self,
                members: &[],
            }),
            _ => Err(self.mistyped("object")),
        }
    }

    /// The elements of an array; none for `null`.
    pub(crate) fn items(&'a self) -> Result<impl Iterator<Item = Cursor<'a>>, DecodeError> {
        let items: &[Node] = match &self.node.value {
            Value::Array(items) => items,
            Value::Null => &[],
            _ => return Err(self.mistyped("array")),
        };
        let numbered = items.iter().enumerate();
        Ok(numbered.map(move |(index, node)| self.beneath(node, Step::Index(self, index))))
    }

    /// The elements of an array, each looked at by `check` in the light of the earlier ones.
    ///
    /// With a log all of them are read whatever is wrong with one.
    pub(crate) fn list<T: Decode, E: Into<Box<dyn Error + Send + Sync>>>(
        &'a self,
        mut check: impl FnMut(&T) -> Result<(), E>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut list = Vec::new();
        let mut first = None;
        for item in self.items()? {
            let read = T::decode(item)
                .and_then(|value| check(&value).map(|()| value).map_err(|e| item.invalid(e)));
            match read {
                Ok(value) => list.push(value),
                Err(error) if !self.goes_on() => return Err(error),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        first.map_or(Ok(list), Err)
    }

    /// The literal text of a number; `0` for `null`.
    pub(crate) fn number(&self, expected: &'static str) -> Result<&'a str, DecodeError> {
        match &self.node.value {
            Value::Number(literal) => Ok(literal),
            Value::Null => Ok("0"),
            _ => Err(self.mistyped(expected)),
        }
    }

    pub(crate) fn invalid(&self, error: impl Into<Box<dyn Error + Send + Sync>>) -> DecodeError {
        self.fail(Problem::Invalid(error.into()))
    }

    pub(crate) fn mistyped(&self, expected: &'static str) -> DecodeError {
        let found = match &self.node.value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(literal) => format!("number {literal}"),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        self.fail(Problem::Type { found, expected })
    }

    pub(crate) fn fail(&self, problem: Problem) -> DecodeError {
        let offset = self.node.offset;
        let Some(log) = self.log else {
            return DecodeError {
                offset,
                path: self.path(),
                problem,
            };
        };
        log.note(|| Entry {
            offset,
            path: self.json_path(),
            problem,
        });
        DecodeError {
            offset,
            path: String::new(),
            problem: Problem::Invalid(Box::new(Noted)),
        }
    }

    /// The way from the root as JSONPath has it, such as `$.app.ports[0].name`. Source: RFC 9535.
    pub(crate) fn json_path(&self) -> String {
        match self.step {
            Step::Root => "$".to_owned(),
            Step::Index(parent, index) => format!("{}[{index}]", parent.json_path()),
            Step::Key(parent, key) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let digit = key.starts_with(|c: char| c.is_ascii_digit());
                if !key.is_empty() && !digit && key.chars().all(plain) {
                    format!("{}.{key}", parent.json_path())
                } else {
                    format!("{}[{key:?}]", parent.json_path())
                }
            }
        }
    }

    /// The way from the root, such as `app.ports[0].name`; empty for the root itself.
    fn path(&self) -> String {
        match self.step {
            Step::Root => String::new(),
            Step::Index(parent, index) => format!("{}[{index}]", parent.path()),
            Step::Key(parent, key) => match parent.path() {
                above if above.is_empty() => key.to_owned(),
                above => format!("{above}.{key}"),
            },
        }
    }
}

impl<'a> Fields<'a> {
    /// Every member called `key`, whatever its case, in order.
    fn all(&self, key: &'a str) -> impl Iterator<Item = Cursor<'a>> {
        let of = self.of;
        let found = self
            .members
            .iter()
            .filter(move |(name, _)| same_key(name, key));
        found.map(move |(_, node)| of.beneath(node, Step::Key(of, key)))
    }

    /// The member called `key`; the last one where there are several.
    pub(crate) fn get(&self, key: &'a str) -> Option<Cursor<'a>> {
        self.all(key).last()
    }

    /// The names of the members and their values, in order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a str, Cursor<'a>)> {
        let of = self.of;
        let members = self.members.iter();
        members.map(move |(name, node)| (&**name, of.beneath(node, Step::Key(of, name))))
    }

    /// The member read by `T`, if there is one, `null` or not.
    ///
    /// Of several the last one counts, but none may be wrong: what reads only the first one, or puts all
    /// together, must not see what nobody checked.
    pub(crate) fn present<T: Decode>(&self, key: &'a str) -> Result<Option<T>, DecodeError> {
        self.read(key, |cursor| T::decode(cursor).map(Some))
    }

    /// The member, or `None` where it is absent or `null`.
    pub(crate) fn optional<T: Decode>(&self, key: &'a str) -> Result<Option<T>, DecodeError> {
        self.read(key, |cursor| {
            if cursor.is_null() {
                Ok(None)
            } else {
                T::decode(cursor).map(Some)
            }
        })
    }

    fn read<T>(
        &self,
        key: &'a str,
        decode: impl Fn(Cursor<'a>) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let mut last = Ok(None);
        for cursor in self.all(key) {
            let read = decode(cursor);
            if last.is_ok() {
                last = read;
            }
        }
        last
    }

    /// The member, or the zero value where it is absent or `null`.
    pub(crate) fn or_default<T: Decode + Default>(&self, key: &'a str) -> Result<T, DecodeError> {
        Ok(self.optional(key)?.unwrap_or_default())
    }

    /// As [`Fields::or_default`], for a value that has a rule of its own.
    pub(crate) fn checked<T: Decode + Default, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        key: &'a str,
        check: impl FnOnce(&T) -> Result<(), E>,
    ) -> Result<T, DecodeError> {
        let value = self.or_default(key)?;
        match check(&value) {
            Ok(()) => Ok(value),
            Err(error) => Err(self.invalid_at(key, error)),
        }
    }

    /// The member, or `missing` where it is absent or `null`.
    pub(crate) fn expected<T: Decode>(
        &self,
        key: &'a str,
        missing: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<T, DecodeError> {
        match self.optional(key)? {
            Some(value) => Ok(value),
            None => Err(self.invalid_at(key, missing)),
        }
    }

    /// The member; where it is absent, what `null` decodes to or the error for it.
    pub(crate) fn required<T: Decode>(&self, key: &'a str) -> Result<T, DecodeError> {
        if let Some(value) = self.present(key)? {
            return Ok(value);
        }
        let absent = Node {
            offset: self.of.node.offset,
            value: Value::Null,
        };
        let step = Step::Key(self.of, key);
        T::decode(Cursor {
            node: &absent,
            step,
            log: self.of.log,
        })
    }

    /// An error about the object as a whole or about a member that is not there.
    pub(crate) fn invalid(&self, error: impl Into<Box<dyn Error + Send + Sync>>) -> DecodeError {
        self.of.invalid(error)
    }

    /// An error about one member, placed at the object where the member is absent.
    pub(crate) fn invalid_at(
        &self,
        key: &'a str,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> DecodeError {
        self.get(key).unwrap_or(*self.of).invalid(error)
    }
}

/// Whether a document's key means a field: as in Go, case does not count, nor the Kelvin sign and the long s
/// that Unicode folds into `k` and `s`.
pub(crate) fn same_key(name: &str, key: &str) -> bool {
    if name.is_ascii() {
        return name.eq_ignore_ascii_case(key);
    }
    let folded = name.chars().map(|c| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(key.chars().map(|c| c.to_ascii_lowercase()))
}

/// Makes a struct of fields that are read one by one, all of them before the first error is returned, so that
/// a log gets the errors of all.
macro_rules! read_all {
    ($name:ident { $($field:ident: $read:expr),+ $(,)? }) => {{
        $(let $field = $read;)+
        $name { $($field: $field?),+ }
    }};
}
pub(crate) use read_all;

impl Decode for String {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        cursor.string().map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        match cursor.node.value {
            Value::Bool(value) => Ok(value),
            Value::Null => Ok(false),
            _ => Err(cursor.mistyped("bool")),
        }
    }
}

macro_rules! decode_integers {
    ($($name:ty: $text:literal),+) => {
        $(impl Decode for $name {
            fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
                // As in Go, `1.0` and `1e3` are not integers.
                cursor.number($text)?.parse().map_err(|_| cursor.mistyped($text))
            }
        })+
    };
}
decode_integers!(i32: "int32", u32: "uint32", i64: "int", u64: "uint");

impl<T: Decode> Decode for Vec<T> {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        cursor.list(|_| Ok::<_, std::convert::Infallible>(()))
    }
}

impl Decode for BTreeMap<String, String> {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut map = BTreeMap::new();
        let mut first = None;
        for (key, value) in cursor.object()?.members() {
            match value.string() {
                Ok(value) => drop(map.insert(key.to_owned(), value.to_owned())),
                Err(error) if !cursor.goes_on() => return Err(error),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        first.map_or(Ok(map), Err)
    }
}
