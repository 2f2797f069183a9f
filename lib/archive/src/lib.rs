//! Tar, compression, safe extraction, deterministic writing.

#![forbid(unsafe_code)]
