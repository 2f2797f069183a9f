//! Builders, hostile registry and web server, TestEnv: for tests only.

#![forbid(unsafe_code)]
