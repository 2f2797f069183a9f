//! Who uses which network: the records that stage1 leaves of what pods join.

use std::io;
use std::path::PathBuf;

use gantry_types::Uuid;
use serde::{Deserialize, Serialize};

use crate::info::NetInfo;
use crate::net_host::{NetHost, NetHostError, ValidAttachment};
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::pods_dir::PodsDir;

/// What stage1 writes before it calls the first plugin, in the pod directory.
const RECORD: &str = "net/attachments.json";

/// A pod's attachment to a network, as stage1 records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network.
    pub network: String,
    /// The file that defined it.
    pub file: PathBuf,
    /// The copy of that file, in the pod directory.
    #[serde(skip_serializing)]
    pub copy: String,
    /// The pod's interface.
    pub interface: String,
    /// What its plugins were told beside, `KEY=VALUE;KEY=VALUE`.
    pub args: String,
    /// The chain.
    pub plugins: Vec<AttachedPlugin>,
}

/// A plugin that a pod's network was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedPlugin {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its program.
    pub program: PathBuf,
    /// The version that it was spoken to in.
    pub cni_version: String,
}

/// A pod that joined networks of which something may be there.
#[derive(Debug)]
pub struct Attached {
    /// The pod.
    pub pod: Pod,
    /// Its state.
    pub state: State,
    /// The networks, in order.
    pub attachments: Vec<Attachment>,
    /// What they gave it, as far as it got.
    pub networks: Vec<NetInfo>,
}

impl Attached {
    /// The addresses that the pod has in a network, for people: `ip4=ADDRESS`.
    #[must_use]
    pub fn addresses(&self, network: &str) -> Vec<String> {
        let own = self.networks.iter().filter(|info| info.net_name == network);
        let prefix = format!("{network}:");
        let bare = own.flat_map(NetInfo::addresses).map(|text| {
            let bare = text.strip_prefix(&prefix);
            bare.unwrap_or(&text).to_owned()
        });
        bare.filter(|text| !text.ends_with('=')).collect()
    }
}

impl Pod {
    /// The networks that the pod joined and that were not taken down yet; empty if there are none.
    ///
    /// # Errors
    ///
    /// If the record cannot be read or is none.
    pub fn attachments(&self) -> io::Result<Vec<Attachment>> {
        #[derive(Deserialize)]
        struct Record {
            attachments: Vec<Attachment>,
        }
        let Some(bytes) = self.read(RECORD)? else {
            return Ok(Vec::new());
        };
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(record.attachments)
    }

    /// The pod with its networks.
    ///
    /// # Errors
    ///
    /// If the record cannot be read or is none.
    pub fn attached(self) -> io::Result<Attached> {
        let attachments = self.attachments()?;
        let info = self.read(gantry_types::pod_layout::NET_INFO)?;
        // It is written last, and somebody may look before.
        let networks = info.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Attached {
            state: self.state(),
            attachments,
            networks: networks.unwrap_or_default(),
            pod: self,
        })
    }
}

impl PodsDir {
    /// The pods that have networks; `problem` gets those whose record cannot be read.
    ///
    /// # Errors
    ///
    /// If the directories cannot be read at all.
    pub fn attached(&self, mut problem: impl FnMut(Uuid, io::Error)) -> io::Result<Vec<Attached>> {
        let mut all = Vec::new();
        for (uuid, phase) in self.scan(&[Phase::Run, Phase::ExitedGarbage], "")?.pods {
            let Some(pod) = self.reopen(uuid, phase)? else {
                continue;
            };
            match pod.attached() {
                Ok(attached) if attached.attachments.is_empty() => {}
                Ok(attached) => all.push(attached),
                Err(error) => problem(uuid, error),
            }
        }
        Ok(all)
    }

    /// Tells plugins of networks that are collected which attachments are left: those of pods that run.
    ///
    /// # Errors
    ///
    /// If some pod cannot be read, for what it has must not be taken for garbage; and as [`NetHost::collect`].
    pub fn collect_networks(
        &self,
        host: &NetHost<'_>,
    ) -> Result<Vec<crate::net_host::NetCheck>, CollectError> {
        let mut broken = None;
        let attached = self.attached(|uuid, source| {
            broken.get_or_insert(CollectError::Pod { uuid, source });
        });
        let attached = attached.map_err(CollectError::Pods)?;
        if let Some(error) = broken {
            return Err(error);
        }
        let running = attached.iter().filter(|pod| !pod.state.has_exited());
        let valid: Vec<ValidAttachment> = running
            .flat_map(|pod| {
                let container = pod.pod.uuid().to_string();
                pod.attachments.iter().map(move |a| ValidAttachment {
                    container: container.clone(),
                    interface: a.interface.clone(),
                })
            })
            .collect();
        Ok(host.collect(&valid)?)
    }
}

/// Plugins cannot be told which attachments are left.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The pods cannot be listed.
    #[error("cannot read the pods")]
    Pods(#[source] io::Error),
    /// What one of them has is not known.
    #[error("cannot tell which networks pod \"{uuid}\" has, so that nothing is collected")]
    Pod {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: io::Error,
    },
    /// stage1 could not.
    #[error(transparent)]
    Host(#[from] NetHostError),
}

impl gantry_types::Diagnostic for CollectError {
    fn kind(&self) -> gantry_types::Kind {
        gantry_types::Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Pods(_) => None,
            Self::Pod { uuid, .. } => Some(format!("stop and remove it with \"rkt rm {uuid}\"")),
            Self::Host(error) => error.hint(),
        }
    }
}
