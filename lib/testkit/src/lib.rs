//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]

pub mod archive;
mod env;
pub mod gpg;
mod packages;
pub mod web;

pub use env::{Outcome, TestEnv, needs_root};
pub use packages::busybox;
pub use web::WebServer;
