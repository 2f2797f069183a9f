//! What layers become, one over the other.

mod property;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use gantry_testkit::archive::{ArchiveBuilder, RawHeader};
use gantry_testkit::tree::Tree;
use gantry_types::oci::Algorithm;
use tempfile::TempDir;

use super::*;
use crate::digest::Sha256;
use crate::extract::{ExtractError, ExtractOptions, Ownership, check_layer, extract_layer};
use gantry_types::oci::Digest;

fn ownership() -> Ownership {
    match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    }
}

/// Layers that were extracted, lowest first.
struct Image {
    place: TempDir,
    count: usize,
}

impl Image {
    fn new() -> Self {
        Self {
            place: TempDir::new().unwrap(),
            count: 0,
        }
    }

    fn tree(&self, number: usize) -> PathBuf {
        self.place.path().join(number.to_string())
    }

    fn root(&self, number: usize) -> PathBuf {
        self.tree(number).join("rootfs")
    }

    /// Extracts the next layer, and completes it; gives what it needed.
    fn add(&mut self, layer: &[u8]) -> Result<Needs, String> {
        let path = self.tree(self.count);
        fs::create_dir(&path).unwrap();
        let target = File::open(&path).unwrap();
        let options = ExtractOptions {
            ownership: ownership(),
            threads: 3,
            ..ExtractOptions::default()
        };
        let extracted = extract_layer(
            layer,
            target.as_fd(),
            Algorithm::Sha256,
            &options,
            &mut || {},
        );
        let extracted = extracted.map_err(|error: ExtractError| error.to_string())?;
        assert_eq!(extracted.diff_id, Digest::sha256(Sha256::of(layer)));
        let again = check_layer(layer, Algorithm::Sha256, &options).unwrap();
        assert_eq!(again, extracted.diff_id);
        let below: Vec<File> = (0..self.count)
            .rev()
            .map(|number| File::open(self.tree(number)).unwrap())
            .collect();
        let below: Vec<_> = below.iter().map(AsFd::as_fd).collect();
        complete(target.as_fd(), &below, &extracted.needs, ownership())
            .map_err(|error| error.to_string())?;
        self.count += 1;
        Ok(extracted.needs)
    }

    fn flat(&self) -> PathBuf {
        let roots: Vec<File> = (0..self.count)
            .rev()
            .map(|number| File::open(self.root(number)).unwrap())
            .collect();
        let roots: Vec<_> = roots.iter().map(AsFd::as_fd).collect();
        let to = File::open(self.place.path()).unwrap();
        flatten(&roots, (to.as_fd(), "flat".as_ref()), ownership()).unwrap();
        self.place.path().join("flat")
    }
}

/// Paths and contents; directories end in a slash.
fn contents(root: &Path) -> BTreeMap<String, String> {
    let tree = Tree::read(root);
    let entries = tree
        .entries()
        .iter()
        .filter(|(path, _)| **path != Path::new(""));
    entries
        .map(|(path, facts)| {
            let name = path.to_str().unwrap();
            match facts.mode & 0o170_000 {
                0o040_000 => (format!("{name}/"), String::new()),
                0o100_000 => (
                    name.to_owned(),
                    fs::read_to_string(root.join(path)).unwrap(),
                ),
                other => (name.to_owned(), format!("{other:o}")),
            }
        })
        .collect()
}

fn expect(image: &Image, expected: &[(&str, &str)]) {
    let expected = expected
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    assert_eq!(contents(&image.flat()), expected.collect());
}

#[test]
fn names_mean_what_the_specification_says() {
    let plain = |text: &str| Ok(LayerName::Plain(text.as_bytes().to_vec()));
    let whiteout = |text: &str| Ok(LayerName::Whiteout(text.as_bytes().to_vec()));
    let opaque = |text: &str| Ok(LayerName::Opaque(text.as_bytes().to_vec()));
    for (path, meaning) in [
        ("", plain("")),
        ("a/b", plain("a/b")),
        (".wh", plain(".wh")),
        ("a/x.wh.b", plain("a/x.wh.b")),
        (".wh.a", whiteout("a")),
        ("a/.wh.b", whiteout("a/b")),
        ("a/.wh..b", whiteout("a/.b")),
        ("a/.wh...b", whiteout("a/..b")),
        (".wh..wh..opq", opaque("")),
        ("a/b/.wh..wh..opq", opaque("a/b")),
        (".wh..wh.plnk", Ok(LayerName::Ignored)),
        (".wh..wh.plnk/1.2", Ok(LayerName::Ignored)),
        ("a/.wh..wh.aufs", Ok(LayerName::Ignored)),
        ("a/.wh.", Err(Rule::BadWhiteout(b"".as_slice().into()))),
        (".wh..", Err(Rule::BadWhiteout(b".".as_slice().into()))),
        ("a/.wh...", Err(Rule::BadWhiteout(b"..".as_slice().into()))),
        (".wh.a/b", Err(Rule::BeneathWhiteout)),
        ("a/.wh.b/.wh.c", Err(Rule::BeneathWhiteout)),
    ] {
        assert_eq!(LayerName::of(path.as_bytes().to_vec()), meaning, "{path}");
    }
}

#[test]
fn whiteouts_are_the_marks_of_the_kernels_overlay() {
    let mut image = Image::new();
    let base = ArchiveBuilder::new().directory("./").file("gone", "");
    image.add(&base.finish()).unwrap();
    let layer = ArchiveBuilder::new()
        .directory("./")
        .file("./.wh.gone", "")
        .file("./.wh.never", "")
        .directory("dir/")
        .file("dir/.wh..wh..opq", "")
        .file("dir/new", "new");
    let needs = image.add(&layer.finish()).unwrap();
    assert_eq!(needs.whiteouts, [b"gone".to_vec(), b"never".to_vec()]);
    assert!(needs.implied.is_empty() && needs.links.is_empty());
    let gone = fs::symlink_metadata(image.root(1).join("gone")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    assert!(fs::symlink_metadata(image.root(1).join("never")).is_err());
    let marks = Marks::here();
    let dir = File::open(image.root(1).join("dir")).unwrap();
    assert!(marks.is_opaque(dir.as_fd()).unwrap());
    let root = File::open(image.root(1)).unwrap();
    assert!(!marks.is_opaque(root.as_fd()).unwrap());
}

#[test]
fn what_is_removed_does_not_depend_on_the_order_of_entries() {
    let base = || {
        ArchiveBuilder::new()
            .directory("./")
            .directory("d/")
            .file("d/old", "old")
            .file("f", "old")
            .directory("o/")
            .file("o/old", "old")
            .directory("w/")
            .file("w/old", "old")
    };
    let top = || ArchiveBuilder::new().directory("./");
    for layer in [
        top()
            .file(".wh.d", "")
            .directory("d/")
            .file("d/new", "new")
            .file(".wh.f", "")
            .file("f", "new")
            .directory("o/")
            .file("o/.wh..wh..opq", "")
            .file("o/new", "new")
            .file(".wh.w", "")
            .file("w/new", "new"),
        top()
            .directory("d/")
            .file("d/new", "new")
            .file(".wh.d", "")
            .file("f", "new")
            .file(".wh.f", "")
            .directory("o/")
            .file("o/new", "new")
            .file("o/.wh..wh..opq", "")
            .file("w/new", "new")
            .file(".wh.w", ""),
    ] {
        let mut image = Image::new();
        image.add(&base().finish()).unwrap();
        image.add(&layer.finish()).unwrap();
        expect(
            &image,
            &[
                ("d/", ""),
                ("d/new", "new"),
                ("f", "new"),
                ("o/", ""),
                ("o/new", "new"),
                ("w/", ""),
                ("w/new", "new"),
            ],
        );
    }
}

#[test]
fn files_and_directories_replace_each_other() {
    let mut image = Image::new();
    let base = ArchiveBuilder::new()
        .directory("./")
        .directory("dir/")
        .file("dir/a", "a")
        .file("file", "f")
        .file("twice", "1")
        .file("twice", "2")
        .directory("dir/");
    image.add(&base.finish()).unwrap();
    let top = ArchiveBuilder::new()
        .directory("./")
        .symlink("dir", "/etc")
        .directory("file/")
        .file("file/b", "b");
    image.add(&top.finish()).unwrap();
    let last = ArchiveBuilder::new()
        .directory("./")
        .file("/dir/c", "c")
        .fifo("fifo");
    image.add(&last.finish()).unwrap();
    let expected = [
        ("dir/", ""),
        ("dir/c", "c"),
        ("fifo", "10000"),
        ("file/", ""),
        ("file/b", "b"),
        ("twice", "2"),
    ];
    expect(&image, &expected);
}

#[test]
fn what_a_layer_does_not_say_comes_from_below() {
    let mut image = Image::new();
    let owner = |header: RawHeader| match ownership() {
        Ownership::Keep => header.owner(7, 8),
        _ => header,
    };
    let directory = |name: &[u8], mode| owner(RawHeader::new(b'5', name, 0).mode(mode));
    let base = ArchiveBuilder::new()
        .entry(&directory(b"./", 0o711), b"")
        .entry(&directory(b"a/", 0o1777), b"")
        .entry(&directory(b"a/b/", 0o700), b"")
        .entry(
            &owner(RawHeader::new(b'0', b"a/file", 4).mode(0o4755)),
            b"file",
        )
        .hard_link("a/b/other", "a/file");
    assert!(image.add(&base.finish()).unwrap().is_empty());
    let top = ArchiveBuilder::new()
        .file("a/b/new", "new")
        .hard_link("link", "a/file")
        .hard_link("/late", "link");
    let needs = image.add(&top.finish()).unwrap();
    let implied = ["", "a", "a/b"].map(|path| path.as_bytes().to_vec());
    assert_eq!(needs.implied, implied);
    assert_eq!(needs.links.len(), 2);
    let flat = image.flat();
    let facts = |name: &str| {
        let meta = fs::metadata(flat.join(name)).unwrap();
        (meta.mode() & 0o7777, meta.mtime())
    };
    assert_eq!(facts("").0, 0o711);
    assert_eq!(facts("a"), (0o1777, 1));
    assert_eq!(facts("a/b"), (0o700, 1));
    let inode = |name: &str| fs::metadata(flat.join(name)).unwrap().ino();
    assert_eq!(inode("a/file"), inode("link"));
    assert_eq!(inode("a/file"), inode("late"));
    assert_eq!(inode("a/file"), inode("a/b/other"));
    let meta = fs::metadata(flat.join("link")).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.nlink()), (0o4755, 4));
    if ownership() == Ownership::Keep {
        assert_eq!((meta.uid(), meta.gid()), (7, 8));
    }
}

#[test]
fn a_link_from_below_can_be_said_again() {
    let mut image = Image::new();
    let base = ArchiveBuilder::new()
        .directory("./")
        .file("x", "x")
        .hard_link("a", "x");
    image.add(&base.finish()).unwrap();
    let top = ArchiveBuilder::new().hard_link("a", "x");
    image.add(&top.finish()).unwrap();
    let flat = image.flat();
    let inode = |name: &str| fs::metadata(flat.join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("x"));
}

#[test]
fn a_hidden_file_cannot_be_linked() {
    let base = || {
        ArchiveBuilder::new()
            .directory("./")
            .directory("a/")
            .file("a/f", "f")
            .directory("d/")
    };
    let new = || ArchiveBuilder::new().directory("./");
    for (layer, message) in [
        (
            new().file("a/.wh.f", "").hard_link("l", "a/f"),
            "not in the archive",
        ),
        (
            new().hard_link("l", "a/f").file("a/.wh.f", ""),
            "not in the archive",
        ),
        (
            new().hard_link("l", "a/f").file(".wh.a", ""),
            "symbolic link",
        ),
        (
            new().file("a/.wh..wh..opq", "").hard_link("l", "a/f"),
            "not in the archive",
        ),
        (new().hard_link("l", "d"), "is a directory"),
        (new().hard_link("l", "l"), "not in the archive"),
        (new().hard_link("l", "nothing"), "not in the archive"),
        (new().hard_link("l", "../x"), "not beneath the root"),
    ] {
        let mut image = Image::new();
        image.add(&base().finish()).unwrap();
        let error = image.add(&layer.finish()).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn hostile_layers_are_refused() {
    let new = ArchiveBuilder::new;
    let overlay = [("SCHILY.xattr.trusted.overlay.opaque", "y")];
    for (layer, message) in [
        (new().file("../victim", "x"), "contains \"..\""),
        (new().file(".wh...", ""), "which is no name"),
        (new().file("a/.wh..", ""), "which is no name"),
        (new().file(".wh.a/b", ""), "name of a whiteout"),
        (new().char_device("null", 0, 0), "reserved for the host"),
        (new().pax(overlay).file("a", ""), "reserved for the host"),
        (new().symlink("a", "/etc").file("a/b", ""), "symbolic link"),
        (
            new().directory("a").file("a/b", "").file("a", ""),
            "the same name",
        ),
        (new().symlink(".", "/etc"), "name is empty"),
    ] {
        let mut image = Image::new();
        let error = image.add(&layer.finish()).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn an_archive_of_nothing_or_without_an_end_is_a_layer() {
    let mut image = Image::new();
    image.add(b"").unwrap();
    image.add(&[0; 1024]).unwrap();
    image
        .add(&ArchiveBuilder::new().file("a", "a").unfinished())
        .unwrap();
    expect(&image, &[("a", "a")]);
    let cut = ArchiveBuilder::new().file("a", "aaaa").unfinished();
    assert!(image.add(&cut[..514]).is_err());
    assert!(Image::new().add(&[7; 512]).is_err());
}
