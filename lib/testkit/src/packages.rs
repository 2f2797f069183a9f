//! Programs from Debian packages that test images are made of.

use std::path::{Path, PathBuf};

/// A static program with many names, from Debian's busybox-static.
///
/// `make packages` unpacks it without installing it, into the folder that the variable PACKAGES names or
/// else `target/packages`; an installed one serves as well.
///
/// # Panics
///
/// If there is none: without it a test would check nothing.
pub fn busybox() -> PathBuf {
    let unpacked = match std::env::var_os("PACKAGES") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/packages"),
    };
    [
        unpacked.join("busybox-static/bin/busybox"),
        PathBuf::from("/bin/busybox"),
        PathBuf::from("/usr/bin/busybox"),
    ]
    .into_iter()
    .find(|path| path.exists())
    .expect("busybox-static: run `make packages` first")
}
