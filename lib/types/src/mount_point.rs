//! Places in an app's file system where volumes go.

use std::fmt;
use std::str::FromStr;

use crate::ac_name::{AcName, AcNameError};
use crate::diagnostic::usage_errors;
use crate::go_bool::{self, BoolError};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::key_value::{self, KeyValueError};

/// A mount point of an app. As text: `NAME,path=/PATH[,readOnly=true]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MountPoint {
    /// The name that volumes are matched by.
    pub name: AcName,
    /// The path in the app's root. JSON may leave it empty; the text form may not.
    pub path: String,
    /// Whether the app asks for a read-only mount.
    pub read_only: bool,
}

/// A text is not a mount point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountPointError {
    /// What follows the name is not a list of `key=value`.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] AcNameError),
    /// `readOnly` is neither true nor false.
    #[error("invalid readOnly: {0}")]
    ReadOnly(BoolError),
    /// A key is unknown.
    #[error("unknown mountpoint parameter {0:?}")]
    Parameter(String),
    /// There is no name.
    #[error("name must be set")]
    NoName,
    /// There is no path.
    #[error("path must be set")]
    NoPath,
}
usage_errors!(MountPointError);

impl FromStr for MountPoint {
    type Err = MountPointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, pairs) = key_value::parse_named(text)?;
        if name.is_empty() {
            return Err(MountPointError::NoName);
        }
        let mut point = Self {
            name: name.parse()?,
            path: String::new(),
            read_only: false,
        };
        for (key, value) in pairs {
            match key {
                "path" => value.clone_into(&mut point.path),
                "readOnly" => {
                    point.read_only = go_bool::parse(value).map_err(MountPointError::ReadOnly)?;
                }
                other => return Err(MountPointError::Parameter(other.to_owned())),
            }
        }
        if point.path.is_empty() {
            Err(MountPointError::NoPath)
        } else {
            Ok(point)
        }
    }
}

impl fmt::Display for MountPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},path={}", self.name, self.path)?;
        if self.read_only {
            f.write_str(",readOnly=true")
        } else {
            Ok(())
        }
    }
}

impl Decode for MountPoint {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.required("name"),
            path: fields.or_default("path"),
            read_only: fields.or_default("readOnly"),
        }))
    }
}

impl Encode for MountPoint {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("path", &self.path);
            out.member_unless(!self.read_only, "readOnly", &self.read_only);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn texts_are_read_as_the_original_does() {
        // Source: appc spec, schema/types/mountpoint.go.
        let table = [
            ("foobar,path=/tmp", "foobar,path=/tmp"),
            ("foobar,path=/tmp,readOnly=false", "foobar,path=/tmp"),
            (
                "foobar,path=/tmp,readOnly=T",
                "foobar,path=/tmp,readOnly=true",
            ),
            (
                "foobar,readOnly=1,path=relative",
                "foobar,path=relative,readOnly=true",
            ),
        ];
        for (text, printed) in table {
            assert_eq!(
                text.parse::<MountPoint>().unwrap().to_string(),
                printed,
                "{text}"
            );
        }
        let table = [
            (
                "#foobar,path=/tmp",
                "ACName must contain only lower case alphanumeric characters plus \"-\"",
            ),
            ("foobar", "path must be set"),
            ("", "name must be set"),
            (",path=/", "name must be set"),
            ("foobar,path=", "path must be set"),
            (
                "foobar,path=/tmp,readOnly=maybe",
                "invalid readOnly: \"maybe\" is not true or false",
            ),
            (
                "foobar,path=/tmp,readOnly=",
                "invalid readOnly: \"\" is not true or false",
            ),
            (
                "foobar,path=/tmp,asdf=asdf",
                "unknown mountpoint parameter \"asdf\"",
            ),
            (
                "foobar,path=/a,path=/b",
                "label path with multiple values [\"/a\" \"/b\"]",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<MountPoint>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }

    #[test]
    fn json_looks_at_the_name_only() {
        let point: MountPoint = from_json(br#"{"name":"a"}"#).unwrap();
        assert_eq!(Writer::text_of(&point), r#"{"name":"a","path":""}"#);
        assert!(from_json::<MountPoint>(br#"{"path":"/a"}"#).is_err());
    }
}
