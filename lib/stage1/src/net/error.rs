//! Why a pod has no network.

use std::fmt;
use std::path::PathBuf;

use gantry_types::ManifestError;
use gantry_types::net::{AnswerError, PluginError, SelectError};

use crate::failed::Failed;

/// A pod's networks could not be set up or taken down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    /// They are not defined, or wrongly.
    #[error(transparent)]
    Select(Box<SelectError>),
    /// The pod's manifest, which names the ports, is not one.
    #[error("bad manifest of the pod")]
    Manifest { source: ManifestError },
    /// A forwarded port cannot be one.
    #[error("port {name} cannot be forwarded: {why}")]
    Port { name: String, why: &'static str },
    /// A plugin's program is nowhere.
    #[error(
        "network {network} ({}): plugin \"{plugin}\" is in none of {}; Debian's package \
         containernetworking-plugins has the usual ones",
        file.display(), List(directories)
    )]
    NoPlugin {
        network: String,
        file: PathBuf,
        plugin: String,
        directories: Vec<PathBuf>,
    },
    /// A plugin failed.
    #[error("network {network} ({}): plugin \"{plugin}\" {failure}{}", file.display(), remedy(failure))]
    Plugin {
        network: String,
        file: PathBuf,
        plugin: String,
        failure: Box<CallError>,
    },
    /// The apps are to reach a service of the host, and cannot.
    #[error(
        "--mds-register: none of the pod's networks has a gateway, by which apps would reach the metadata \
         service on this host"
    )]
    NoHost,
    /// Something of a network is left on the host.
    #[error("cannot remove all that network {network} left on this host: {why}")]
    Left { network: String, why: String },
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

impl NetError {
    /// Whether a plugin said so, which it may not say a moment later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Plugin { failure, .. } if matches!(**failure, CallError::Said(_)))
    }
}

impl From<SelectError> for NetError {
    fn from(error: SelectError) -> Self {
        Self::Select(Box::new(error))
    }
}

/// A plugin did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// It could not be started.
    #[error("cannot be started: {0}")]
    Start(std::io::Error),
    /// It failed, in its own words.
    #[error("says: {0}")]
    Said(PluginError),
    /// It was ended because somebody asked the pod to stop.
    #[error("was interrupted")]
    Interrupted,
    /// It took too long.
    #[error("did not end within {0} seconds")]
    TimedOut(u64),
    /// Its answer is none.
    #[error("gave an answer that {0}")]
    Answer(#[from] AnswerError),
}

/// What to do about it, where plugins of the common set do not say so themselves.
fn remedy(failure: &CallError) -> &'static str {
    let CallError::Said(said) = failure else {
        return "";
    };
    let has = |word: &str| said.message.contains(word) || said.details.contains(word);
    if has("failed to locate iptables") || (has("tables\"") && has("executable file not found")) {
        "; install Debian's package iptables, which serves hosts with nftables as well, or CNI plugins from \
         version 1.6 on, which need only nft"
    } else if has("error dialing DHCP daemon") {
        "; start its daemon first: \"/usr/lib/cni/dhcp daemon\", or where the plugin lies"
    } else {
        ""
    }
}

/// Directories, one after the other.
struct List<'a>(&'a [PathBuf]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, directory) in self.0.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{}", directory.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plugins_lack_is_said() {
        for (message, remedy) in [
            (
                "failed to locate iptables: exec: \"iptables\": executable file not found in $PATH",
                "install Debian's package iptables",
            ),
            (
                "could not initialize iptables protocol 1: exec: \"ip6tables\": executable file not found in $PATH",
                "install Debian's package iptables",
            ),
            (
                "error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: connect: no such file or directory",
                "start its daemon first",
            ),
            ("no IP addresses available", ""),
        ] {
            let failure = CallError::Said(PluginError {
                code: 100,
                message: message.to_owned(),
                details: String::new(),
            });
            let error = NetError::Plugin {
                network: "n".to_owned(),
                file: "/n/n.conf".into(),
                plugin: "p".to_owned(),
                failure: Box::new(failure),
            };
            let text = error.to_string();
            assert!(
                text.starts_with("network n (/n/n.conf): plugin \"p\" says: "),
                "{text}"
            );
            assert!(
                text.contains(remedy) && text.contains(';') != remedy.is_empty(),
                "{text}"
            );
        }
    }
}
