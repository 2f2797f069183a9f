//! A pod's networks, made by CNI plugins.
//!
//! ```text
//! supervisor                                   init
//!   reads definitions, finds plugins
//!   clones ----------------------------------> in a new network namespace
//!   pins the namespace, calls ADD of plugins     makes the pod's root meanwhile
//!   opens the gate with what resolvers need ---> starts the apps
//!   waits for the end, leaves DEL to a process of its own
//! ```
//!
//! In the pod directory lie `netns` (the path of the pinned namespace), `net/*.conf` (copies of the
//! definitions), `net-info.json` (what the pod got) and `net/attachments.json` (all that DEL needs, also
//! for a pod that was killed half-way). The plugins hold the pod's lock too, so that nobody takes a
//! network down while a plugin of a killed pod is still making it.
//!
//! Source: CNI specification 1.1.0; rkt 1.30, Documentation/networking/overview.md.

mod attach;
mod check;
mod detach;
mod error;
mod files;
mod gate;
mod gc_verb;
pub(crate) mod host;
mod info;
mod leftovers;
mod namespace;
mod plan;
mod plugin;
mod ports;
mod record;
mod tear_down;
mod to_host;

pub(crate) use attach::Joined;
pub(crate) use detach::collect;
pub(crate) use error::NetError;
pub(crate) use gate::{Gate, Word};
pub(crate) use plan::Networks;
pub(crate) use plugin::Watch;
