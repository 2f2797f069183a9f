//! Volumes mounted into apps.

use std::fmt;
use std::str::FromStr;

use crate::ac_name::{AcName, AcNameError};
use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::key_value::{self, KeyValueError};
use crate::volume::Volume;

/// A volume mounted into an app. As text: `volume=NAME,target=/PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mount {
    /// The name of the pod's volume.
    pub volume: AcName,
    /// Where it goes in the app's root. Decoding does not insist on one; the text form does.
    pub path: String,
    /// A volume of this app alone, in place of the pod's. Not part of the text form.
    pub app_volume: Option<Volume>,
}

/// A text is not a mount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// The text is not a list of `key=value`.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// The name of the volume is not one.
    #[error(transparent)]
    Name(#[from] AcNameError),
    /// A key is unknown.
    #[error("unknown mount parameter {0:?}")]
    Parameter(String),
    /// There is no volume.
    #[error("volume must be set")]
    NoVolume,
    /// There is no target.
    #[error("target must be set")]
    NoTarget,
    /// The target is relative.
    #[error("target must be an absolute path, not {0:?}")]
    RelativeTarget(String),
}
usage_errors!(MountError);

impl FromStr for Mount {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut volume, mut path) = (None, "");
        for (key, value) in key_value::parse(text)? {
            match key {
                "volume" => volume = Some(value.parse()?),
                "target" => path = value,
                other => return Err(MountError::Parameter(other.to_owned())),
            }
        }
        let volume = volume.ok_or(MountError::NoVolume)?;
        match path {
            "" => Err(MountError::NoTarget),
            path if !path.starts_with('/') => Err(MountError::RelativeTarget(path.to_owned())),
            path => Ok(Self {
                volume,
                path: path.to_owned(),
                app_volume: None,
            }),
        }
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "volume={},target={}", self.volume, self.path)
    }
}

impl Decode for Mount {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            volume: fields.required("volume"),
            path: fields.or_default("path"),
            app_volume: fields.optional("appVolume"),
        }))
    }
}

impl Encode for Mount {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("volume", &self.volume);
            out.member("path", &self.path);
            if let Some(volume) = &self.app_volume {
                out.member("appVolume", volume);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_a_volume_and_a_target() {
        // Source: rkt 1.30, Documentation/subcommands/run.md, `--mount`.
        for (text, printed) in [
            ("volume=data,target=/srv", "volume=data,target=/srv"),
            ("target=/,volume=a", "volume=a,target=/"),
        ] {
            assert_eq!(text.parse::<Mount>().unwrap().to_string(), printed);
        }
        let table = [
            ("", "malformed string \"\" - has a label without a value: "),
            ("volume=a", "target must be set"),
            ("target=/a", "volume must be set"),
            ("volume=a,target=", "target must be set"),
            (
                "volume=a,target=b",
                "target must be an absolute path, not \"b\"",
            ),
            ("volume=,target=/b", "ACName cannot be empty"),
            (
                "volume=a,target=/b,readOnly=true",
                "unknown mount parameter \"readOnly\"",
            ),
            (
                "volume=a,volume=b,target=/",
                "label volume with multiple values [\"a\" \"b\"]",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<Mount>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
