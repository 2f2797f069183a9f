//! Mounts, namespaces, openat2, extended attributes, cgroup files: the only crate with unsafe code.

#![allow(unsafe_code)]
