//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]

pub mod archive;
mod env;
pub mod gpg;
pub mod hostile;
mod packages;
pub mod tree;
pub mod web;

pub use env::{Outcome, TestEnv, needs_program, needs_root};
pub use packages::busybox;
pub use web::WebServer;
