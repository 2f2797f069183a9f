//! From values to types, keeping the path so that an error can say where.

use std::collections::BTreeMap;
use std::error::Error;

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
        }
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
        Ok(items.iter().enumerate().map(move |(index, node)| Cursor {
            node,
            step: Step::Index(self, index),
        }))
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
        DecodeError {
            offset: self.node.offset,
            path: self.path(),
            problem,
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
    /// The member called `key`, whatever its case; the last one where there are several.
    pub(crate) fn get(&self, key: &'a str) -> Option<Cursor<'a>> {
        let found = self
            .members
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, node)| Cursor {
            node,
            step: Step::Key(self.of, key),
        })
    }

    /// The member, or `None` where it is absent or `null`.
    pub(crate) fn optional<T: Decode>(&self, key: &'a str) -> Result<Option<T>, DecodeError> {
        match self.get(key) {
            Some(cursor) if !cursor.is_null() => T::decode(cursor).map(Some),
            _ => Ok(None),
        }
    }

    /// The member, or the zero value where it is absent or `null`.
    pub(crate) fn or_default<T: Decode + Default>(&self, key: &'a str) -> Result<T, DecodeError> {
        Ok(self.optional(key)?.unwrap_or_default())
    }

    /// The member; where it is absent, what `null` decodes to or the error for it.
    pub(crate) fn required<T: Decode>(&self, key: &'a str) -> Result<T, DecodeError> {
        match self.get(key) {
            Some(cursor) => T::decode(cursor),
            None => {
                let absent = Node {
                    offset: self.of.node.offset,
                    value: Value::Null,
                };
                T::decode(Cursor {
                    node: &absent,
                    step: Step::Key(self.of, key),
                })
            }
        }
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
        cursor.items()?.map(T::decode).collect()
    }
}

impl Decode for BTreeMap<String, String> {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let members = cursor.object()?.members;
        let mut map = BTreeMap::new();
        for (key, node) in members {
            let value = Cursor {
                node,
                step: Step::Key(&cursor, key),
            }
            .string()?;
            map.insert(key.to_string(), value.to_owned());
        }
        Ok(map)
    }
}
