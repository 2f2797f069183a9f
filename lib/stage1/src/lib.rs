//! The in-pod runtime: supervisor, init, apps.

#![forbid(unsafe_code)]
