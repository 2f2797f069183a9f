//! Two layers, one over the other. Invariants: whatever the bytes, nothing changes outside the target; layers that are
//! extracted and completed can be made into one tree, in which no mark of an overlay is left; and extracting them
//! again gives the same.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use gantry_archive::extract::{ExtractOptions, Ownership, check_layer, extract_layer};
use gantry_archive::layer::{complete, flatten};
use gantry_archive::limits::Limits;
use gantry_types::oci::Algorithm;

/// Where the second layer begins: at the first block after this text, or nowhere.
const BETWEEN: &[u8] = b"-- next layer --";

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let place = std::env::temp_dir().join(format!("gantry-fuzz-layer-{}", std::process::id()));
    remove(&place);
    fs::create_dir_all(&place).expect("the temporary directory is writable");
    let victim = place.join("victim");
    fs::write(&victim, "untouched").expect("the temporary directory is writable");
    let between = data.windows(BETWEEN.len()).position(|text| text == BETWEEN);
    let layers = match between {
        Some(at) => vec![&data[..at], &data[at + BETWEEN.len()..]],
        None => vec![data],
    };
    let first = extract(&place.join("first"), &layers);
    let again = extract(&place.join("again"), &layers);
    assert_eq!(first, again, "the same layers are the same tree");
    let text = fs::read(&victim).expect("the victim is there");
    assert_eq!(text, b"untouched");
    let names = fs::read_dir(&place).expect("it was just made").count();
    assert_eq!(names, 3, "nothing was made beside the targets");
    remove(&place);
});

/// Paths, modes and sizes of what the layers are together; `None` if they are refused.
fn extract(at: &Path, layers: &[&[u8]]) -> Option<Vec<(String, u32, u64)>> {
    let options = ExtractOptions {
        ownership: Ownership::CurrentUser,
        limits: Limits {
            max_output: 16 << 20,
            max_entries: 1000,
            ..Limits::default()
        },
        threads: 1,
    };
    let mut trees: Vec<File> = Vec::new();
    fs::create_dir(at).expect("it is not there yet");
    for (number, layer) in layers.iter().enumerate() {
        let path = at.join(number.to_string());
        fs::create_dir(&path).expect("it is not there yet");
        let tree = File::open(&path).expect("it was just made");
        let extracted = extract_layer(
            *layer,
            tree.as_fd(),
            Algorithm::Sha256,
            &options,
            &mut || {},
        );
        let extracted = extracted.ok()?;
        let read = check_layer(*layer, Algorithm::Sha256, &options);
        assert_eq!(read.ok(), Some(extracted.diff_id));
        let below: Vec<_> = trees.iter().rev().map(AsFd::as_fd).collect();
        complete(tree.as_fd(), &below, &extracted.needs, options.ownership).ok()?;
        trees.push(tree);
    }
    let roots = (0..layers.len()).rev().map(|number| {
        let root = File::open(at.join(number.to_string()).join("rootfs"));
        root.ok()
    });
    let roots = roots.collect::<Option<Vec<File>>>()?;
    let roots: Vec<_> = roots.iter().map(AsFd::as_fd).collect();
    let to = File::open(at).expect("it was just made");
    flatten(&roots, (to.as_fd(), "flat".as_ref()), options.ownership).ok()?;
    let mut found = Vec::new();
    list(&at.join("flat"), &mut found);
    found.sort();
    Some(found)
}

fn list(directory: &Path, found: &mut Vec<(String, u32, u64)>) {
    // What its owner may not read is compared by its own name.
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        assert!(!meta.file_type().is_char_device(), "a whiteout is left");
        let size = if meta.is_file() { meta.len() } else { 0 };
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        found.push((name.unwrap_or_default(), meta.mode(), size));
        if meta.is_dir() {
            list(&path, found);
        }
    }
}

/// Also removes what its owner may not write.
fn remove(place: &Path) {
    let parent = place.parent().and_then(|parent| File::open(parent).ok());
    let name = place
        .file_name()
        .map(|name| name.as_encoded_bytes().to_vec());
    let name = name.and_then(|name| std::ffi::CString::new(name).ok());
    if let (Some(parent), Some(name)) = (parent, name) {
        let left = gantry_archive::remove_tree::remove_tree(parent.as_fd(), &name);
        assert!(left.is_empty(), "{} is still there", place.display());
    }
}
