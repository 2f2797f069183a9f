//! HTTP, credentials, registries, discovery pages.

#![forbid(unsafe_code)]
