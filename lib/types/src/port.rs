//! Ports of an app.

use std::fmt;
use std::str::FromStr;

use crate::ac_name::{AcName, AcNameError};
use crate::diagnostic::usage_errors;
use crate::go_bool::{self, BoolError};
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::key_value::{self, KeyValueError};

/// A port, or a range of them, of an app.
///
/// As text: `NAME,protocol=tcp,port=8080[,count=N][,socketActivated=true]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The name that the pod forwards by.
    pub name: AcName,
    /// Usually `tcp` or `udp`; any text.
    pub protocol: String,
    /// The first port, 1 to 65535.
    pub port: u16,
    /// The number of ports. 1 where JSON says nothing or 0, 0 where the text form says nothing; both mean
    /// one.
    pub count: u16,
    /// Whether the app wants the listening socket passed in.
    pub socket_activated: bool,
}

/// A port breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// What follows the name is not a list of `key=value`.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] AcNameError),
    /// The port is 0 or too large.
    #[error("port must be in 1-65535 range")]
    Range,
    /// The last port of the range is too large.
    #[error("end of port range must be in 1-65535 range")]
    EndOfRange,
    /// `port` or `count` is not a number below 65536.
    #[error("invalid {key}: {value:?} is not a number from 0 to 65535")]
    Number {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// `socketActivated` is neither true nor false.
    #[error("invalid socketActivated: {0}")]
    SocketActivated(BoolError),
    /// A key is unknown.
    #[error("unknown port parameter {0:?}")]
    Parameter(String),
}
usage_errors!(PortError);

impl Port {
    /// Checks the range and makes a port.
    fn checked(
        name: AcName,
        protocol: String,
        (port, count): (u64, u64),
        socket_activated: bool,
    ) -> Result<Self, PortError> {
        let first = u16::try_from(port)
            .ok()
            .filter(|first| *first > 0)
            .ok_or(PortError::Range)?;
        let number = u16::try_from(count).map_err(|_| PortError::EndOfRange)?;
        if port + count > 65536 {
            return Err(PortError::EndOfRange);
        }
        Ok(Self {
            name,
            protocol,
            port: first,
            count: number,
            socket_activated,
        })
    }
}

impl FromStr for Port {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, pairs) = key_value::parse_named(text)?;
        let name = name.parse()?;
        let (mut protocol, mut port, mut count, mut socket_activated) =
            (String::new(), 0, 0, false);
        let number = |key, value: &str| {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit()); // no sign, as Go has it
            let number = value.parse::<u16>().ok().filter(|_| digits);
            number.ok_or_else(|| PortError::Number {
                key,
                value: value.to_owned(),
            })
        };
        for (key, value) in pairs {
            match key {
                "protocol" => value.clone_into(&mut protocol),
                "port" => port = number("port", value)?,
                "count" => count = number("count", value)?,
                "socketActivated" => {
                    socket_activated = go_bool::parse(value).map_err(PortError::SocketActivated)?;
                }
                other => return Err(PortError::Parameter(other.to_owned())),
            }
        }
        Self::checked(
            name,
            protocol,
            (port.into(), count.into()),
            socket_activated,
        )
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},protocol={},port={}",
            self.name, self.protocol, self.port
        )?;
        if self.count != 0 {
            write!(f, ",count={}", self.count)?;
        }
        if self.socket_activated {
            f.write_str(",socketActivated=true")
        } else {
            Ok(())
        }
    }
}

/// The members before their meaning together is checked.
struct Raw {
    name: AcName,
    protocol: String,
    port: u64,
    count: u64,
    socket_activated: bool,
}

impl Decode for Port {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let raw = read_all!(Raw {
            name: fields.required("name"),
            protocol: fields.or_default("protocol"),
            port: fields.or_default("port"),
            count: fields.or_default("count"),
            socket_activated: fields.or_default("socketActivated"),
        });
        // A count of 0 is read as 1, which is what it means.
        let range = (raw.port, raw.count.max(1));
        Self::checked(raw.name, raw.protocol, range, raw.socket_activated)
            .map_err(|error| fields.invalid_at("port", error))
    }
}

impl Encode for Port {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("protocol", &self.protocol);
            out.member("port", &self.port);
            out.member("count", &self.count);
            out.member("socketActivated", &self.socket_activated);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn texts_are_read_as_the_original_does() {
        // Source: appc spec, schema/types/port.go.
        for text in [
            "foobar,protocol=tcp,port=80",
            "foobar,protocol=tcp,port=65535,count=1",
            "foobar,protocol=tcp,port=8080,count=10,socketActivated=true",
            "foobar,protocol=,port=1",
        ] {
            assert_eq!(text.parse::<Port>().unwrap().to_string(), text);
        }
        let table = [
            ("foobar,protocol=tcp", "port must be in 1-65535 range"),
            (
                "foobar,protocol=tcp,port=0",
                "port must be in 1-65535 range",
            ),
            (
                "foobar,protocol=tcp,port=65536",
                "invalid port: \"65536\" is not a number from 0 to 65535",
            ),
            (
                "foobar,protocol=tcp,port=-1",
                "invalid port: \"-1\" is not a number from 0 to 65535",
            ),
            (
                "foobar,protocol=tcp,port=80,count=65500",
                "end of port range must be in 1-65535 range",
            ),
            (
                "foobar,protocol=tcp,port=80,socketActivated=yes",
                "invalid socketActivated: \"yes\" is not true or false",
            ),
            (
                "foobar,protocol=tcp,port=80,asdf=asdf",
                "unknown port parameter \"asdf\"",
            ),
            (
                "#foobar,protocol=tcp,port=80",
                "ACName must contain only lower case alphanumeric characters plus \"-\"",
            ),
            ("", "ACName cannot be empty"),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<Port>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }

    #[test]
    fn json_counts_one_port_where_it_says_nothing() {
        for text in [
            r#"{"name":"a","protocol":"tcp","port":80}"#,
            r#"{"name":"a","protocol":"tcp","port":80,"count":0}"#,
            r#"{"name":"a","protocol":"tcp","port":80,"count":null,"socketActivated":null}"#,
        ] {
            let port: Port = from_json(text.as_bytes()).unwrap();
            assert_eq!(
                Writer::text_of(&port),
                r#"{"name":"a","protocol":"tcp","port":80,"count":1,"socketActivated":false}"#
            );
        }
        let table = [
            ("0", "1", "port must be in 1-65535 range"),
            ("65536", "1", "port must be in 1-65535 range"),
            ("65535", "2", "end of port range must be in 1-65535 range"),
            (
                "1",
                "18446744073709551615",
                "end of port range must be in 1-65535 range",
            ),
            (
                "-1",
                "1",
                "json: cannot unmarshal number -1 into field port of type uint",
            ),
            (
                "1.0",
                "1",
                "json: cannot unmarshal number 1.0 into field port of type uint",
            ),
            (
                "\"80\"",
                "1",
                "json: cannot unmarshal string into field port of type uint",
            ),
        ];
        for (port, count, message) in table {
            let text = format!(r#"{{"name":"a","protocol":"tcp","port":{port},"count":{count}}}"#);
            assert_eq!(
                from_json::<Port>(text.as_bytes()).unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
