//! Limits of a pod and its apps: what is asked for, and the control groups that enforce it.
//!
//! ```text
//! BASE                          the caller's group, in each hierarchy that is needed
//!   machine-rkt\x2dUUID.scope   the pod: what bounds all apps together
//!     app-NAME                  an app, with its event handlers and who enters it
//! ```
//!
//! Supervisor and init stay in the caller's group: they are not the apps', and once init has reaped
//! all of them the groups are empty and can go. Whatever a group is needed for is decided, and
//! written, before the first process of the pod runs.

mod base;
mod controller;
mod groups;
mod joined;
mod knobs;
mod lanes;
mod pids;
mod record;
mod wanted;

pub(crate) use groups::{LimitError, PodGroups};
pub(crate) use joined::AppGroup;
pub(crate) use record::{end_recorded, of_running_app};
pub(crate) use wanted::{Asked, enforces, narrow, of_app, of_pod};
