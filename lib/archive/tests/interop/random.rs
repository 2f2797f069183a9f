//! Random trees, written by us and read by everyone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use gantry_testkit::needs_root;
use gantry_testkit::tree::Tree;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use tempfile::TempDir;

use crate::programs::{Go, bsdtar_reader, gnu_tar_reader};
use crate::{extract, image};

#[derive(Debug, Clone)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(Vec<u8>),
    Fifo,
    Device(FileType, u32, u32),
    /// Another name of an earlier file, by the remainder of the division by their number.
    Link(usize),
}

#[derive(Debug, Clone)]
struct Node {
    path: PathBuf,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    time: (i64, i64),
    xattrs: BTreeMap<String, Vec<u8>>,
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let target = prop::collection::vec(1_u8..=255, 1..300);
    let device = prop_oneof![Just(FileType::CharacterDevice), Just(FileType::BlockDevice)];
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..2000).prop_map(Kind::File),
        3 => Just(Kind::Directory),
        2 => target.prop_map(Kind::Symlink),
        1 => Just(Kind::Fifo),
        1 => (device, 0_u32..4096, 0_u32..1 << 20).prop_map(|(kind, major, minor)| Kind::Device(kind, major, minor)),
        2 => any::<usize>().prop_map(Kind::Link),
    ]
}

fn any_owner() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0), 1 => 0_u32..100, 1 => 0..u32::MAX]
}

prop_compose! {
    fn any_node()(
        parts in prop::collection::vec(
            prop_oneof![
                6 => "[a-c]{1,2}".prop_map(String::into_bytes),
                1 => "[\u{fc} \n*.-]{0,3}[c-d]|[e-f]{90,110}|[g-h]{250,255}".prop_map(String::into_bytes),
                1 => "[i-k]".prop_map(|name| [name.as_bytes(), b"\xff\xfe%\\"].concat()),
            ],
            1..6,
        ),
        kind in any_kind(),
        mode in 0_u32..0o10000,
        owner in (any_owner(), any_owner()),
        seconds in prop_oneof![3 => 0_i64..1 << 33, 1 => -1000_i64..0, 1 => 1_i64 << 33..15 << 30],
        nanoseconds in prop_oneof![Just(0_i64), 0_i64..1_000_000_000],
        xattrs in prop::collection::btree_map(
            "(user|trusted|security)\\.[a-z]{1,100}",
            prop::collection::vec(any::<u8>(), 0..300),
            0..3,
        ),
    ) -> Node {
        let path = PathBuf::from(OsStr::from_bytes(&parts.join(&b'/')));
        // bsdtar counts fractions of seconds before 1970 the wrong way.
        let nanoseconds = if seconds < 0 { 0 } else { nanoseconds };
        Node { path, kind, mode, owner, time: (seconds, nanoseconds), xattrs }
    }
}

/// Makes what can be made of the nodes; what collides is left out.
fn make(root: &Path, nodes: &[Node]) {
    let mut made: Vec<(PathBuf, &Node)> = Vec::new();
    for node in nodes {
        let path = root.join(&node.path);
        let parent = path.parent().unwrap();
        if path.symlink_metadata().is_ok() || fs::create_dir_all(parent).is_err() {
            continue;
        }
        let mode = Mode::from_raw_mode(0o600);
        match &node.kind {
            Kind::File(content) => fs::write(&path, content).unwrap(),
            Kind::Directory => fs::create_dir(&path).unwrap(),
            Kind::Symlink(target) => symlink(OsStr::from_bytes(target), &path).unwrap(),
            Kind::Fifo => rustix::fs::mknodat(CWD, &path, FileType::Fifo, mode, 0).unwrap(),
            Kind::Device(kind, major, minor) => {
                let device = rustix::fs::makedev(*major, *minor);
                rustix::fs::mknodat(CWD, &path, *kind, mode, device).unwrap();
            }
            Kind::Link(index) => {
                let mut files = made
                    .iter()
                    .map(|(path, _)| path)
                    .filter(|path| !path.is_dir());
                let count = files.clone().count();
                if count > 0 {
                    fs::hard_link(files.nth(index % count).unwrap(), &path).unwrap();
                }
                continue;
            }
        }
        made.push((path, node));
    }
    made.sort_by(|(a, _), (b, _)| b.cmp(a));
    for (path, node) in &made {
        attributes(path, node);
    }
    // Directories made on the way have the time of now, which is as good as any.
}

fn attributes(path: &Path, node: &Node) {
    lchown(path, Some(node.owner.0), Some(node.owner.1)).unwrap();
    if !path.is_symlink() {
        fs::set_permissions(path, PermissionsExt::from_mode(node.mode)).unwrap();
    }
    for (name, value) in &node.xattrs {
        // Users' attributes are for files and directories only.
        let plain = matches!(node.kind, Kind::File(_) | Kind::Directory);
        if plain || !name.starts_with("user.") {
            rustix::fs::lsetxattr(path, name.as_str(), value, XattrFlags::empty()).unwrap();
        }
    }
    let time = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time((0, 0)),
        last_modification: time(node.time),
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

#[test]
fn any_tree_is_the_same_to_us_gnu_tar_bsdtar_and_go() {
    if !needs_root() {
        return;
    }
    let go = Go::build();
    let cases = match std::env::var_os("GANTRY_SOAK") {
        Some(_) => 256,
        None => 24,
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(any_node(), 0..25), |nodes| {
            let place = TempDir::new().unwrap();
            let root = place.path().join("root");
            fs::create_dir(&root).unwrap();
            make(&root, &nodes);
            let expected = Tree::read(&root);
            let archive = image(&root);
            prop_assert!(gantry_archive::aci::validate(archive.as_slice()).is_ok());
            extract(&archive, &place.path().join("ours")).map_err(TestCaseError::fail)?;
            gnu_tar_reader().read(&archive, &place.path().join("gnu"));
            bsdtar_reader().read(&archive, &place.path().join("bsd"));
            let mut readers = vec!["ours", "gnu", "bsd"];
            if let Some(go) = &go {
                go.program(&["read"])
                    .read(&archive, &place.path().join("go"));
                readers.push("go");
            }
            for reader in readers {
                let read = Tree::read(&place.path().join(reader).join("rootfs"));
                let differences = read.differences(&expected);
                prop_assert!(differences.is_empty(), "{reader}:\n{differences}");
            }
            Ok(())
        })
        .unwrap();
}
