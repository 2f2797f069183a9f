//! Blobs, image records, trees, locks, garbage collection.

#![forbid(unsafe_code)]
