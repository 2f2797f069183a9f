//! Streams, exit statuses, error reports, progress.

#![forbid(unsafe_code)]
