//! The arguments of the `run` entrypoint, interface version 6.
//!
//! Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md.

mod others;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use gantry_types::UserRange;
use gantry_types::metadata::MetadataToken;
use gantry_types::net::NetList;

pub(crate) use others::{EnterArguments, GcArguments, force_and_uuid, local_config};

/// How long apps may take to end when asked, before they are killed.
///
/// That of the service manager in rkt's pods. Source: systemd-system.conf(5), `DefaultTimeoutStopSec`.
const STOP_TIMEOUT: Duration = Duration::from_secs(90);

/// Where the local configuration is if nobody says.
const LOCAL_CONFIG: &str = "/etc/rkt";

/// Whose network the pod has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// The caller's.
    Host,
    /// Its own, with these networks besides loopback.
    Own(NetList),
}

/// Where a file of the network identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum ConfSource {
    /// The host's file.
    Host,
    /// The file that stage0 left in the stage1 tree.
    Stage0,
    /// Nothing, whatever a network says.
    None,
    /// What a network says, else the image's own.
    #[default]
    Default,
}

/// Everything that `run` was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunArguments {
    pub(crate) uuid: String,
    pub(crate) network: Network,
    /// Directory with the local configuration.
    pub(crate) local_config: PathBuf,
    pub(crate) interactive: bool,
    /// Kind of the terminal, for apps that have one.
    pub(crate) terminal: Option<String>,
    /// Host name of the pod.
    pub(crate) hostname: String,
    /// Apps keep every capability.
    pub(crate) all_capabilities: bool,
    /// Nothing of /proc and /sys is hidden or protected.
    pub(crate) all_paths: bool,
    /// Apps may make every system call.
    pub(crate) all_calls: bool,
    pub(crate) resolv_conf: ConfSource,
    pub(crate) hosts: ConfSource,
    /// The pod shares the caller's IPC namespace.
    pub(crate) parent_ipc: bool,
    /// The IDs of the host that are the pod's, in a user namespace of its own.
    pub(crate) private_users: Option<UserRange>,
    /// The pod's token at the metadata service, from a stage0 that is not ours.
    pub(crate) mds_token: Option<MetadataToken>,
    /// The port of the metadata service, where the pod's directory has the token.
    pub(crate) mds_port: Option<u16>,
    /// Within which time the service manager wants a sign of life.
    pub(crate) watchdog: Option<Duration>,
    /// How long apps may take to end when asked.
    pub(crate) stop_timeout: Duration,
}

/// The arguments of an entrypoint are not those of the interface.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ArgumentError {
    /// An option that no version up to 6 has.
    #[error("unknown option {0:?}")]
    Unknown(String),
    /// An option whose value means nothing.
    #[error("bad value {value:?} for option {option}")]
    Value { option: String, value: String },
    /// No UUID, more than one, or something else.
    #[error("the last argument must be the UUID of the pod, and the only one")]
    Uuid,
    /// Something is missing.
    #[error("enter takes --pid=N --appname=APP -- COMMAND")]
    Enter,
    /// Something is missing.
    #[error("attach takes --action=list|auto-attach|custom-attach --app=APP")]
    Attach,
}

/// Splits `--name=value` arguments from the others.
///
/// A `--` ends the options; `--name` alone has no value.
pub(crate) fn split(
    arguments: impl Iterator<Item = OsString>,
) -> (Vec<(String, Option<String>)>, Vec<String>) {
    let mut options = Vec::new();
    let mut others = Vec::new();
    let mut only_others = false;
    for argument in arguments {
        // No option and no UUID has bytes that are not UTF-8; the replacement makes them unknown.
        let argument = argument.to_string_lossy().into_owned();
        match argument.strip_prefix("--").filter(|_| !only_others) {
            Some("") => only_others = true,
            Some(option) => options.push(match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            }),
            None => others.push(argument),
        }
    }
    (options, others)
}

impl RunArguments {
    /// Parses what follows the word `run`.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let (options, others) = split(arguments);
        let uuid = one_uuid(others)?;
        let mut parsed = Self {
            network: Network::Own(NetList::None),
            local_config: LOCAL_CONFIG.into(),
            interactive: false,
            terminal: None,
            hostname: format!("rkt-{uuid}"),
            all_capabilities: false,
            all_paths: false,
            all_calls: false,
            resolv_conf: ConfSource::default(),
            hosts: ConfSource::default(),
            parent_ipc: false,
            private_users: None,
            mds_token: None,
            mds_port: None,
            watchdog: None,
            stop_timeout: STOP_TIMEOUT,
            uuid,
        };
        for (option, value) in options {
            parsed.take(&option, value.as_deref())?;
        }
        Ok(parsed)
    }

    /// What `enter` needs to know of a pod that it did not start.
    pub(crate) fn of_running(uuid: String, terminal: String) -> Self {
        Self {
            network: Network::Own(NetList::None),
            local_config: LOCAL_CONFIG.into(),
            interactive: true,
            terminal: Some(terminal),
            hostname: String::new(),
            all_capabilities: false,
            all_paths: false,
            all_calls: false,
            resolv_conf: ConfSource::default(),
            hosts: ConfSource::default(),
            parent_ipc: false,
            private_users: None,
            mds_token: None,
            mds_port: None,
            watchdog: None,
            stop_timeout: STOP_TIMEOUT,
            uuid,
        }
    }

    fn take(&mut self, option: &str, value: Option<&str>) -> Result<(), ArgumentError> {
        let bad = || ArgumentError::Value {
            option: format!("--{option}"),
            value: value.unwrap_or_default().to_owned(),
        };
        match option {
            "debug" | "mutable" => flag(value).ok_or_else(bad).map(drop)?,
            "mds-token" => {
                let token = value.filter(|token| !token.is_empty());
                self.mds_token = token.map(str::parse).transpose().map_err(|_| bad())?;
            }
            // An extension of ours: the token itself is in the pod's directory.
            "mds-port" => {
                self.mds_port = Some(value.and_then(|port| port.parse().ok()).ok_or_else(bad)?);
            }
            "local-config" => self.local_config = value.unwrap_or(LOCAL_CONFIG).into(),
            "private-users" => {
                self.private_users = Some(range(value.unwrap_or_default()).ok_or_else(bad)?);
            }
            "net" => self.network = network(value.unwrap_or_default()).ok_or_else(bad)?,
            "interactive" => self.interactive = flag(value).ok_or_else(bad)?,
            "hostname" => {
                if let Some(name) = value.filter(|name| !name.is_empty()) {
                    name.clone_into(&mut self.hostname);
                }
            }
            "disable-capabilities-restriction" => {
                self.all_capabilities = flag(value).ok_or_else(bad)?;
            }
            "disable-paths" => self.all_paths = flag(value).ok_or_else(bad)?,
            "disable-seccomp" => self.all_calls = flag(value).ok_or_else(bad)?,
            "dns-conf-mode" => {
                for pair in value
                    .unwrap_or_default()
                    .split(',')
                    .filter(|pair| !pair.is_empty())
                {
                    self.take_conf_source(pair).ok_or_else(bad)?;
                }
            }
            // An extension of ours, which stage0 passes on only when asked.
            "stop-timeout" => {
                let seconds = value
                    .and_then(|seconds| seconds.parse().ok())
                    .ok_or_else(bad)?;
                self.stop_timeout = Duration::from_secs(seconds);
            }
            "ipc" => {
                self.parent_ipc = match value {
                    None | Some("" | "auto" | "private") => false,
                    Some("parent") => true,
                    Some(_) => return Err(bad()),
                }
            }
            _ => return Err(ArgumentError::Unknown(format!("--{option}"))),
        }
        Ok(())
    }

    fn take_conf_source(&mut self, pair: &str) -> Option<()> {
        let (file, source) = pair.split_once('=')?;
        let source = match source {
            "host" => ConfSource::Host,
            "stage0" => ConfSource::Stage0,
            "none" if file == "resolv" => ConfSource::None,
            "default" => ConfSource::Default,
            _ => return None,
        };
        match file {
            "resolv" => self.resolv_conf = source,
            "hosts" => self.hosts = source,
            _ => return None,
        }
        Some(())
    }
}

fn one_uuid(mut others: Vec<String>) -> Result<String, ArgumentError> {
    let uuid = others
        .pop()
        .filter(|_| others.is_empty())
        .ok_or(ArgumentError::Uuid)?;
    // The UUID becomes part of a host name; stage0 checked that it is one.
    let fits = uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if fits {
        Ok(uuid)
    } else {
        Err(ArgumentError::Uuid)
    }
}

/// A boolean as Go's flag package writes it; none at all means true.
pub(crate) fn flag(value: Option<&str>) -> Option<bool> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
        Some(_) => None,
    }
}

/// A range of IDs; root of the host is in none.
fn range(text: &str) -> Option<UserRange> {
    text.parse()
        .ok()
        .filter(|range: &UserRange| range.first() != 0)
}

fn network(list: &str) -> Option<Network> {
    Some(match list.parse().ok()? {
        NetList::Host => Network::Host,
        list => Network::Own(list),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";

    fn parse(arguments: &[&str]) -> Result<RunArguments, ArgumentError> {
        RunArguments::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn every_argument_of_version_six_is_understood() {
        let parsed = parse(&[
            "--debug",
            "--net=host",
            "--interactive",
            "--mds-token=abc",
            "--mds-port=81",
            "--local-config=/etc/rkt",
            "--hostname=box",
            "--disable-capabilities-restriction",
            "--disable-paths",
            "--disable-seccomp",
            "--dns-conf-mode=resolv=host,hosts=stage0",
            "--mutable=false",
            "--ipc=parent",
            "--private-users=65536:65536",
            "--stop-timeout=5",
            UUID,
        ]);
        let expected = RunArguments {
            uuid: UUID.to_owned(),
            network: Network::Host,
            local_config: "/etc/rkt".into(),
            interactive: true,
            terminal: None,
            hostname: "box".to_owned(),
            all_capabilities: true,
            all_paths: true,
            all_calls: true,
            resolv_conf: ConfSource::Host,
            hosts: ConfSource::Stage0,
            parent_ipc: true,
            private_users: UserRange::new(65536, 65536).ok(),
            mds_token: "abc".parse().ok(),
            mds_port: Some(81),
            watchdog: None,
            stop_timeout: Duration::from_secs(5),
        };
        assert_eq!(parsed, Ok(expected));
    }

    #[test]
    fn a_pod_is_isolated_unless_told_otherwise() {
        let parsed = parse(&["--net=none", "--hostname=", "--interactive=false", UUID]).unwrap();
        assert_eq!(parsed.network, Network::Own(NetList::None));
        assert_eq!(parsed.hostname, format!("rkt-{UUID}"));
        assert!(!parsed.interactive && !parsed.all_capabilities && !parsed.parent_ipc);
    }

    #[test]
    fn what_the_interface_does_not_have_is_refused() {
        for bad in [
            &[][..],
            &["--net=host"],
            &["not-a-uuid"],
            &[UUID, UUID],
            &["--bogus", UUID],
            &["--net=a,a", UUID],
            &["--private-users", UUID],
            &["--private-users=0:65536", UUID],
            &["--private-users=65536", UUID],
            &["--mds-token=a/b", UUID],
            &["--mds-port", UUID],
            &["--mds-port=65536", UUID],
            &["--interactive=maybe", UUID],
            &["--ipc=shared", UUID],
            &["--dns-conf-mode=resolv=never", UUID],
            &["--dns-conf-mode=hosts=none", UUID],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
