//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]

pub mod archive;
mod docker_registry;
mod env;
pub mod gpg;
pub mod hostile;
mod packages;
pub mod registry;
pub mod tree;
pub mod web;

pub use docker_registry::{DockerRegistry, Speaks};
pub use env::{Outcome, TestEnv, needs_program, needs_root};
pub use packages::busybox;
pub use web::WebServer;
