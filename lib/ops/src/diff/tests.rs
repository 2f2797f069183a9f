use std::collections::BTreeMap;

use gantry_archive::list::{FileList, ListOptions, list};
use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use proptest::prelude::*;

use super::files::compare;
use super::*;

/// One file of a made-up image.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    kind: u8,
    mode: u32,
    owner: (u32, u32),
    mtime: u32,
    content: Vec<u8>,
    xattr: Option<u8>,
    number: u32,
}

type Tree = BTreeMap<String, Node>;

const FILE: u8 = b'0';
const SYMLINK: u8 = b'2';
const DEVICE: u8 = b'3';

fn node() -> impl Strategy<Value = Node> {
    (
        prop_oneof![
            Just(FILE),
            Just(SYMLINK),
            Just(DEVICE),
            Just(b'4'),
            Just(b'6')
        ],
        0_u32..0o10000,
        (0_u32..1000, 0_u32..1000),
        0_u32..1_000_000,
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::option::of(b'a'..=b'z'),
        0_u32..200,
    )
        .prop_map(|(kind, mode, owner, mtime, content, xattr, number)| Node {
            kind,
            mode,
            owner,
            mtime,
            content,
            xattr,
            number,
        })
}

fn tree() -> impl Strategy<Value = Tree> {
    proptest::collection::btree_map("[a-e]{1,3}", node(), 1..8)
}

fn archive(tree: &Tree) -> ArchiveBuilder {
    let mut archive = ArchiveBuilder::aci();
    for (name, node) in tree {
        let data: &[u8] = match node.kind {
            FILE => &node.content,
            _ => b"",
        };
        let name = format!("rootfs/{name}");
        let mut header = RawHeader::new(node.kind, name.as_bytes(), data.len() as u64)
            .mode(node.mode)
            .owner(node.owner.0, node.owner.1)
            .field(136, format!("{:011o}\0", node.mtime).as_bytes());
        if node.kind == SYMLINK {
            header = header.link(format!("to{}", node.number).as_bytes());
        }
        if matches!(node.kind, DEVICE | b'4') {
            let number = format!("{:07o}\0", node.number);
            header = header
                .field(329, number.as_bytes())
                .field(337, b"0000000\0");
        }
        if let Some(value) = node.xattr {
            archive = archive.pax([("SCHILY.xattr.user.x", [value])]);
        }
        archive = archive.entry(&header, data);
    }
    archive
}

fn files(archive: ArchiveBuilder) -> FileList {
    let options = ListOptions {
        digests: true,
        ..ListOptions::default()
    };
    list(archive.finish().as_slice(), &options).unwrap().files
}

fn differences(old: &Tree, new: &Tree) -> Vec<FileDifference> {
    let (old, new) = (files(archive(old)), files(archive(new)));
    compare(&old, &new, &BTreeSet::new()).differences
}

fn turned(difference: FileDifference) -> FileDifference {
    let change = match difference.change {
        FileChange::Removed(kind) => FileChange::Added(kind),
        FileChange::Added(kind) => FileChange::Removed(kind),
        FileChange::Changed(changes) => FileChange::Changed(
            changes
                .into_iter()
                .map(|change| AttributeChange {
                    old: change.new,
                    new: change.old,
                    ..change
                })
                .collect(),
        ),
    };
    FileDifference {
        change,
        ..difference
    }
}

/// Changes one attribute of a node, and says which have to be found; none if it has no such attribute.
fn change(node: &mut Node, attribute: Attribute) -> Option<Vec<Attribute>> {
    match attribute {
        Attribute::Mode if node.kind != SYMLINK => node.mode ^= 0o1000,
        Attribute::Owner => node.owner.1 += 1,
        Attribute::Mtime => node.mtime += 1,
        Attribute::Xattrs => {
            node.xattr = match node.xattr {
                None => Some(b'a'),
                Some(b'a') => Some(b'b'),
                Some(_) => None,
            };
        }
        Attribute::Size if node.kind == FILE => {
            node.content.push(0);
            return Some(vec![Attribute::Size, Attribute::Content]);
        }
        Attribute::Content if node.kind == FILE && !node.content.is_empty() => {
            node.content[0] ^= 1;
        }
        Attribute::Target if node.kind == SYMLINK => node.number += 1,
        Attribute::Device if matches!(node.kind, DEVICE | b'4') => node.number += 1,
        Attribute::Type if node.kind == DEVICE => node.kind = b'4',
        _ => return None,
    }
    Some(vec![attribute])
}

proptest! {
    #[test]
    fn an_image_does_not_differ_from_itself(tree in tree()) {
        prop_assert_eq!(differences(&tree, &tree), []);
    }

    #[test]
    fn differences_are_the_same_both_ways(old in tree(), new in tree()) {
        let there = differences(&old, &new);
        let back: Vec<_> = differences(&new, &old).into_iter().map(turned).collect();
        prop_assert_eq!(there, back);
    }

    #[test]
    fn the_one_attribute_that_changes_is_found_and_named(
        old in tree(),
        place in any::<prop::sample::Index>(),
        attribute in prop::sample::select(&Attribute::ALL[..]),
    ) {
        let mut new = old.clone();
        let place = place.index(new.len());
        let (name, node) = new.iter_mut().nth(place).unwrap();
        let (name, wanted) = (name.clone(), change(node, attribute));
        let found = differences(&old, &new);
        match wanted {
            None => prop_assert_eq!(found, []),
            Some(wanted) => {
                prop_assert_eq!(found.len(), 1);
                prop_assert_eq!(&found[0].path, name.as_bytes());
                let FileChange::Changed(changes) = &found[0].change else {
                    return Err(TestCaseError::fail("not a change"));
                };
                let named: Vec<_> = changes.iter().map(|change| change.attribute).collect();
                prop_assert_eq!(named, wanted);
            }
        }
    }
}

fn compared(old: ArchiveBuilder, new: ArchiveBuilder) -> Vec<String> {
    let found = compare(&files(old), &files(new), &BTreeSet::new());
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let line = |difference: FileDifference| match difference.change {
        FileChange::Removed(kind) => format!("-{} {kind}", text(&difference.path)),
        FileChange::Added(kind) => format!("+{} {kind}", text(&difference.path)),
        FileChange::Changed(changes) => {
            let changes = changes.iter();
            let names: Vec<_> = changes.map(|change| change.attribute.name()).collect();
            format!("{} {}", text(&difference.path), names.join(","))
        }
    };
    found.differences.into_iter().map(line).collect()
}

#[test]
fn hard_links_are_compared_as_groups_and_by_what_they_name() {
    let aci = ArchiveBuilder::aci;
    let two = || {
        aci()
            .file("rootfs/a", "x")
            .hard_link("rootfs/b", "rootfs/a")
    };
    // The other name first; the link before its target; over another link.
    let none: [&str; 0] = [];
    let other = aci()
        .file("rootfs/b", "x")
        .hard_link("rootfs/a", "rootfs/b");
    assert_eq!(compared(two(), other), none);
    let early = aci()
        .hard_link("rootfs/a", "rootfs/b")
        .file("rootfs/b", "x");
    assert_eq!(compared(two(), early), none);
    let three = || two().hard_link("rootfs/c", "rootfs/b");
    let star = two().hard_link("rootfs/c", "rootfs/a");
    assert_eq!(compared(three(), star), none);
    // Only the name that was added is told.
    assert_eq!(compared(two(), three()), ["+c file"]);
    // Copies instead of links.
    let copies = aci().file("rootfs/a", "x").file("rootfs/b", "x");
    assert_eq!(compared(two(), copies), ["a hardlinks", "b hardlinks"]);
    let moved = aci()
        .file("rootfs/a", "x")
        .file("rootfs/b", "x")
        .hard_link("rootfs/c", "rootfs/b");
    assert_eq!(
        compared(three(), moved),
        ["a hardlinks", "b hardlinks", "c hardlinks"]
    );
    // Content seen through a link.
    let changed = aci()
        .file("rootfs/a", "y")
        .hard_link("rootfs/b", "rootfs/a");
    assert_eq!(compared(two(), changed), ["a content", "b content"]);
}

#[test]
fn hard_links_in_circles_and_to_nothing_end() {
    let circle = || {
        ArchiveBuilder::aci()
            .hard_link("rootfs/a", "rootfs/b")
            .hard_link("rootfs/b", "rootfs/c")
            .hard_link("rootfs/c", "rootfs/a")
            .hard_link("rootfs/d", "rootfs/d")
            .hard_link("rootfs/e", "rootfs/nothing")
    };
    assert_eq!(compared(circle(), circle()), [""; 0]);
    assert_eq!(
        compared(ArchiveBuilder::aci(), circle()),
        ["a", "b", "c", "d", "e"].map(|name| format!("+{name} hard link"))
    );
}

#[test]
fn a_long_chain_of_hard_links_is_followed_in_one_go() {
    let mut chain = ArchiveBuilder::aci();
    for index in 0..3000 {
        chain = chain.hard_link(&format!("rootfs/{index}"), &format!("rootfs/{}", index + 1));
    }
    let chain = files(chain.file("rootfs/3000", "x"));
    let found = compare(&chain, &chain, &BTreeSet::new());
    assert_eq!(found.differences, []);
}

fn opened(archive: ArchiveBuilder) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive.finish()).unwrap();
    file
}

#[test]
fn the_reasons_for_another_image_id_are_told() {
    let aci = || ArchiveBuilder::aci().file("rootfs/a", "x");
    let reasons = |new: ArchiveBuilder, ignore: &[Attribute]| {
        let (old, new) = (opened(aci()), opened(new));
        let options = DiffOptions {
            ignore: ignore.iter().copied().collect(),
            ..DiffOptions::default()
        };
        let found = diff(old.path(), new.path(), &options).unwrap();
        (found.is_empty(), found.reasons)
    };
    assert_eq!(reasons(aci(), &[]), (true, vec![]));
    let start = || ArchiveBuilder::new();
    let spaced = format!(" {MANIFEST}");
    let other = MANIFEST.replace("/app", "/other");
    for (new, ignore, equal, expected) in [
        (
            start()
                .file("manifest", spaced)
                .directory("rootfs")
                .file("rootfs/a", "x"),
            &[][..],
            true,
            vec![Reason::ManifestText],
        ),
        (
            start()
                .file("manifest", other)
                .directory("rootfs")
                .file("rootfs/a", "x"),
            &[],
            false,
            vec![Reason::Manifest],
        ),
        (
            start()
                .directory("rootfs")
                .file("rootfs/a", "x")
                .file("manifest", MANIFEST),
            &[],
            true,
            vec![Reason::Order],
        ),
        (
            start()
                .file("manifest", MANIFEST)
                .directory("./rootfs")
                .file("rootfs/a", "x"),
            &[],
            true,
            vec![Reason::Archive],
        ),
        (
            ArchiveBuilder::aci().file("rootfs/a", "y"),
            &[Attribute::Content],
            true,
            vec![Reason::Ignored(Attribute::Content)],
        ),
        (
            ArchiveBuilder::aci().file("rootfs/a", "yy"),
            &[Attribute::Content],
            false,
            vec![Reason::Files, Reason::Ignored(Attribute::Content)],
        ),
    ] {
        assert_eq!(reasons(new, ignore), (equal, expected));
    }
}
