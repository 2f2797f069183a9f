//! Invariant: a copy with another manifest has that manifest and all other bytes; replacing it again by the
//! old one and once more by the new one gives the same copy.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::convert::Infallible;

use gantry_archive::aci::read_manifest;
use gantry_archive::compress::Compression;
use gantry_archive::limits::Limits;
use gantry_archive::rewrite::{RewriteOptions, replace_manifest_with};

const NEW: &[u8] = b"{\"acKind\":\"ImageManifest\"}";

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Some((copy, old)) = replaced(data, NEW) else {
        return;
    };
    assert_eq!(read_manifest(copy.as_slice()).ok().as_deref(), Some(NEW));
    let (back, new) = replaced(&copy, &old).expect("a copy is an image");
    assert_eq!(new, NEW);
    let (again, _) = replaced(&back, NEW).expect("a copy is an image");
    assert!(again == copy);
});

/// The copy as a plain archive, and the manifest that was there.
fn replaced(image: &[u8], manifest: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let limits = Limits {
        max_output: 64 << 20,
        max_entries: 10_000,
        ..Limits::default()
    };
    let (mut copy, mut old) = (Vec::new(), Vec::new());
    let plain = RewriteOptions {
        compression: Some(Compression::None),
        threads: 1,
    };
    replace_manifest_with(image, &mut copy, plain, &limits, |stored| {
        old = stored.to_owned();
        Ok::<_, Infallible>(manifest.to_owned())
    })
    .ok()?;
    Some((copy, old))
}
