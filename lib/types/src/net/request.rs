//! The networks that a pod is to join: the value of `--net`.

use std::fmt;
use std::str::FromStr;

use super::definition::is_name;
use crate::diagnostic::usage_errors;

/// Which networks a pod joins.
///
/// As text: `host`, `none`, `all`, or a list `NAME[:KEY=VALUE[;KEY=VALUE…]]` separated by commas; the
/// empty text is `default`. Source: rkt 1.30, Documentation/networking/overview.md.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NetList {
    /// The caller's network.
    Host,
    /// A network of the pod's own with loopback only.
    None,
    /// Every network that is defined.
    All,
    /// These, at least one, none twice.
    Named(Vec<NetRequest>),
}

/// One network that is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetRequest {
    /// The name.
    pub name: String,
    /// Keys and values for the network's plugins, in the order given.
    pub args: Vec<(String, String)>,
}

/// The value of `--net` says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetListError {
    /// A name is missing between commas.
    #[error("a network has an empty name")]
    EmptyName,
    /// Characters that no network's name has.
    #[error(
        "{0:?} is no name of a network: letters, digits, and \"_\", \".\", \"-\" after the first"
    )]
    Name(String),
    /// More than one colon.
    #[error("network {0:?} has more than one \":\": its form is NAME:KEY=VALUE;KEY=VALUE")]
    Colons(String),
    /// Arguments are not of the form.
    #[error("argument {argument:?} of network {network:?} is not of the form KEY=VALUE")]
    Argument {
        /// The network.
        network: String,
        /// What was given.
        argument: String,
    },
    /// The same key or name twice.
    #[error("network {0:?} is given more than once")]
    Twice(String),
    /// An argument is given twice.
    #[error("argument {key:?} of network {network:?} is given more than once")]
    ArgumentTwice {
        /// The network.
        network: String,
        /// The key.
        key: String,
    },
    /// Arguments where none mean anything.
    #[error("{0:?} takes no arguments")]
    NoArguments(String),
    /// A word that stands alone is one of several.
    #[error("{0:?} cannot be combined with other networks")]
    Alone(String),
}
usage_errors!(NetListError);

/// The words that are no names of networks.
pub(crate) const RESERVED: [&str; 3] = ["host", "none", "all"];

/// The network that pods join unless told otherwise.
const DEFAULT: &str = "default";

impl NetList {
    /// What is meant when nothing is said.
    pub fn default_network() -> Self {
        let name = DEFAULT.to_owned();
        Self::Named(vec![NetRequest {
            name,
            args: Vec::new(),
        }])
    }

    /// Reads the values of an option that was given several times; their lists are joined.
    ///
    /// # Errors
    ///
    /// [`NetListError`]
    pub fn from_values<'a>(
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NetListError> {
        let mut requests: Vec<NetRequest> = Vec::new();
        for value in values {
            let value = if value.is_empty() { DEFAULT } else { value };
            for part in value.split(',') {
                let request: NetRequest = part.parse()?;
                if requests.iter().any(|other| other.name == request.name) {
                    return Err(NetListError::Twice(request.name));
                }
                requests.push(request);
            }
        }
        let reserved = requests
            .iter()
            .find(|request| RESERVED.contains(&request.name.as_str()));
        let Some(reserved) = reserved else {
            return Ok(match requests.is_empty() {
                true => Self::default_network(),
                false => Self::Named(requests),
            });
        };
        let name = reserved.name.clone();
        if !reserved.args.is_empty() {
            return Err(NetListError::NoArguments(name));
        }
        match name.as_str() {
            _ if requests.len() > 1 => Err(NetListError::Alone(name)),
            "host" => Ok(Self::Host),
            "none" => Ok(Self::None),
            _ => Ok(Self::All),
        }
    }

    /// Whether plugins are called for it.
    pub fn has_networks(&self) -> bool {
        matches!(self, Self::All | Self::Named(_))
    }
}

impl FromStr for NetList {
    type Err = NetListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_values([text])
    }
}

impl FromStr for NetRequest {
    type Err = NetListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(NetListError::EmptyName);
        }
        if !is_name(name) {
            return Err(NetListError::Name(name.to_owned()));
        }
        if rest.is_some_and(|rest| rest.contains(':')) && !rest.is_some_and(|r| r.contains('=')) {
            return Err(NetListError::Colons(text.to_owned()));
        }
        let mut args: Vec<(String, String)> = Vec::new();
        for argument in rest.into_iter().flat_map(|rest| rest.split(';')) {
            let bad = || NetListError::Argument {
                network: name.to_owned(),
                argument: argument.to_owned(),
            };
            let (key, value) = argument.split_once('=').ok_or_else(bad)?;
            let word = |text: &str| !text.is_empty() && !text.contains(char::is_control);
            if !word(key) || !word(value) || value.contains('=') {
                return Err(bad());
            }
            if args.iter().any(|(other, _)| other == key) {
                return Err(NetListError::ArgumentTwice {
                    network: name.to_owned(),
                    key: key.to_owned(),
                });
            }
            args.push((key.to_owned(), value.to_owned()));
        }
        let name = name.to_owned();
        Ok(Self { name, args })
    }
}

impl NetRequest {
    /// The arguments as plugins get them: `KEY=VALUE;KEY=VALUE`.
    pub fn args_text(&self) -> String {
        let pairs: Vec<String> = self.args.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join(";")
    }

    /// The value of an argument.
    pub fn arg(&self, key: &str) -> Option<&str> {
        let found = self.args.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for NetRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.args.is_empty() {
            true => Ok(()),
            false => write!(f, ":{}", self.args_text()),
        }
    }
}

impl fmt::Display for NetList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::None => f.write_str("none"),
            Self::All => f.write_str("all"),
            Self::Named(requests) => {
                let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(values: &[&str]) -> Result<String, String> {
        NetList::from_values(values.iter().copied())
            .map(|list| list.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_read_and_written() {
        for (values, text) in [
            (&[][..], "default"),
            (&[""], "default"),
            (&["default"], "default"),
            (&["host"], "host"),
            (&["none"], "none"),
            (&["all"], "all"),
            (&["net1"], "net1"),
            (&["net1,net2"], "net1,net2"),
            (&["net1", "net2,net3"], "net1,net2,net3"),
            (&["default:IP=172.16.28.5"], "default:IP=172.16.28.5"),
            (
                &["a:IP=1.2.3.4;MAC=02:00:00:00:00:01,b"],
                "a:IP=1.2.3.4;MAC=02:00:00:00:00:01,b",
            ),
        ] {
            assert_eq!(read(values).as_deref(), Ok(text), "{values:?}");
            assert_eq!(read(&[text]).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (values, message) in [
            (&["a,,b"][..], "a network has an empty name"),
            (&["a,"], "a network has an empty name"),
            (&[":IP=1.2.3.4"], "a network has an empty name"),
            (
                &["a b"],
                "\"a b\" is no name of a network: letters, digits, and \"_\", \".\", \"-\" after the first",
            ),
            (&["a,a"], "network \"a\" is given more than once"),
            (&["a", "b,a"], "network \"a\" is given more than once"),
            (
                &["a:b:c"],
                "network \"a:b:c\" has more than one \":\": its form is NAME:KEY=VALUE;KEY=VALUE",
            ),
            (
                &["a:IP"],
                "argument \"IP\" of network \"a\" is not of the form KEY=VALUE",
            ),
            (
                &["a:"],
                "argument \"\" of network \"a\" is not of the form KEY=VALUE",
            ),
            (
                &["a:IP="],
                "argument \"IP=\" of network \"a\" is not of the form KEY=VALUE",
            ),
            (
                &["a:=1"],
                "argument \"=1\" of network \"a\" is not of the form KEY=VALUE",
            ),
            (
                &["a:X=1=2"],
                "argument \"X=1=2\" of network \"a\" is not of the form KEY=VALUE",
            ),
            (
                &["a:IP=1;IP=2"],
                "argument \"IP\" of network \"a\" is given more than once",
            ),
            (&["host:IP=1"], "\"host\" takes no arguments"),
            (&["none:IP=1"], "\"none\" takes no arguments"),
            (&["all:IP=1"], "\"all\" takes no arguments"),
            (
                &["host,a"],
                "\"host\" cannot be combined with other networks",
            ),
            (
                &["a", "none"],
                "\"none\" cannot be combined with other networks",
            ),
            (&["all,a"], "\"all\" cannot be combined with other networks"),
        ] {
            assert_eq!(
                read(values).as_ref().map_err(String::as_str),
                Err(message),
                "{values:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_read_reads_back(text in "[a-c:;=,. ]{0,24}") {
            if let Ok(list) = text.parse::<NetList>() {
                prop_assert_eq!(list.to_string().parse::<NetList>(), Ok(list));
            }
        }
    }
}
