//! What others write, we read.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gantry_archive::compress::{DecodeError, Decoder};
use gantry_archive::extract::{ExtractOptions, extract_aci};
use gantry_archive::limits::Limits;
use gantry_testkit::archive::MANIFEST;
use gantry_testkit::needs_root;
use gantry_testkit::tree::Tree;
use gantry_types::Diagnostic;
use tempfile::TempDir;

use crate::extract;
use crate::programs::{Go, Program, python_writer};
use crate::sample::{Holds, make};

/// Makes a tree that `holds` allows, has it written, and reads it.
fn read_back(what: &str, writer: &Program, holds: Holds) {
    let place = TempDir::new().unwrap();
    let layout = place.path().join("layout");
    let root = layout.join("rootfs");
    fs::create_dir_all(&root).unwrap();
    fs::write(layout.join("manifest"), MANIFEST).unwrap();
    make(&root, holds);
    let archive = writer.write(&layout);
    if holds.holes {
        assert!(archive.len() < 20 << 20, "{what}: holes are not stored");
    }
    let ours = place.path().join("ours");
    extract(&archive, &ours).unwrap_or_else(|error| panic!("{what}: {error}"));
    Tree::read(&ours.join("rootfs")).expect(&Tree::read(&root), what);
    gantry_archive::aci::validate(archive.as_slice()).unwrap();
    if holds.holes {
        assert!(blocks(&ours.join("rootfs/hole of 20 GiB")) < 100, "{what}");
    }
}

fn blocks(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).unwrap().blocks()
}

fn gnu_tar(options: &[&str]) -> Program {
    let mut words = vec!["tar", "--create", "--file=-", "--numeric-owner"];
    words.extend(options);
    words.extend(["manifest", "rootfs"]);
    Program::new(&words)
}

#[test]
fn gnu_tar_in_its_own_formats() {
    if !needs_root() {
        return;
    }
    let holds = Holds {
        fractions: false,
        fractions_before_1970: false,
        nanoseconds: false,
        xattrs: false,
        ..Holds::ALL
    };
    for format in ["--format=gnu", "--format=oldgnu"] {
        read_back(format, &gnu_tar(&[format, "--sparse"]), holds);
        let whole = Holds {
            holes: false,
            ..holds
        };
        read_back(format, &gnu_tar(&[format]), whole);
    }
}

#[test]
fn gnu_tar_in_pax_format() {
    if !needs_root() {
        return;
    }
    for version in ["0.0", "0.1", "1.0"] {
        let sparse = format!("--sparse-version={version}");
        let options = ["--format=posix", "--sparse", &sparse];
        let attributes = ["--xattrs", "--xattrs-include=*", "--acls"];
        read_back(
            version,
            &gnu_tar(&[&options[..], &attributes].concat()),
            Holds::ALL,
        );
    }
    let whole = Holds {
        holes: false,
        ..Holds::ALL
    };
    let options = ["--format=posix", "--xattrs", "--xattrs-include=*"];
    read_back("attributes", &gnu_tar(&options), whole);
    let plain = Holds {
        xattrs: false,
        ..whole
    };
    read_back("no attributes", &gnu_tar(&["--format=posix"]), plain);
}

#[test]
fn gnu_tar_with_names_instead_of_numbers_in_lists_is_refused_with_a_hint() {
    if !needs_root() {
        return;
    }
    let place = TempDir::new().unwrap();
    let layout = place.path().join("layout");
    fs::create_dir_all(layout.join("rootfs")).unwrap();
    fs::write(layout.join("manifest"), MANIFEST).unwrap();
    let root = layout.join("rootfs");
    make(&root, Holds::ALL);
    // User 1 has a name on every Debian; on a machine where nobody does, numbers are written.
    let archive = gnu_tar(&["--format=posix", "--sparse", "--acls"]).write(&layout);
    let target = fs::File::open(place.path()).unwrap();
    let options = ExtractOptions::default();
    match extract_aci(archive.as_slice(), target.as_fd(), &options) {
        Ok(_) => assert!(!fs::read_to_string("/etc/passwd").unwrap().contains(":x:1:")),
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("without a number"), "{message}");
            assert!(error.hint().unwrap().contains("--xattrs"));
        }
    }
}

#[test]
fn gnu_tar_in_ustar_format() {
    if !needs_root() {
        return;
    }
    read_back("ustar", &gnu_tar(&["--format=ustar"]), Holds::USTAR);
}

#[test]
fn archives_from_before_posix_are_refused_with_a_hint() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("rootfs")).unwrap();
    fs::write(place.path().join("manifest"), MANIFEST).unwrap();
    let archive = gnu_tar(&["--format=v7"]).write(place.path());
    let error = Decoder::new(archive.as_slice(), &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::OldTar));
    assert_eq!(error.to_string(), "unknown image filetype");
    assert!(error.hint().unwrap().contains("--format=posix"));
}

fn bsdtar(format: &str, options: &[&str]) -> Program {
    let mut words = vec![
        "bsdtar",
        "-c",
        "-f",
        "-",
        "--format",
        format,
        "--numeric-owner",
    ];
    words.extend(options);
    words.extend(["manifest", "rootfs"]);
    Program::new(&words)
}

#[test]
fn bsdtar_in_every_format() {
    if !needs_root() {
        return;
    }
    let all = bsdtar("pax", &["--acls", "--xattrs"]);
    let pax = Holds {
        fractions_before_1970: false,
        ..Holds::ALL
    };
    read_back("pax", &all, pax);
    let gnu = Holds {
        before_1970: false,
        fractions: false,
        fractions_before_1970: false,
        nanoseconds: false,
        xattrs: false,
        holes: false,
        ..Holds::ALL
    };
    read_back(
        "gnutar",
        &bsdtar("gnutar", &["--no-acls", "--no-xattrs"]),
        gnu,
    );
    let ustar = bsdtar("ustar", &["--no-acls", "--no-xattrs"]);
    read_back("ustar", &ustar, Holds::USTAR);
}

#[test]
fn python_in_every_format() {
    if !needs_root() {
        return;
    }
    // It never makes a hard link to a symbolic link, and keeps times as floating-point numbers.
    let gnu = Holds {
        fractions: false,
        fractions_before_1970: false,
        nanoseconds: false,
        xattrs: false,
        linked_links: false,
        holes: false,
        ..Holds::ALL
    };
    let pax = Holds {
        fractions: true,
        ..gnu
    };
    let ustar = Holds {
        linked_links: false,
        ..Holds::USTAR
    };
    read_back("GNU", &python_writer("GNU_FORMAT"), gnu);
    read_back("PAX", &python_writer("PAX_FORMAT"), pax);
    read_back("ustar", &python_writer("USTAR_FORMAT"), ustar);
}

#[test]
fn go_in_every_format() {
    if !needs_root() {
        return;
    }
    let Some(go) = Go::build() else { return };
    let pax = Holds {
        holes: false,
        ..Holds::ALL
    };
    let gnu = Holds {
        fractions: false,
        fractions_before_1970: false,
        nanoseconds: false,
        xattrs: false,
        ..pax
    };
    read_back("PAX", &go.program(&["write", "PAX"]), pax);
    read_back("GNU", &go.program(&["write", "GNU"]), gnu);
    let ustar = Holds {
        any_bytes: false,
        ..Holds::USTAR
    };
    read_back("ustar", &go.program(&["write", "USTAR"]), ustar);
}

#[test]
fn the_original_actool() {
    if !needs_root() {
        return;
    }
    let image = include_bytes!("../../../../fixtures/images/original-actool.aci");
    let place = TempDir::new().unwrap();
    extract(image, place.path()).unwrap();
    let tree = Tree::read(&place.path().join("rootfs"));
    let facts = |path: &str| &tree.entries()[Path::new(path)];
    let bin = facts("bin");
    assert_eq!((bin.mode, bin.owner), (0o041_777, (3_000_000, 7)));
    assert_eq!(bin.mtime, (-31_536_000, 0));
    let hello = facts("hello");
    assert_eq!((hello.mode, hello.size), (0o104_755, 6));
    assert_eq!(hello.mtime, (981_173_106, 0));
    let link = facts("hello-link");
    assert_eq!(link.same_as.as_deref(), Some(Path::new("hello")));
    let block = facts("dev/blk");
    assert_eq!(block.mode & 0o170_000, 0o060_000);
    assert_eq!(block.device, rustix::fs::makedev(259, 70_000));
    assert_eq!(facts("dev/null").device, rustix::fs::makedev(1, 3));
    assert_eq!(facts("fifo").mode & 0o170_000, 0o010_000);
    let long = fs::read_link(place.path().join("rootfs/longsym")).unwrap();
    assert_eq!(long.as_os_str().len(), 150);
    let deep = format!("{}/{}/f", "d".repeat(120), "e".repeat(120));
    assert_eq!(facts(&deep).size, 2);
    let odd = std::ffi::OsStr::from_bytes(b"odd \xff name");
    assert_eq!(tree.entries()[Path::new(odd)].size, 3);
    assert_eq!(facts("sparse").size, 3 << 20);
    assert_eq!(tree.entries().len(), 15);
    gantry_archive::aci::validate(image.as_slice()).unwrap();
}
