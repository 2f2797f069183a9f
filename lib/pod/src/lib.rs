//! Stage0: prepare, states, networks, stage1 client, garbage collection.

#![forbid(unsafe_code)]
