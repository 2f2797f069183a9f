//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]

mod env;

pub use env::{Outcome, TestEnv, needs_root};
