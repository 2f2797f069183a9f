//! What we write, others read.

use std::fs;
use std::path::Path;

use gantry_testkit::needs_root;
use gantry_testkit::tree::{Facts, Tree};
use tempfile::TempDir;

use crate::programs::{Go, Program, bsdtar_reader, gnu_tar_reader, python_reader};
use crate::sample::{Holds, make};
use crate::{extract, image};

/// Makes a tree that `holds` allows, writes it, and has it read by `reader` and by us.
fn read_by(what: &str, reader: &Program, holds: Holds, forget: fn(&Path, &mut Facts)) {
    let place = TempDir::new().unwrap();
    let root = place.path().join("root");
    fs::create_dir(&root).unwrap();
    make(&root, holds);
    let expected = Tree::read(&root);
    let archive = image(&root);
    let ours = place.path().join("ours");
    extract(&archive, &ours).unwrap();
    Tree::read(&ours.join("rootfs")).expect(&expected, "ours");
    let theirs = place.path().join("theirs");
    reader.read(&archive, &theirs);
    let read = Tree::read(&theirs.join("rootfs")).map(forget);
    read.expect(&expected.map(forget), what);
    assert_eq!(
        fs::read(theirs.join("manifest")).unwrap(),
        fs::read(ours.join("manifest")).unwrap()
    );
}

#[test]
fn gnu_tar_reads_it() {
    if needs_root() {
        read_by("GNU tar", &gnu_tar_reader(), Holds::ALL, |_, _| {});
    }
}

#[test]
fn bsdtar_reads_it() {
    if needs_root() {
        let holds = Holds {
            fractions_before_1970: false,
            odd_xattrs: false,
            ..Holds::ALL
        };
        read_by("bsdtar", &bsdtar_reader(), holds, |_, _| {});
    }
}

#[test]
fn python_reads_it() {
    if needs_root() {
        // It knows no attributes, keeps times as floating-point numbers, and sets none of links.
        let holds = Holds {
            xattrs: false,
            nanoseconds: false,
            linked_links: false,
            ..Holds::ALL
        };
        read_by("Python", &python_reader(), holds, |_, facts| {
            let is_link = facts.mode & 0o170_000 == 0o120_000;
            if is_link {
                facts.mtime = (0, 0);
            }
        });
    }
}

#[test]
fn go_reads_it() {
    if !needs_root() {
        return;
    }
    if let Some(go) = Go::build() {
        // Its public interface gives holes as zeros only.
        let holds = Holds {
            holes: false,
            ..Holds::ALL
        };
        read_by("Go", &go.program(&["read"]), holds, |_, _| {});
    }
}
