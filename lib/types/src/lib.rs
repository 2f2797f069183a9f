//! Names, digests, manifests, isolators, pod-directory layout, diagnostics.

#![forbid(unsafe_code)]
