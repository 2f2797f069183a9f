//! Mounts, namespaces, openat2, extended attributes, removal of trees: the only crate with unsafe code.

#![allow(unsafe_code)]

pub mod capability;
pub mod cgroup;
pub mod identity;
pub mod keyring;
pub mod lock;
pub mod mount;
pub mod namespace;
pub mod netif;
pub mod openat;
pub mod overlay;
pub mod process;
pub mod regular_file;
pub mod remove_tree;
pub mod rename;
pub mod sealed;
pub mod seccomp;
pub mod signal;
pub mod socket_filter;
pub mod sync;
pub mod user_namespace;
pub mod xattr;
