//! Archives that other programs write and we read, and the other way round.
//!
//! Trees are compared entry by entry: type, mode, owner, time, size, content, attributes, links, devices.
//! All of it needs root, for owners and devices.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod programs;
mod random;
mod read;
mod sample;
mod write;

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use gantry_archive::extract::{ExtractOptions, extract_aci};
use gantry_archive::write::{WriteOptions, write_aci};
use gantry_testkit::archive::MANIFEST;

/// Our reader: extracts an image to `to`.
fn extract(image: &[u8], to: &Path) -> Result<(), String> {
    std::fs::create_dir_all(to).unwrap();
    let target = File::open(to).unwrap();
    extract_aci(image, target.as_fd(), &ExtractOptions::default())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Our writer: the uncompressed image of a tree.
fn image(root: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rootfs = File::open(root).unwrap();
    let options = WriteOptions {
        compression: gantry_archive::compress::Compression::None,
        ..WriteOptions::default()
    };
    write_aci(MANIFEST.as_bytes(), rootfs.as_fd(), &mut bytes, &options).unwrap();
    bytes
}
