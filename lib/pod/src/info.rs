//! What is known about a pod, as data for `rkt list` and `rkt status`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use gantry_types::{Diagnostic, Kind, Uuid};
use serde::{Deserialize, Serialize, Serializer};

use crate::phase::State;
use crate::pods_dir::ForeignEntry;

/// A pod as `--format=json` shows it.
///
/// Times are nanoseconds since 1970; in JSON those of the pod are seconds, as ever.
/// Source: rkt 1.30, lib/types.go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodInfo {
    /// The UUID.
    #[serde(rename = "name", serialize_with = "text")]
    pub uuid: Uuid,
    /// The state.
    #[serde(serialize_with = "text")]
    pub state: State,
    /// Networks it is or was attached to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetInfo>,
    /// Names of its apps, in the order of the manifest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub app_names: Vec<String>,
    /// Its apps, in the order of the manifest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppInfo>,
    /// When it was created.
    #[serde(
        rename = "created_at",
        serialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub created: Option<i64>,
    /// When its stage1 started.
    #[serde(
        rename = "started_at",
        serialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub started: Option<i64>,
    /// When it was marked for collection.
    #[serde(skip)]
    pub gc_marked: Option<i64>,
    /// Process ID of the pod's PID 1 or of what runs it, if known.
    #[serde(skip)]
    pub pid: Option<u32>,
    /// Free annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user_labels: BTreeMap<String, String>,
}

/// An app of a pod as `--format=json` shows it. Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppInfo {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AppState,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// When it ended; for apps of immutable pods a best guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<i64>,
    /// Its exit status; missing if it runs or if it was killed together with the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// ID of its image.
    pub image_id: String,
    /// Name and version of its image, for tables.
    #[serde(skip)]
    pub image_name: Option<String>,
    /// Its volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<MountInfo>,
    /// Free annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user_labels: BTreeMap<String, String>,
}

/// The state of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// Nothing says.
    Unknown,
    /// It was not started yet.
    Created,
    /// It runs.
    Running,
    /// It ended.
    Exited,
}

/// A volume in an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MountInfo {
    /// Name of the volume.
    pub name: String,
    /// Where the app sees it.
    pub container_path: String,
    /// Where it lies on the host.
    pub host_path: String,
    /// Whether the app cannot write to it.
    pub read_only: bool,
}

/// A network of a pod: an element of `net-info.json`, with all that is in it.
///
/// Source: rkt 1.30, networking/netinfo/netinfo.go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetInfo {
    /// Name of the network.
    #[serde(default)]
    pub net_name: String,
    /// Address of the pod in it.
    #[serde(default)]
    pub ip: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

impl NetInfo {
    /// Name and addresses for people, as `NAME:ip4=ADDRESS` and `NAME:ip6=ADDRESS`.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let all = self.rest.get("ips").and_then(|ips| ips.as_array());
        let all = all.into_iter().flatten().filter_map(|ip| ip.as_str());
        let mut bare: Vec<&str> = all.map(|ip| ip.split('/').next().unwrap_or(ip)).collect();
        // What rkt wrote has the one address only.
        if bare.is_empty() {
            bare.push(&self.ip);
        }
        // In rkt's texts IPv4 is what there is, so it comes first.
        bare.sort_by_key(|ip| ip.contains(':'));
        let family = |ip: &str| if ip.contains(':') { "ip6" } else { "ip4" };
        bare.iter()
            .map(|ip| format!("{}:{}={ip}", self.net_name, family(ip)))
            .collect()
    }
}

/// A pod cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// The pod or a file of it cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of it is not what it should be.
    #[error("{} is not valid JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Something else lies among the pods.
    #[error(transparent)]
    Foreign(ForeignEntry),
}

impl Diagnostic for InfoError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Json { .. } => Some("\"rkt rm\" removes the pod all the same".to_owned()),
            Self::Foreign(_) => Some("move it away".to_owned()),
        }
    }
}

/// All pods, and what could not be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// The pods, sorted by UUID.
    pub pods: Vec<PodInfo>,
    /// One error per pod or entry left out.
    pub errors: Vec<InfoError>,
}

impl Listing {
    /// What `--format=json` prints: an array, or `null` without pods.
    ///
    /// # Errors
    ///
    /// None that can happen; it is serde's.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        if self.pods.is_empty() {
            Ok(serde_json::Value::Null)
        } else {
            serde_json::to_value(&self.pods)
        }
    }
}

fn text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn seconds<S: Serializer>(time: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|nanos| nanos.div_euclid(1_000_000_000))
        .serialize(serializer)
}
