//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]

pub mod archive;
mod env;
pub mod gpg;
pub mod web;

pub use env::{Outcome, TestEnv, needs_root};
pub use web::WebServer;
