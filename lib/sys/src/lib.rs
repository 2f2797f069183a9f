//! Mounts, namespaces, openat2, extended attributes, cgroup files: the only crate with unsafe code.

#![allow(unsafe_code)]

pub mod capability;
pub mod lock;
pub mod memfd;
pub mod mount;
pub mod namespace;
pub mod netif;
pub mod openat;
pub mod process;
pub mod signal;
pub mod sync;
pub mod xattr;
