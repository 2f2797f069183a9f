//! Ports of the host that are forwarded to apps.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::ac_name::{AcName, AcNameError};
use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::port::Port;

/// A port of the host that is forwarded to an app's port. As text: `NAME:[HOSTIP:]PORT`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExposedPort {
    /// The name of the app's port.
    pub name: AcName,
    /// The host's port. Not checked by the format: 0 and more than 65535 occur.
    pub host_port: u64,
    /// The host's address; all addresses if unset. What is read is never the IPv6 form of an IPv4 address.
    pub host_ip: Option<IpAddr>,
    /// The port in the pod, if it is not one that an image declares.
    pub pod_port: Option<Port>,
}

/// A forwarded port breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExposedPortError {
    /// There is no port after the name.
    #[error("{0:?} is not of the form NAME:[HOSTIP:]PORT")]
    Form(String),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] AcNameError),
    /// The address is not one.
    #[error("invalid IP address: {0}")]
    Address(String),
    /// The port of the text form is no number, 0 or too large.
    #[error("host port {0:?} is not a number from 1 to 65535")]
    Port(String),
}
usage_errors!(ExposedPortError);

impl FromStr for ExposedPort {
    type Err = ExposedPortError;

    /// Reads `NAME:PORT` or `NAME:HOSTIP:PORT`; brackets around an IPv6 address are optional.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text
            .split_once(':')
            .ok_or_else(|| ExposedPortError::Form(text.to_owned()))?;
        let (ip, port) = match rest.rsplit_once(':') {
            Some((ip, port)) => (Some(ip), port),
            None => (None, rest),
        };
        let address = |ip: &str| {
            let bare = ip
                .strip_prefix('[')
                .and_then(|ip| ip.strip_suffix(']'))
                .unwrap_or(ip);
            bare.parse()
                .map(canonical)
                .map_err(|_| ExposedPortError::Address(ip.to_owned()))
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let number = port
            .parse::<u16>()
            .ok()
            .filter(|number| digits && *number > 0);
        Ok(Self {
            name: name.parse()?,
            host_ip: ip.map(address).transpose()?,
            host_port: number
                .ok_or_else(|| ExposedPortError::Port(port.to_owned()))?
                .into(),
            pod_port: None,
        })
    }
}

/// Go knows no difference between an IPv4 address and the IPv6 one that maps it, and writes the former.
fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

impl fmt::Display for ExposedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host_ip {
            None => write!(f, "{}:{}", self.name, self.host_port),
            Some(IpAddr::V4(ip)) => write!(f, "{}:{ip}:{}", self.name, self.host_port),
            Some(IpAddr::V6(ip)) => write!(f, "{}:[{ip}]:{}", self.name, self.host_port),
        }
    }
}

impl Decode for ExposedPort {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let address = |text: String| match &*text {
            "" => Ok(None),
            text => text.parse().map(canonical).map(Some).map_err(|_| {
                fields.invalid_at("hostIP", ExposedPortError::Address(text.to_owned()))
            }),
        };
        Ok(read_all!(Self {
            name: fields.required("name"),
            host_port: fields.or_default("hostPort"),
            host_ip: fields.or_default("hostIP").and_then(address),
            pod_port: fields.optional("podPort"),
        }))
    }
}

impl Encode for ExposedPort {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("hostPort", &self.host_port);
            if let Some(ip) = &self.host_ip {
                out.member("hostIP", &*ip.to_string());
            }
            if let Some(port) = &self.pod_port {
                out.member("podPort", port);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_reads_back_as_the_one_it_maps() {
        let pod = |address: &str| {
            let json = format!(
                r#"{{"acKind":"PodManifest","acVersion":"0.8.11","ports":[{{"name":"p","hostPort":80,"hostIP":"{address}"}}]}}"#
            );
            crate::PodManifest::from_json(json.as_bytes()).unwrap()
        };
        assert_eq!(pod("::ffff:1.2.3.4"), pod("1.2.3.4"));
    }

    #[test]
    fn texts_name_a_port_and_where_it_goes() {
        // Source: rkt 1.30, Documentation/subcommands/run.md, `--port`.
        for (text, printed) in [
            ("http:80", "http:80"),
            ("http:127.0.0.1:8080", "http:127.0.0.1:8080"),
            ("http:::1:80", "http:[::1]:80"),
            ("http:[2001:db8::1]:65535", "http:[2001:db8::1]:65535"),
            ("http:::ffff:1.2.3.4:80", "http:1.2.3.4:80"),
        ] {
            assert_eq!(text.parse::<ExposedPort>().unwrap().to_string(), printed);
        }
        let table = [
            ("", "\"\" is not of the form NAME:[HOSTIP:]PORT"),
            ("http", "\"http\" is not of the form NAME:[HOSTIP:]PORT"),
            (":80", "ACName cannot be empty"),
            (
                "HTTP:80",
                "ACName must contain only lower case alphanumeric characters plus \"-\"",
            ),
            ("http:", "host port \"\" is not a number from 1 to 65535"),
            ("http:0", "host port \"0\" is not a number from 1 to 65535"),
            (
                "http:+80",
                "host port \"+80\" is not a number from 1 to 65535",
            ),
            (
                "http:65536",
                "host port \"65536\" is not a number from 1 to 65535",
            ),
            ("http:localhost:80", "invalid IP address: localhost"),
            ("http::80", "invalid IP address: "),
        ];
        for (text, message) in table {
            assert_eq!(
                text.parse::<ExposedPort>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
