//! One module per verb: discover, fetch, trust, build, pack, validate, image, diff, inspect; and the
//! configuration that they work by.

#![forbid(unsafe_code)]

pub mod build;
pub mod config;
pub mod diff;
pub mod discover;
pub mod epoch;
pub mod fetch;
pub mod image;
pub mod inspect;
pub mod pack;
pub mod patch;
pub mod trust;
pub mod validate;

mod data_dir;
mod input;
mod layout;
mod new_file;
mod own_store;
mod room;

pub use data_dir::{DataDirError, DataDirRequest, data_dir};
pub use input::open_input;
pub use own_store::open_store;

// What a tool has to make itself before it calls an operation: where things are, and how servers are asked.
pub use gantry_archive::extract::Ownership;
pub use gantry_remote::discovery::DiscoveryOptions;
pub use gantry_remote::{ClientConfig, ConnectTo, HostCredentials, HttpClient};
pub use gantry_store::{InUse, Lease, Store, StoreError, Verdict};
pub use gantry_trust::{Keystore, Scope};
