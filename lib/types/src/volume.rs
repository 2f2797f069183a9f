//! Volumes of a pod.

use std::fmt;
use std::str::FromStr;

use crate::ac_name::{AcName, AcNameError};
use crate::diagnostic::usage_errors;
use crate::go_bool::{self, BoolError};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::key_value::{self, KeyValueError};

/// A volume of a pod.
///
/// As text: `NAME,kind=host,source=/PATH[,readOnly=true][,recursive=false]` or
/// `NAME,kind=empty[,mode=0777][,uid=N][,gid=N]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    /// The name that mounts refer to.
    pub name: AcName,
    /// Where its contents come from.
    pub kind: VolumeKind,
    /// Whether it is mounted read-only; unset means not.
    pub read_only: Option<bool>,
    /// Whether mounts beneath the source come along; unset leaves it to the executor.
    pub recursive: Option<bool>,
}

/// Where the contents of a volume come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VolumeKind {
    /// A directory or file of the host.
    Host {
        /// Its absolute path.
        source: String,
    },
    /// A new, empty directory.
    Empty {
        /// Its mode in octal digits, `0755` unless set.
        mode: String,
        /// Its owner.
        uid: i64,
        /// Its group.
        gid: i64,
    },
}

/// A volume breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// What follows the name is not a list of `key=value`.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] AcNameError),
    /// The kind is missing or unknown.
    #[error("unrecognized volume kind: should be one of \"empty\", \"host\"")]
    Kind,
    /// A host volume has no source.
    #[error("source for host volume cannot be empty")]
    NoSource,
    /// A host volume's source is relative.
    #[error("source for host volume must be absolute path")]
    RelativeSource,
    /// An empty volume has a source.
    #[error("source for empty volume must be empty")]
    Source,
    /// A host volume sets what only an empty one may.
    #[error("{0} for host volume cannot be set")]
    OnlyEmpty(&'static str),
    /// `readOnly` or `recursive` is neither true nor false.
    #[error("invalid {0}: {1}")]
    Bool(&'static str, BoolError),
    /// `uid` or `gid` is not a number.
    #[error("invalid {key}: {value:?} is not a number")]
    Number {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// A key is unknown.
    #[error("unknown volume parameter {0:?}")]
    Parameter(String),
}
usage_errors!(VolumeError);

/// The mode of an empty volume that sets none.
const DEFAULT_MODE: &str = "0755";

/// The fields before their meaning together is checked.
#[derive(Default)]
struct Raw {
    kind: String,
    source: String,
    read_only: Option<bool>,
    recursive: Option<bool>,
    mode: Option<String>,
    uid: Option<i64>,
    gid: Option<i64>,
}

impl Raw {
    /// The rules broken, each with the field it is about.
    fn flaws(&self) -> Vec<(&'static str, VolumeError)> {
        let mut flaws = Vec::new();
        match &*self.kind {
            "host" => {
                if self.source.is_empty() {
                    flaws.push(("source", VolumeError::NoSource));
                } else if !self.source.starts_with('/') {
                    flaws.push(("source", VolumeError::RelativeSource));
                }
                for (set, key) in [
                    (self.mode.is_some(), "mode"),
                    (self.uid.is_some(), "uid"),
                    (self.gid.is_some(), "gid"),
                ] {
                    if set {
                        flaws.push((key, VolumeError::OnlyEmpty(key)));
                    }
                }
            }
            "empty" if !self.source.is_empty() => flaws.push(("source", VolumeError::Source)),
            "empty" => {}
            _ => flaws.push(("kind", VolumeError::Kind)),
        }
        flaws
    }

    /// The volume, if there are no flaws.
    fn volume(self, name: AcName) -> Volume {
        let kind = if self.kind == "host" {
            VolumeKind::Host {
                source: self.source,
            }
        } else {
            VolumeKind::Empty {
                mode: self.mode.unwrap_or_else(|| DEFAULT_MODE.to_owned()),
                uid: self.uid.unwrap_or(0),
                gid: self.gid.unwrap_or(0),
            }
        };
        Volume {
            name,
            kind,
            read_only: self.read_only,
            recursive: self.recursive,
        }
    }
}

impl FromStr for Volume {
    type Err = VolumeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, pairs) = key_value::parse_named(text)?;
        let name = name.parse()?;
        let mut raw = Raw::default();
        let boolean = |key, value| go_bool::parse(value).map_err(|e| VolumeError::Bool(key, e));
        let number = |key, value: &str| {
            value.parse().map_err(|_| VolumeError::Number {
                key,
                value: value.to_owned(),
            })
        };
        for (key, value) in pairs {
            match key {
                "kind" => value.clone_into(&mut raw.kind),
                "source" => value.clone_into(&mut raw.source),
                "readOnly" => raw.read_only = Some(boolean("readOnly", value)?),
                "recursive" => raw.recursive = Some(boolean("recursive", value)?),
                "mode" => raw.mode = Some(value.to_owned()),
                "uid" => raw.uid = Some(number("uid", value)?),
                "gid" => raw.gid = Some(number("gid", value)?),
                other => return Err(VolumeError::Parameter(other.to_owned())),
            }
        }
        match raw.flaws().into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(raw.volume(name)),
        }
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            VolumeKind::Host { source } => write!(f, "{},kind=host,source={source}", self.name)?,
            VolumeKind::Empty { .. } => write!(f, "{},kind=empty", self.name)?,
        }
        if let Some(read_only) = self.read_only {
            write!(f, ",readOnly={read_only}")?;
        }
        if let Some(recursive) = self.recursive {
            write!(f, ",recursive={recursive}")?;
        }
        if let VolumeKind::Empty { mode, uid, gid } = &self.kind {
            if mode != DEFAULT_MODE {
                write!(f, ",mode={mode}")?;
            }
            if *uid != 0 {
                write!(f, ",uid={uid}")?;
            }
            if *gid != 0 {
                write!(f, ",gid={gid}")?;
            }
        }
        Ok(())
    }
}

impl Decode for Volume {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let name = fields.required("name");
        let raw = read_all!(Raw {
            kind: fields.or_default("kind"),
            source: fields.or_default("source"),
            read_only: fields.optional("readOnly"),
            recursive: fields.optional("recursive"),
            mode: fields.optional("mode"),
            uid: fields.optional("uid"),
            gid: fields.optional("gid"),
        });
        let mut first = None;
        for (key, error) in raw.flaws() {
            let error = fields.invalid_at(key, error);
            first.get_or_insert(error);
        }
        match first {
            Some(error) => Err(error),
            None => Ok(raw.volume(name?)),
        }
    }
}

impl Encode for Volume {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            let empty = match &self.kind {
                VolumeKind::Host { source } => {
                    out.member("kind", "host");
                    out.member("source", source);
                    None
                }
                VolumeKind::Empty { mode, uid, gid } => {
                    out.member("kind", "empty");
                    Some((mode, uid, gid))
                }
            };
            if let Some(read_only) = &self.read_only {
                out.member("readOnly", read_only);
            }
            if let Some(recursive) = &self.recursive {
                out.member("recursive", recursive);
            }
            if let Some((mode, uid, gid)) = empty {
                out.member("mode", mode);
                out.member("uid", uid);
                out.member("gid", gid);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn texts_are_read_as_the_original_does() {
        // Source: appc spec, schema/types/volume.go.
        let table = [
            (
                "foobar,kind=host,source=/tmp",
                "foobar,kind=host,source=/tmp",
            ),
            (
                "foobar,kind=host,source=/tmp,readOnly=0",
                "foobar,kind=host,source=/tmp,readOnly=false",
            ),
            (
                "foobar,source=/tmp,kind=host,recursive=T",
                "foobar,kind=host,source=/tmp,recursive=true",
            ),
            ("foobar,kind=empty", "foobar,kind=empty"),
            (
                "foobar,kind=empty,mode=0755,uid=0,gid=0",
                "foobar,kind=empty",
            ),
            (
                "foobar,kind=empty,readOnly=true,mode=0777",
                "foobar,kind=empty,readOnly=true,mode=0777",
            ),
            (
                "foobar,kind=empty,uid=1000,gid=100",
                "foobar,kind=empty,uid=1000,gid=100",
            ),
        ];
        for (text, printed) in table {
            assert_eq!(
                text.parse::<Volume>().unwrap().to_string(),
                printed,
                "{text}"
            );
        }
        let table = [
            (
                "#foobar,kind=host,source=/tmp",
                "ACName must contain only lower case alphanumeric characters plus \"-\"",
            ),
            (
                "foobar,kind=host,source=/tmp,asdf=asdf",
                "unknown volume parameter \"asdf\"",
            ),
            ("foobar,kind=host", "source for host volume cannot be empty"),
            (
                "foobar,kind=host,source=tmp",
                "source for host volume must be absolute path",
            ),
            (
                "foobar,kind=host,source=/tmp,mode=0755",
                "mode for host volume cannot be set",
            ),
            (
                "foobar,kind=host,source=/tmp,uid=0",
                "uid for host volume cannot be set",
            ),
            (
                "foobar,kind=host,source=/tmp,gid=0",
                "gid for host volume cannot be set",
            ),
            (
                "foobar,kind=empty,source=/tmp",
                "source for empty volume must be empty",
            ),
            (
                "foobar,kind=tmpfs",
                "unrecognized volume kind: should be one of \"empty\", \"host\"",
            ),
            (
                "foobar",
                "unrecognized volume kind: should be one of \"empty\", \"host\"",
            ),
            (
                "foobar,kind=empty,uid=root",
                "invalid uid: \"root\" is not a number",
            ),
            (
                "foobar,kind=empty,readOnly=",
                "invalid readOnly: \"\" is not true or false",
            ),
            (
                "foobar,kind=empty,name=x",
                "label name with multiple values [\"foobar\" \"x\"]",
            ),
            ("", "ACName cannot be empty"),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<Volume>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }

    #[test]
    fn json_fills_in_what_an_empty_volume_has_by_default() {
        let volume: Volume = from_json(br#"{"name":"a","kind":"empty"}"#).unwrap();
        assert_eq!(
            Writer::text_of(&volume),
            r#"{"name":"a","kind":"empty","mode":"0755","uid":0,"gid":0}"#
        );
        let text = r#"{"name":"a","kind":"host","source":"/a","readOnly":false,"recursive":true}"#;
        let volume: Volume = from_json(text.as_bytes()).unwrap();
        assert_eq!(Writer::text_of(&volume), text);
        assert!(
            from_json::<Volume>(br#"{"name":"a","kind":"host","source":"/a","uid":0}"#).is_err()
        );
    }
}
