//! Verdicts on files and directories.

use super::*;
use std::fs;

const MANIFEST: &str =
    r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app"}"#;

fn checked(path: &Path, subject: Option<Subject>) -> String {
    match validate(path, subject) {
        Ok(valid) => format!("valid {}", valid.name()),
        Err(error) => error.chain().replace(&path.display().to_string(), "P"),
    }
}

#[test]
fn layouts_are_checked_in_the_order_of_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    assert_eq!(
        checked(path, None),
        "P: invalid image layout: no image manifest found in layout"
    );
    fs::write(path.join("manifest"), "{").unwrap();
    fs::write(path.join("stray"), "").unwrap();
    assert_eq!(
        checked(path, None),
        "P: invalid image layout: no rootfs found in layout"
    );
    fs::write(path.join("rootfs"), "").unwrap();
    assert_eq!(
        checked(path, None),
        "P: invalid image layout: rootfs is not a directory"
    );
    fs::remove_file(path.join("rootfs")).unwrap();
    fs::create_dir_all(path.join("rootfs/dir/rootfs")).unwrap();
    fs::write(path.join("rootfs/manifest"), "junk").unwrap();
    assert!(
        checked(path, None)
            .starts_with("P: invalid image layout: image manifest validation failed: ")
    );
    fs::write(path.join("manifest"), MANIFEST).unwrap();
    assert_eq!(
        checked(path, None),
        "P: invalid image layout: unrecognized file path in layout: \"stray\""
    );
    fs::remove_file(path.join("stray")).unwrap();
    assert_eq!(checked(path, None), "valid image layout");
    assert_eq!(
        checked(path, Some(Subject::Image)),
        "P is a directory (wrong --type?)"
    );
}

#[test]
fn files_are_what_they_look_like() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for (content, verdict) in [
        (MANIFEST.as_bytes(), "valid ImageManifest"),
        (
            b"{\"acKind\":\"PodManifest\",\"acVersion\":\"0.8.11\"}",
            "valid PodManifest",
        ),
        (b"\x00\x01\x02", "P: unable to detect filetype (try --type)"),
    ] {
        fs::write(&path, content).unwrap();
        assert_eq!(checked(&path, None), verdict);
    }
    for (content, verdict) in [
        ("", "P: error unmarshaling manifest: "),
        (r#"{"acKind":"Other"}"#, "P: error unmarshaling manifest: "),
        (
            r#"{"acKind":"ImageManifest"}"#,
            "P: invalid ImageManifest: acVersion must be set",
        ),
    ] {
        fs::write(&path, content).unwrap();
        assert!(
            checked(&path, None).starts_with(verdict),
            "{content}: {}",
            checked(&path, None)
        );
    }
    fs::write(&path, [0x1f, 0x8b, 0xff]).unwrap();
    assert!(checked(&path, None).starts_with("P: error"));
    assert_eq!(
        checked(&path, Some(Subject::Layout)),
        "P: invalid image layout: given path \"P\" is not a directory"
    );
}

#[test]
fn what_does_not_exist_stops() {
    let error = validate(Path::new("/nonexistent/x"), None).unwrap_err();
    assert!(error.stops());
    assert!(
        error
            .to_string()
            .starts_with("unable to access /nonexistent/x")
    );
}
