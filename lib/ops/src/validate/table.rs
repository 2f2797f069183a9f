//! The table of images and layouts in fixtures/appc/images.json against ours, and reports against verdicts.

use std::fs;
use std::path::Path;

use gantry_archive::compress::{Compression, Encoder};
use gantry_testkit::archive::{ArchiveBuilder, RawHeader};
use gantry_types::check::Severity;
use serde_json::Value;

use super::*;

const TABLE: &str = include_str!("../../../../fixtures/appc/images.json");

fn texts(entry: &Value) -> Vec<&str> {
    let parts = entry.as_array().unwrap().iter();
    parts.map(|part| part.as_str().unwrap()).collect()
}

fn archive(entries: &[Value]) -> Vec<u8> {
    let mut archive = ArchiveBuilder::new();
    for entry in entries {
        let parts = texts(entry);
        let (name, more) = (parts[1], parts.get(2).copied().unwrap_or_default());
        archive = match parts[0] {
            "f" => archive.file(name, more),
            "d" => archive.entry(&RawHeader::new(b'5', name.as_bytes(), 0), b""),
            "l" => archive.symlink(name, more),
            "h" => archive.hard_link(name, more),
            "p" => archive.fifo(name),
            "c" => archive.char_device(name, 1, 3),
            other => panic!("{other}"),
        };
    }
    archive.finish()
}

fn directory(path: &Path, entries: &[Value]) {
    fs::create_dir(path).unwrap();
    for entry in entries {
        let parts = texts(entry);
        let name = path.join(parts[1]);
        match parts[0] {
            "f" => fs::write(name, parts[2]).unwrap(),
            "d" => fs::create_dir(name).unwrap(),
            "l" => std::os::unix::fs::symlink(parts[2], name).unwrap(),
            other => panic!("{other}"),
        }
    }
}

/// A report that goes with a verdict: errors exactly if it is bad, each with a rule of its own.
fn check_report(path: &Path, valid: bool) {
    let report = report(path, None);
    assert_eq!(report.valid, valid, "{path:?}");
    let errors = report.findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.count() == 0, valid, "{path:?}: {report:?}");
    for finding in &report.findings {
        assert_ne!(finding.rule.id, "appc/invalid", "{path:?}: {finding:?}");
        assert!(!finding.message.is_empty(), "{path:?}: {finding:?}");
    }
}

#[test]
fn every_image_and_layout_of_the_table_is_judged_as_it_says() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert!(rows.len() > 60);
    let dir = tempfile::tempdir().unwrap();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row.get("original").is_some(), row.get("why").is_some());
        let path = dir.path().join(format!("{number}.aci"));
        let entries = row["entries"].as_array().unwrap();
        match row["form"].as_str().unwrap() {
            "archive" => fs::write(&path, archive(entries)).unwrap(),
            _ => directory(&path, entries),
        }
        let verdict = validate(&path, None);
        match (&verdict, row.get("reject")) {
            (Ok(_), None) => {}
            (Err(error), Some(says)) => {
                let says = says.as_str().unwrap();
                assert!(error.chain().contains(says), "{row}: {}", error.chain());
                // An archive without anything in it looks like no archive.
                assert_eq!(error.stops(), says.contains("filetype"), "{row}");
            }
            _ => panic!("{row}: {verdict:?}"),
        }
        check_report(&path, verdict.is_ok());
    }
}

#[test]
fn damaged_files_are_refused_and_bad_beginnings_stop() {
    let plain = ArchiveBuilder::aci()
        .file("rootfs/a", "x".repeat(5000))
        .finish();
    let mut gzip = Encoder::new(Vec::new(), Compression::Gzip).unwrap();
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let end = gzip.len();
    let mut sum = gzip.clone();
    sum[end - 8] ^= 0xff;
    let mut method = gzip.clone();
    method[2] = 9;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    // Source: actool, validate.go: what cannot be opened as an archive ends the command.
    for (bytes, stops) in [
        (gzip[..5].to_vec(), true),
        (method, true),
        (gzip[..end - 9].to_vec(), false),
        (sum, false),
        (plain[..600].to_vec(), false),
        (plain[..plain.len() - 1024].to_vec(), false),
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = validate(&path, None).unwrap_err();
        assert_eq!(error.stops(), stops, "{}", error.chain());
        check_report(&path, false);
    }
    fs::write(&path, gzip).unwrap();
    check_report(&path, true);
}

#[test]
fn all_that_is_wrong_with_an_image_is_told() {
    let manifest = r#"{"acKind":"ImageManifest","acVersion":"x","name":"A"}"#;
    let image = ArchiveBuilder::new()
        .file("manifest", manifest)
        .file("stray", "")
        .directory("rootfs")
        .file("rootfs/a", "")
        .file("rootfs/a", "")
        .finish();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    fs::write(&path, image).unwrap();
    let found: Vec<_> = report(&path, None)
        .findings
        .into_iter()
        .map(|finding| format!("{} {}", finding.rule.id, finding.entry.unwrap_or_default()))
        .collect();
    assert_eq!(
        found,
        [
            "layout/stray stray",
            "archive/duplicate rootfs/a",
            "appc/label-version manifest",
            "appc/ac-version manifest",
            "appc/identifier-character manifest",
        ]
    );
}
