//! Invariants: whatever the bytes, extraction changes nothing outside its target, and what it reports as
//! extracted is there. What is extracted is valid, its manifest aside; what is valid is extracted, unless
//! one of the rules that need the tree forbids it. An image written of what was extracted is valid,
//! and extracting and writing that again gives the same image.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::fs::{self, File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use gantry_archive::aci::{AciError, validate_with};
use gantry_archive::compress::Compression;
use gantry_archive::extract::{ExtractError, ExtractOptions, Extracted, Ownership, extract_aci};
use gantry_archive::limits::Limits;
use gantry_archive::refusal::Rule;
use gantry_archive::tar::TarError;
use gantry_archive::write::{WriteOptions, write_aci};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let place = std::env::temp_dir().join(format!("gantry-fuzz-extract-{}", std::process::id()));
    remove(&place);
    fs::create_dir_all(&place).expect("the temporary directory is writable");
    let victim = place.join("victim");
    fs::write(&victim, "untouched").expect("the temporary directory is writable");
    let before = identity(&fs::symlink_metadata(&victim).expect("it was just made"));
    let options = ExtractOptions {
        ownership: Ownership::CurrentUser,
        limits: Limits {
            max_output: 16 << 20,
            max_entries: 1000,
            ..Limits::default()
        },
        threads: 1,
    };
    let outcome = extract(data, &place.join("target"), &options);
    let names = fs::read_dir(&place).expect("it was just made").count();
    assert_eq!(names, 2, "nothing was made beside the target");
    let after = fs::symlink_metadata(&victim).expect("the victim is there");
    assert_eq!(identity(&after), before, "nobody touched the victim");
    assert_eq!(
        fs::read(&victim).ok().as_deref(),
        Some(b"untouched".as_slice())
    );
    match (outcome, validate_with(data, &options.limits)) {
        (Ok(extracted), Ok(_) | Err(AciError::Manifest { .. })) => {
            let manifest = fs::read(place.join("target/manifest"));
            assert_eq!(manifest.ok(), Some(extracted.manifest));
            assert!(place.join("target/rootfs").is_dir());
            if rewrite(&place, "target", "first").is_some() {
                let first = fs::read(place.join("first.aci")).expect("it was just written");
                validate_with(first.as_slice(), &options.limits).expect("what we write is valid");
                extract(&first, &place.join("first"), &options).expect("and is extracted");
                rewrite(&place, "first", "second").expect("and is written");
                let second = fs::read(place.join("second.aci")).expect("it was just written");
                assert_eq!(first, second, "as the same image");
            }
        }
        (Ok(_), Err(error)) => panic!("extracted, but not valid: {error}"),
        (Err(error), Ok(_)) => assert!(needs_tree(&error), "valid, but not extracted: {error}"),
        (Err(_), Err(_)) => {}
    }
    remove(&place);
});

/// Everything that shows whether a file was touched.
fn identity(file: &Metadata) -> (u64, u64, u32, u32, i64, i64, i64, i64) {
    (
        file.ino(),
        file.nlink(),
        file.mode(),
        file.uid(),
        file.mtime(),
        file.mtime_nsec(),
        file.ctime(),
        file.ctime_nsec(),
    )
}

fn extract(
    data: &[u8],
    target: &Path,
    options: &ExtractOptions,
) -> Result<Extracted, ExtractError> {
    fs::create_dir(target).expect("it is not there yet");
    let target = File::open(target).expect("it was just made");
    extract_aci(data, target.as_fd(), options)
}

/// Whether validation, which looks at names only, cannot see what is wrong.
fn needs_tree(error: &ExtractError) -> bool {
    let ExtractError::Image(AciError::Archive(TarError::Refused(refusal))) = error else {
        return matches!(error, ExtractError::File { .. });
    };
    matches!(
        refusal.rule,
        Rule::Duplicate
            | Rule::BeneathSymlink
            | Rule::BeneathFile
            | Rule::LinkOutside(_)
            | Rule::LinkThroughSymlink(_)
            | Rule::LinkTargetMissing(_)
            | Rule::LinkToDirectory(_)
            | Rule::DeviceWithoutRoot
            | Rule::TooMuchDeferred
    )
}

/// Writes an image of an extracted one as `TO.aci`; `None` if its files may not be read.
fn rewrite(place: &Path, from: &str, to: &str) -> Option<()> {
    let rootfs = File::open(place.join(from).join("rootfs")).ok()?;
    let mut image = Vec::new();
    let options = WriteOptions {
        compression: Compression::None,
        ..WriteOptions::default()
    };
    let manifest = br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"}"#;
    write_aci(manifest, rootfs.as_fd(), &mut image, &options).ok()?;
    fs::write(place.join(to).with_extension("aci"), image).ok()
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
