//! Networks of the host, as our stage1 knows them: plugins, what bears a pod's UUID, CHECK and GC.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, Kind, Uuid};
use serde::{Deserialize, Serialize};

use crate::entrypoint::{self, EntrypointError};
use crate::pod::Pod;

/// How our stage1 is asked about the host's networks.
#[derive(Debug, Clone, Copy)]
pub struct NetHost<'a> {
    /// Our stage1 program.
    pub stage1: &'a Path,
    /// The directory with the local configuration.
    pub local_config: &'a Path,
}

/// What a trace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceKind {
    /// A pinned network namespace.
    Namespace,
    /// A leased address.
    Lease,
    /// A rule of the packet filter.
    Rule,
}

impl TraceKind {
    /// The word for it, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Lease => "lease",
            Self::Rule => "rule",
        }
    }
}

/// Something on the host that bears the ID of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// What it is.
    pub kind: TraceKind,
    /// The ID.
    pub container: String,
    /// The network; a namespace may be in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Where it is, or how it reads.
    pub what: String,
    /// Whether a process is in the namespace.
    #[serde(default, skip_serializing)]
    pub in_use: bool,
    /// The host's ends of the namespace's interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
}

/// What the plugins of a network say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetCheck {
    /// The network.
    pub network: String,
    /// The pod's interface in it, if this is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The outcome.
    pub outcome: NetOutcome,
    /// The plugin's words, or why it was not asked; empty if all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What came of asking a network's plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetOutcome {
    /// All is well.
    Ok,
    /// A plugin complains.
    Failed,
    /// They were not asked.
    Skipped,
}

impl NetOutcome {
    /// The word for it, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// An attachment that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidAttachment {
    /// The pod.
    #[serde(rename = "containerID")]
    pub container: String,
    /// Its interface.
    #[serde(rename = "ifname")]
    pub interface: String,
}

/// The host's networks cannot be asked about.
#[derive(Debug, thiserror::Error)]
pub enum NetHostError {
    /// stage1 failed.
    #[error("cannot look at the networks of this host")]
    Entrypoint(#[from] EntrypointError),
    /// It gave no answer of the expected form.
    #[error("stage1 gave an answer about networks that cannot be understood")]
    Answer(#[source] serde_json::Error),
}

impl Diagnostic for NetHostError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Entrypoint(_) => None,
            Self::Answer(_) => {
                Some("install rkt with the stage1 that was built with it".to_owned())
            }
        }
    }
}

impl NetHost<'_> {
    /// The plugins that definitions name, with their programs where they are installed.
    ///
    /// # Errors
    ///
    /// [`NetHostError`]
    pub fn plugins(&self) -> Result<BTreeMap<String, Option<PathBuf>>, NetHostError> {
        #[derive(Deserialize)]
        struct Answer {
            plugins: BTreeMap<String, Option<PathBuf>>,
        }
        let Answer { plugins } = self.ask(None, "net-plugins", None, b"")?;
        Ok(plugins)
    }

    /// Everything on the host that bears the ID of a container, whatever made it. Needs root.
    ///
    /// # Errors
    ///
    /// [`NetHostError`]
    pub fn traces(&self) -> Result<Vec<Trace>, NetHostError> {
        #[derive(Deserialize)]
        struct Answer {
            traces: Vec<Trace>,
        }
        let Answer { traces } = self.ask(None, "net-traces", None, b"")?;
        Ok(traces)
    }

    /// Removes all traces of a pod that is gone. Needs root.
    ///
    /// # Errors
    ///
    /// [`NetHostError`] if something stays.
    pub fn forget(&self, uuid: Uuid) -> Result<(), NetHostError> {
        let args = [self.local_config_argument(), uuid.to_string().into()];
        entrypoint::ask(self.stage1, None, "net-forget", &args, b"")?;
        Ok(())
    }

    /// Asks the plugins whether the networks of a running pod are as they were made. Needs root.
    ///
    /// # Errors
    ///
    /// [`NetHostError`] if they cannot be asked; what they say is the answer.
    pub fn check(&self, pod: &Pod) -> Result<Vec<NetCheck>, NetHostError> {
        #[derive(Deserialize)]
        struct Answer {
            checks: Vec<NetCheck>,
        }
        let uuid = pod.uuid().to_string();
        let Answer { checks } = self.ask(Some(pod), "net-check", Some(uuid), b"")?;
        Ok(checks)
    }

    /// Tells the plugins of networks that are collected which attachments are left. Needs root.
    ///
    /// # Errors
    ///
    /// [`NetHostError`] if they cannot be told; what they say is the answer.
    pub fn collect(&self, valid: &[ValidAttachment]) -> Result<Vec<NetCheck>, NetHostError> {
        #[derive(Deserialize)]
        struct Answer {
            collected: Vec<NetCheck>,
        }
        let input = serde_json::json!({"attachments": valid}).to_string();
        let Answer { collected } = self.ask(None, "net-gc", None, input.as_bytes())?;
        Ok(collected)
    }

    fn local_config_argument(&self) -> OsString {
        let mut argument = OsString::from("--local-config=");
        argument.push(self.local_config);
        argument
    }

    fn ask<T: for<'a> Deserialize<'a>>(
        &self,
        pod: Option<&Pod>,
        entrypoint: &str,
        more: Option<String>,
        input: &[u8],
    ) -> Result<T, NetHostError> {
        let mut args = vec![self.local_config_argument()];
        args.extend(more.map(Into::into));
        let printed = entrypoint::ask(self.stage1, pod, entrypoint, &args, input)?;
        serde_json::from_slice(&printed).map_err(NetHostError::Answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn asked(script: &str) -> Result<Vec<Trace>, String> {
        let temp = tempfile::tempdir().unwrap();
        let stage1 = temp.path().join("stage1");
        std::fs::write(&stage1, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&stage1, std::fs::Permissions::from_mode(0o755)).unwrap();
        let host = NetHost {
            stage1: &stage1,
            local_config: Path::new("/l"),
        };
        host.traces().map_err(|error| error.to_string())
    }

    #[test]
    fn answers_are_read_and_others_refused() {
        let traces = asked(
            r#"test "$*" = "net-traces --local-config=/l" || exit 3
            echo '{"traces":[{"kind":"lease","container":"c","network":"n","what":"/v/n/10.0.0.2"},
            {"kind":"namespace","container":"d","what":"/run/netns/rkt-d","inUse":true,"interfaces":["veth1"]}]}'"#,
        )
        .unwrap();
        assert_eq!(
            (traces[0].kind, traces[0].network.as_deref()),
            (TraceKind::Lease, Some("n"))
        );
        assert!(traces[1].in_use && traces[1].interfaces == ["veth1"]);
        for bad in [
            "echo",
            "echo '{}'",
            r#"echo '{"traces":[{"kind":"wind","container":"c","what":"w"}]}'"#,
        ] {
            assert_eq!(
                asked(bad).unwrap_err(),
                "stage1 gave an answer about networks that cannot be understood"
            );
        }
        assert_eq!(
            asked("exit 1").unwrap_err(),
            "cannot look at the networks of this host"
        );
    }
}
