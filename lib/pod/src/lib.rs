//! Stage0: prepare, states, networks, stage1 client, garbage collection.
//!
//! A pod is a directory, `pods/PHASE/UUID`, and the flock on it. It moves by `rename` from phase to
//! phase, and who holds the exclusive lock owns it; while it runs that is its stage1. Nothing else is
//! state: a process killed at any instruction leaves a pod that the lock tells to be without an owner,
//! and the next collection removes it. See rkt 1.30,
//! Documentation/devel/pod-lifecycle.md, for the phases, and `gantry_types::pod_layout` for the files.

#![forbid(unsafe_code)]

mod app;
mod app_log;
mod conf_files;
mod copy_up;
mod describe;
pub mod doctor;
mod enter;
mod entrypoint;
mod export;
mod file;
mod fill;
mod gc;
mod given;
mod host_ports;
mod image;
pub mod in_tree;
mod in_use;
mod info;
mod isolators;
mod list;
mod lookup;
mod manifest;
mod merged;
pub mod metadata;
mod mounts;
mod net_host;
mod net_leftovers;
mod net_users;
mod networks;
mod overlay;
mod own_parts;
mod parts;
mod phase;
mod pod;
mod pod_log;
mod pod_text;
mod pods_dir;
mod ports;
mod prepare;
mod prepare_error;
mod remove;
mod request;
mod rootless;
mod run;
mod run_image;
#[cfg(test)]
mod sample;
mod scope;
mod stage1_image;
mod stop;
mod users;
mod volumes;
mod warning;
mod widening;

pub use app_log::LogRecord;
pub use conf_files::{ConfFiles, Hosts, ResolvConf};
pub use enter::EnterError;
pub use entrypoint::EntrypointError;
pub use export::{EndedApp, ExportError};
pub use gantry_sys::remove_tree::Leftover;
pub use gc::{GcEvent, GcOptions};
pub use info::{AppInfo, AppState, InfoError, Listing, MountInfo, NetInfo, PodInfo};
pub use lookup::LookupError;
pub use net_host::{
    NetCheck, NetHost, NetHostError, NetOutcome, Trace, TraceKind, ValidAttachment,
};
pub use net_leftovers::{Owner, Traces};
pub use net_users::{Attached, AttachedPlugin, Attachment, CollectError};
pub use networks::network_catalog;
pub use own_parts::{OwnPartsError, new_uuid, own_stage1};
pub use phase::{Phase, State};
pub use pod::Pod;
pub use pod_log::{LogError, PodLog};
pub use pods_dir::{CreateError, ForeignEntry, Inventory, OpenError, PodsDir};
pub use prepare::PreparedPod;
pub use prepare_error::PrepareError;
pub use remove::{RemoveError, RemoveOptions};
pub use request::{AppRequest, PrepareRequest};
pub use rootless::{
    Entered, HostFiles, RootlessError, enter as enter_user_namespace, may_map_ids, ownership,
};
pub use run::{RunError, RunOptions};
pub use scope::ScopeError;
pub use stop::{StopError, Stopped};
pub use users::UsersError;
pub use warning::Warning;
